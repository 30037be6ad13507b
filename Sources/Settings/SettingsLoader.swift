import Counting
import Foundation
import TOMLKit
import Wire

extension Settings {
    /// The file that is read if no other is named.
    public static let defaultFile = "/etc/footfall/footfall.toml"

    /// The folder of site files for a settings file.
    public static func sitesFolder(beside file: String) -> String {
        (file.lastIndex(of: "/").map { String(file[...$0]) } ?? "") + "sites.d"
    }

    /// There is a main file or a site file. Without any, the daemon serves the demo.
    public static func hasFiles(_ file: String?) -> Bool {
        let main = file ?? defaultFile
        if FileManager.default.fileExists(atPath: main) { return true }
        do {
            return try !siteFiles(in: sitesFolder(beside: main)).isEmpty
        } catch {
            return false
        }
    }

    /// Reads the file, the `sites.d/*.toml` beside it, and the variables `FOOTFALL_SECTION_KEY`, which override files.
    ///
    /// If no file is named, `/etc/footfall/footfall.toml` may be missing. If there is no site file either, the settings are
    /// those of the demo: one site `demo`, on loopback, with a local administrator.
    ///
    /// - Throws: All problems of all files together, in reading order.
    public static func load(
        file: String?, environment: [String: String], zones: TimeZones
    ) throws(SettingsError) -> Settings {
        var loader = SettingsLoader(environment: environment, zones: zones)
        let main = file ?? defaultFile
        let isThere = loader.read(main, mayBeMissing: file == nil)
        let siteFiles = loader.findSiteFiles(in: sitesFolder(beside: main))
        for file in siteFiles { _ = loader.read(file, onlySites: true) }
        if !isThere, siteFiles.isEmpty { loader.serveDemo() }
        loader.override(by: environment)
        loader.compareKeys()
        guard loader.problems.isEmpty else { throw SettingsError(problems: loader.problems.sorted()) }
        return loader.settings
    }
}

/// Collects settings and problems, one source after the other.
private struct SettingsLoader {
    typealias Place = SettingsError.Place

    var settings: Settings
    private(set) var problems: [SettingsError.Problem] = []

    private var sources = 0
    /// Where each `section.key` and each site name was last set.
    private var keyPlaces: [String: Place] = [:]
    private var sitePlaces: [String: Place] = [:]
    /// The site of each host.
    private var hostSites: [String: String] = [:]

    private let zone: String
    private let siteKeys: [SettingsKey<Settings.Site>]

    init(environment: [String: String], zones: TimeZones) {
        settings = Settings(environment: environment)
        zone = zones.machine
        siteKeys = Settings.siteKeys(isTimezone: zones.contains)
    }

    private mutating func report(_ sentence: String, at place: Place) {
        problems.append(SettingsError.Problem(place: place, sentence: sentence))
    }

    mutating func serveDemo() {
        settings.http.localAdmin = true
        settings.sites = [Settings.Site(name: "demo", timezone: zone)]
    }

    // MARK: Files

    /// The `.toml` files in a folder, sorted; the folder may be missing.
    mutating func findSiteFiles(in folder: String) -> [String] {
        do {
            return try siteFiles(in: folder)
        } catch {
            sources += 1
            if !isMissing(error) { report(reason(error), at: Place(source: sources, name: folder)) }
            return []
        }
    }

    /// Returns false if the file is missing and may be.
    mutating func read(_ file: String, onlySites: Bool = false, mayBeMissing: Bool = false) -> Bool {
        sources += 1
        let whole = Place(source: sources, name: file)
        do {
            let bytes = try Data(contentsOf: URL(filePath: file))
            // TOMLKit reads a C string and would silently stop at a NUL.
            if let text = String(validating: bytes, as: UTF8.self), !bytes.contains(0) {
                let table = try TOMLTable(string: text)
                // TOMLKit never frees its memory, and a daemon reloads.
                defer { table.clear() }
                read(table, of: SettingsFile(source: sources, name: file, places: SettingsPlaces(of: text)), onlySites)
            } else {
                report("a settings file must be UTF-8 text without NUL bytes", at: whole)
            }
        } catch let error as TOMLParseError {
            let position = SettingsPlaces.Position(line: error.source.begin.line, column: error.source.begin.column)
            report(error.description, at: Place(source: sources, name: file, position: position))
        } catch {
            if mayBeMissing, isMissing(error) { return false }
            report(reason(error), at: whole)
        }
        return true
    }

    private mutating func read(_ table: TOMLTable, of file: SettingsFile, _ onlySites: Bool) {
        for name in table.keys {
            let value = table[name]
            let section = Settings.sections.first { $0.key == name }
            if name == "site" {
                readSites(value, of: file)
            } else if section == nil, value?.table == nil {
                report("key \(quoted(name)) stands in no section; a section is written [name]", at: file.key([name]))
            } else if section == nil {
                let known = onlySites ? [] : Settings.sections.map { "[\($0.key)]" }
                report(unknown("section [\(name)]", "[\(name)]", among: known + ["[[site]]"]), at: file.key([name]))
            } else if onlySites {
                let sentence = "[\(name)] belongs in footfall.toml; a file in sites.d holds [[site]] only"
                report(sentence, at: file.key([name]))
            } else if let section, let keys = value?.table {
                var changed = settings
                for place in read(keys, section.value, title: "[\(name)]", path: [name], of: file, into: &changed) {
                    keyPlaces[place.key] = place.value
                }
                settings = changed
            } else {
                report("\(name) must be a section, written [\(name)]", at: file.key([name]))
            }
        }
    }

    /// Stores the values of known keys and reports the others. Returns the place of each value by `section.key`.
    private mutating func read<Root>(
        _ table: TOMLTable, _ keys: [SettingsKey<Root>], title: String, path: [String], of file: SettingsFile,
        into root: inout Root
    ) -> [String: Place] {
        var places: [String: Place] = [:]
        for name in table.keys {
            guard let key = keys.first(where: { $0.name == name }), let value = table[name] else {
                report(
                    unknown("key \(quoted(name)) in \(title)", quoted(name), among: keys.map { quoted($0.name) }),
                    at: file.key(path + [name]))
                continue
            }
            places[(path + [name]).joined(separator: ".")] = file.value(path + [name])
            for refusal in key.assign(TOMLValue(value), &root) {
                let entry = refusal.entry.map { ["\($0)"] } ?? []
                report(refusal.sentence, at: file.value(path + [name] + entry))
            }
        }
        return places
    }

    // MARK: Sites

    private mutating func readSites(_ value: (any TOMLValueConvertible)?, of file: SettingsFile) {
        guard let tables = value?.array else {
            return report("a site is written [[site]], with two brackets", at: file.key(["site"]))
        }
        for (ordinal, table) in tables.enumerated() {
            let path = ["site", "\(ordinal)"]
            if let table = table.table {
                readSite(table, path, of: file)
            } else {
                report("a site is written [[site]], with its keys below", at: file.value(path))
            }
        }
    }

    private mutating func readSite(_ table: TOMLTable, _ path: [String], of file: SettingsFile) {
        var site = Settings.Site(name: "", timezone: zone)
        _ = read(table, siteKeys, title: "[[site]]", path: path, of: file, into: &site)
        if table["name"] == nil { report("a [[site]] needs a name", at: file.key(path)) }
        guard !site.name.isEmpty else { return }

        let place = file.value(path + ["name"])
        if let earlier = sitePlaces[site.name] {
            return report("site \(quoted(site.name)) is already defined at \(earlier)", at: place)
        }
        sitePlaces[site.name] = place
        var hosts: [String] = []
        for (entry, host) in site.profile.hosts.enumerated() {
            let owner = hostSites[host]
            if owner == nil {
                hostSites[host] = site.name
                hosts.append(host)
            } else if let owner, owner != site.name {
                report(
                    "host \(quoted(host)) already belongs to site \(quoted(owner)); a host leads to one site",
                    at: file.value(path + ["hosts", "\(entry)"]))
            }
        }
        site.profile.hosts = hosts
        settings.sites.append(site)
    }

    // MARK: Environment

    mutating func override(by environment: [String: String]) {
        sources += 1
        for variable in environment.keys.sorted() {
            let name = variable.lowercased()
            guard variable.hasPrefix("FOOTFALL_"), let text = environment[variable],
                let (section, keys) = Settings.sections.first(where: { name.hasPrefix("footfall_\($0.key)_") })
            else { continue }
            let place = Place(source: sources, name: variable)
            guard let key = keys.first(where: { name == "footfall_\(section)_\($0.name)" }) else {
                let known = keys.map { "FOOTFALL_\(section)_\($0.name)".uppercased() }
                report(unknown("variable", variable, among: known), at: place)
                continue
            }
            for refusal in key.assign(key.fromEnvironment(text), &settings) { report(refusal.sentence, at: place) }
            keyPlaces["\(section).\(key.name)"] = place
        }
    }

    // MARK: Keys that depend on each other

    mutating func compareKeys() {
        let cap = settings.state.journalCapBytes
        let place = keyPlaces["state.journal_cap"] ?? keyPlaces["state.segment"]
        if cap / 2 < settings.state.segmentBytes, let place {
            report("journal_cap must be at least twice as large as segment", at: place)
        }
        let sitesMax = settings.limits.counting.sites
        if settings.sites.count > sitesMax, let place = sitePlaces[settings.sites[sitesMax].name] {
            report("[limits] sites is \(sitesMax), and there are \(settings.sites.count) sites", at: place)
        }
        // With other problems, the site may be one that could not be read.
        let site = settings.beacon.site
        let isKnown = site.isEmpty || settings.sites.contains { $0.name == site }
        if problems.isEmpty, !isKnown, let place = keyPlaces["beacon.site"] {
            report("site must be the name of a [[site]], or \"\"; found \(quoted(site))", at: place)
        }
    }
}

private func siteFiles(in folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder)
        .filter { $0.hasSuffix(".toml") && !$0.hasPrefix(".") }.sorted().map { folder + "/" + $0 }
}

/// A file that is being read.
private struct SettingsFile {
    let source: Int
    let name: String
    let places: SettingsPlaces

    func key(_ path: [String]) -> SettingsError.Place {
        SettingsError.Place(source: source, name: name, position: places.key(path))
    }
    func value(_ path: [String]) -> SettingsError.Place {
        SettingsError.Place(source: source, name: name, position: places.value(path))
    }
}

extension TOMLValue {
    fileprivate init(_ value: any TOMLValueConvertible) {
        if let text = value.string {
            self = .text(text)
        } else if let number = value.int {
            self = .number(number)
        } else if let flag = value.bool {
            self = .flag(flag)
        } else if let list = value.array {
            self = .list(list.map { TOMLValue($0) })
        } else {
            self = .other(value.type.description)
        }
    }
}

private func isMissing(_ error: any Error) -> Bool {
    (error as? CocoaError)?.code == .fileReadNoSuchFile
}

private func reason(_ error: any Error) -> String {
    switch (error as? CocoaError)?.code {
    case .fileReadNoSuchFile?: "there is no such file"
    case .fileReadNoPermission?: "this user may not read it; make it readable (chmod a+r), or run the command as root"
    default: "cannot be read as a file"
    }
}
