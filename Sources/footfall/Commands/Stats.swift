import ArgumentParser
import Foundation

struct Stats: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show the numbers of the running daemon.")

    @Argument(help: "The site (default: all).", transform: siteName)
    var site: String?
    @Flag(help: "Print the JSON of the API.")
    var json = false
    @Flag(help: "Print one line per site.")
    var csv = false
    @OptionGroup var settingsOption: SettingsOption

    func validate() throws {
        if json, csv { throw ValidationError("--json and --csv exclude each other") }
    }

    func run() throws {
        let client = try LocalClient(settingsOption)
        let body = try client.get("/api/v1/sites" + (site.map { "/" + $0 } ?? ""))
        if json {
            print(String(decoding: body, as: UTF8.self))
            return
        }
        let sites = site == nil ? try decode(SiteList.self, body).sites : [try decode(SiteSnapshot.self, body)]
        if sites.isEmpty { say("no site is counted yet; add one with footfall setup NAME") }
        if csv { print(SiteSnapshot.csvHeader) }
        print(sites.map(csv ? \.csv : \.text).joined(separator: csv ? "\n" : "\n\n"))
    }
}

struct Sites: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the sites of the running daemon.",
        discussion: "After a tab, a site that the settings name no longer is marked as removed. Its numbers are kept.")

    @OptionGroup var settingsOption: SettingsOption

    func run() throws {
        let client = try LocalClient(settingsOption)
        let list = try decode(SiteList.self, client.get("/api/v1/sites"))
        for site in list.sites { print(site.site + (list.removed.contains(site.site) ? "\tremoved" : "")) }
    }
}

struct SiteList: Decodable { let sites: [SiteSnapshot], removed: [String] }

/// Decodes the daemon's JSON. If that fails, daemon and command have different versions.
func decode<T: Decodable>(_ type: T.Type, _ body: Data) throws -> T {
    do {
        return try JSONDecoder().decode(type, from: body)
    } catch {
        say("cannot read the daemon's answer; does it have another version than \(Footfall.version)?")
        throw Exit.unavailable
    }
}
