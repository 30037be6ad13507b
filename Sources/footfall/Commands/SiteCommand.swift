import ArgumentParser
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
            let file = settingsOption.file(of: site)
            guard !file.exists else {
                say("\(file.path) is there already; change it there")
                throw Exit.configuration
            }
            let text = Settings.siteFile(name: site, hosts: host, timezone: timezone, publicNumbers: publicNumbers)
            let undo = try settingsOption.change { () throws(SiteFile.Failure) in try file.write(text) }
            do {
                _ = try settingsOption.load()
                try settingsOption.apply("\(file.path) is written", site, serving: true)
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
            let file = settingsOption.file(of: site)
            let settings = try settingsOption.load()
            guard settings.sites.contains(where: { $0.name == site }) else {
                say("there is no site \(site) in the settings; footfall check shows all sites")
                throw Exit.data
            }
            let undo = try settingsOption.change { () throws(SiteFile.Failure) in try file.hide() }
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
                try settingsOption.apply("\(site) is no longer counted; its numbers are kept", site, serving: false)
            } catch {
                undo()
                throw error
            }
            try settingsOption.change { () throws(SiteFile.Failure) in try file.removeHidden() }
        }
    }
}

extension SettingsOption {
    fileprivate func file(of site: String) -> SiteFile { SiteFile(site, main: config ?? Settings.defaultFile) }

    /// Changes a site's file, or prints why that is impossible.
    fileprivate func change<T>(_ body: () throws(SiteFile.Failure) -> T) throws -> T {
        do throws(SiteFile.Failure) {
            return try body()
        } catch {
            say("\(error)")
            throw Exit.noPermission
        }
    }

    /// Makes a running daemon read the settings, and checks that it now serves the site, or no longer does.
    fileprivate func apply(_ done: String, _ site: String, serving: Bool) throws {
        let client = try LocalClient(self)
        guard try client.isAnswered() else { return print("\(done); it takes effect when the daemon starts") }
        let answer = try decode(Reloaded.self, client.ask("POST", "/api/v1/reload?site=\(site)", [String]()))
        guard answer.served == serving else {
            say(
                "the running daemon was started with other settings than \(config ?? Settings.defaultFile), so nothing was "
                    + "changed; name the file of that daemon with -c, or end that daemon first")
            throw Exit.configuration
        }
        print("\(done), and the daemon has read it")
        for note in answer.notes { say(note) }
    }
}

private struct Reloaded: Decodable {
    let notes: [String]
    let served: Bool?
}
