import ArgumentParser
import Foundation
import Settings

struct SiteCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "site", abstract: "Add a site to the settings, or remove one.",
        subcommands: [Add.self, Remove.self])

    struct Add: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add a site: write a file in sites.d and let a running daemon read it.",
            discussion:
                "You can change all keys of the [[site]] in that file. footfall check finds mistakes; SIGHUP makes the daemon "
                + "read the file again."
        )

        @Argument(help: "The site's name: 1 to 64 of a-z 0-9 . _ -", transform: siteName)
        var site: String
        @Option(
            help:
                "A host name of its pages; may be repeated. If hosts are given, only browsers on their pages are counted."
        )
        var host: [String] = []
        @Option(help: "Its time zone (default: the machine's).")
        var timezone: String?
        @Option(
            name: .customLong("public"),
            help: "A number that everyone may see, such as online or total; may be repeated.")
        var publicNumbers: [String] = []
        @OptionGroup var settingsOption: SettingsOption

        func validate() throws {
            // Files whose names begin with a dot are never read.
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
            abstract: "Remove a site that has a file in sites.d. Its numbers are kept.")

        @Argument(help: "The site.", transform: siteName)
        var site: String
        @OptionGroup var settingsOption: SettingsOption

        func run() throws {
            let file = SiteFile(site, settingsOption)
            let settings = try settingsOption.load()
            guard settings.sites.contains(where: { $0.name == site }) else {
                say("there is no site \(site) in the settings; footfall check shows all sites")
                throw Exit.data
            }
            let undo = try file.hide()
            // The site may be in another file, or this file may have other sites.
            let others = settings.sites.filter { $0.name != site }
            let left: Settings
            do {
                left = try settingsOption.load()
            } catch {
                undo()
                say("\(file.path) is kept, because the settings would be wrong without it")
                throw error
            }
            guard left.sites == others else {
                undo()
                say("\(file.path) does not hold \(site) alone; remove its [[site]] by hand, then send SIGHUP")
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
    /// Files whose names begin with a dot are never read.
    private var hidden: String { folder + "/.\(site).toml.removed" }
    private var files: FileManager { .default }

    init(_ site: String, _ option: SettingsOption) {
        self.site = site
        self.option = option
        main = option.config ?? Settings.defaultFile
        path = Settings.sitesFolder(beside: main) + "/\(site).toml"
    }

    /// Writes the file atomically, and a main settings file if there is none. Returns how to undo that.
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

    /// Hides the file. Returns how to undo that.
    func hide() throws -> () -> Void {
        guard files.fileExists(atPath: path) else { return {} }
        let isMainNew = try attempt("remove") {
            // Without any file, the daemon would serve the demo.
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

    /// Makes a running daemon read the settings, and checks that it now serves the site, or no longer does.
    func putInForce(_ done: String, serving: Bool) throws {
        let client = try LocalClient(option)
        guard try client.isAnswered() else { return print("\(done); it takes effect when the daemon starts") }
        let answer = try decode(Reloaded.self, client.ask("POST", "/api/v1/reload?site=\(site)", [String]()))
        guard answer.served == serving else {
            say("the running daemon reads other settings than \(main); name its file with -c")
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
