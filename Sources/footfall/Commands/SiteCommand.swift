import ArgumentParser
import Foundation
import Glibc
import Settings
import Web

struct SiteCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "site", abstract: "Add a site to the settings, or take one away.",
        subcommands: [Add.self, Remove.self])

    struct Add: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add a site: a file in sites.d, which a running daemon reads at once.",
            discussion:
                "All keys of a [[site]] can be changed in that file; footfall check explains mistakes, and SIGHUP or "
                + "footfall site add puts changes in force.")

        @Argument(help: "The site's name: 1 to 64 of a-z 0-9 . _ -", transform: siteName)
        var site: String
        @Option(
            help: "A host of its pages; may be given again. With hosts, browsers are counted from their pages only.")
        var host: [String] = []
        @Option(help: "Its time zone; default the machine's.")
        var timezone: String?
        @Option(
            name: .customLong("public"),
            help: "A number that anybody may see, such as online or total; may be given again.")
        var publicNumbers: [String] = []
        @OptionGroup var settingsOption: SettingsOption

        func validate() throws {
            // A file whose name begins with a dot is nobody's.
            if site.hasPrefix(".") { throw ValidationError("a site that begins with a dot has no file of its own") }
        }

        func run() throws {
            let file = SiteFile(site, settingsOption)
            guard !FileManager.default.fileExists(atPath: file.path) else {
                say("\(file.path) is there already; change it there")
                throw Exit.configuration
            }
            let undo = try file.write(
                Settings.siteFile(name: site, hosts: host, timezone: timezone, publicNumbers: publicNumbers))
            do {
                _ = try settingsOption.load()
                try file.putInForce("\(file.path) is written", serving: true)
            } catch {
                undo()
                throw error
            }
        }
    }

    struct Remove: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take a site away that has a file in sites.d. Its numbers are kept.")

        @Argument(help: "The site.", transform: siteName)
        var site: String
        @OptionGroup var settingsOption: SettingsOption

        func run() throws {
            let file = SiteFile(site, settingsOption)
            let settings = try settingsOption.load()
            guard settings.sites.contains(where: { $0.name == site }) else {
                say("no settings name the site \(site); footfall check shows those there are")
                throw Exit.data
            }
            let undo = try file.hide()
            // It may be in another file, or with others in this one.
            let others = settings.sites.filter { $0.name != site }
            let left: Settings
            do {
                left = try settingsOption.load()
            } catch {
                undo()
                say("the settings would be wrong without \(file.path), and it stays")
                throw error
            }
            guard left.sites == others else {
                undo()
                say("\(site) is not alone in a file \(file.path); take its [[site]] away by hand, then send SIGHUP")
                throw Exit.configuration
            }
            do {
                try file.putInForce("\(site) is no longer counted; its numbers are kept", serving: false)
            } catch {
                undo()
                throw error
            }
            try file.removeHidden()
        }
    }
}

private struct SiteFile {
    let path: String
    private let site: String
    private let main: String
    private let option: SettingsOption
    private var folder: String { (path as NSString).deletingLastPathComponent }
    /// Nobody reads a file whose name begins with a dot.
    private var hidden: String { folder + "/.\(site).toml.removed" }
    private var files: FileManager { .default }

    init(_ site: String, _ option: SettingsOption) {
        self.site = site
        self.option = option
        main = option.config ?? Settings.defaultFile
        path = Settings.sitesFolder(beside: main) + "/\(site).toml"
    }

    /// Writes the file, whole or not at all, and begins a settings file that is not there; how to undo that.
    func write(_ text: String) throws -> () -> Void {
        let isFolderNew = !files.fileExists(atPath: folder)
        let isMainNew = try attempt("write") {
            try files.createDirectory(atPath: folder, withIntermediateDirectories: true)
            let isMainNew = try beginMain()
            try Data(text.utf8).write(to: URL(filePath: path), options: .atomic)
            return isMainNew
        }
        return {
            for made in [path] + (isFolderNew ? [folder] : []) + (isMainNew ? [main] : []) {
                try? files.removeItem(atPath: made)
            }
        }
    }

    /// Takes the file away so that it can come back as it was; how to do that.
    func hide() throws -> () -> Void {
        guard files.fileExists(atPath: path) else { return {} }
        let isMainNew = try attempt("remove") {
            // Without any file a daemon would serve the demo.
            let isMainNew = try beginMain()
            if files.fileExists(atPath: hidden) { try files.removeItem(atPath: hidden) }
            try files.moveItem(atPath: path, toPath: hidden)
            return isMainNew
        }
        return {
            try? files.moveItem(atPath: hidden, toPath: path)
            if isMainNew { try? files.removeItem(atPath: main) }
        }
    }

    func removeHidden() throws { try attempt("remove") { try files.removeItem(atPath: hidden) } }

    private func beginMain() throws -> Bool {
        guard !files.fileExists(atPath: main) else { return false }
        try Data("# footfall check shows every key and its default. Sites are in sites.d.\n".utf8)
            .write(to: URL(filePath: main))
        return true
    }

    private func attempt<T>(_ what: String, _ body: () throws -> T) throws -> T {
        do {
            return try body()
        } catch {
            say("cannot \(what) \(path): \(error.localizedDescription)")
            throw Exit.noPermission
        }
    }

    /// Has a running daemon read the settings, and sees that it serves the site now, or does not.
    func putInForce(_ done: String, serving: Bool) throws {
        let client = try LocalClient(option)
        guard try client.isAnswered() else { return print("\(done); it takes effect when the daemon starts") }
        let answer = try decode(Reloaded.self, client.ask("POST", "/api/v1/reload?site=\(site)", [String]()))
        guard answer.served == serving else {
            say("the daemon that answers reads other settings than \(main); name its own with -c")
            throw Exit.configuration
        }
        print("\(done), and the daemon has read it")
        for note in answer.notes { say(note) }
    }

    private struct Reloaded: Decodable {
        let notes: [String]
        let served: Bool?
    }
}
