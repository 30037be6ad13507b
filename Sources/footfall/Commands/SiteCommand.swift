import ArgumentParser
import Foundation
import Glibc
import Web

/// `footfall site`: sites that are a file each.
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

        @Argument(help: "The site's name: 1 to 64 of a-z 0-9 . _ -")
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

        func validate() throws { try checkSite(site) }

        func run() throws {
            let file = SiteFile(site, settingsOption)
            guard !FileManager.default.fileExists(atPath: file.path) else {
                say("\(file.path) is there already; change it there")
                throw Exit.configuration
            }
            func list(_ texts: [String]) -> String { "[" + texts.map { quoted($0) }.joined(separator: ", ") + "]" }
            var lines = ["[[site]]", "name = \(quoted(site))"]
            if !host.isEmpty { lines.append("hosts = \(list(host))") }
            if let timezone { lines.append("timezone = \(quoted(timezone))") }
            if !publicNumbers.isEmpty { lines.append("public = \(list(publicNumbers))") }
            try file.write(lines.joined(separator: "\n") + "\n")
            do {
                _ = try settingsOption.load()
            } catch {
                try file.remove()
                throw error
            }
            try file.putInForce("\(file.path) is written", undo: file.remove)
        }
    }

    struct Remove: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take a site away that has a file in sites.d. Its numbers are kept.")

        @Argument(help: "The site.")
        var site: String
        @OptionGroup var settingsOption: SettingsOption

        func validate() throws { try checkSite(site) }

        func run() throws {
            let file = SiteFile(site, settingsOption)
            let settings = try settingsOption.load()
            guard settings.sites.contains(where: { $0.name == site }) else {
                say("no settings name the site \(site); footfall check shows those there are")
                throw Exit.data
            }
            let text = FileManager.default.contents(atPath: file.path)
            if text != nil { try file.remove() }
            // It may be in another file, or with others in this one.
            let left = Result { try Settings.load(file: settingsOption.config, environment: environment) }
            let others = settings.sites.filter { $0.name != site }
            guard let text, case .success(let left) = left, left.sites == others || others.isEmpty else {
                if let text { try file.write(String(decoding: text, as: UTF8.self)) }
                say("\(site) is not alone in a file \(file.path); take its [[site]] away by hand, then send SIGHUP")
                throw Exit.configuration
            }
            try file.putInForce("\(site) is no longer counted; its numbers are kept") {
                try file.write(String(decoding: text, as: UTF8.self))
            }
        }
    }
}

/// The file of one site in `sites.d`.
private struct SiteFile {
    let path: String
    private let main: String
    private let option: SettingsOption

    init(_ site: String, _ option: SettingsOption) {
        self.option = option
        main = option.config ?? Settings.defaultFile
        path = Settings.sitesFolder(beside: main) + "/\(site).toml"
    }

    /// Writes the file, whole or not at all. A settings file that was named and is not there is begun.
    func write(_ text: String) throws {
        do {
            try FileManager.default.createDirectory(
                atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
            if !FileManager.default.fileExists(atPath: main) {
                try Data("# footfall check shows every key and its default. Sites are in sites.d.\n".utf8)
                    .write(to: URL(filePath: main))
            }
            try Data(text.utf8).write(to: URL(filePath: path), options: .atomic)
        } catch {
            say("cannot write \(path): \(error.localizedDescription)")
            throw Exit.noPermission
        }
    }

    func remove() throws {
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch {
            say("cannot remove \(path): \(error.localizedDescription)")
            throw Exit.noPermission
        }
    }

    /// Has a running daemon read the settings; where it refuses them, `undo` and its reasons.
    func putInForce(_ done: String, undo: () throws -> Void) throws {
        let client = try LocalClient(option)
        guard client.isAnswered else { return print("\(done); it takes effect when the daemon starts") }
        do {
            let answer = try decode(Reloaded.self, client.ask("POST", "/api/v1/reload", [String]()))
            print("\(done), and the daemon has read it")
            for note in answer.notes { say(note) }
        } catch {
            try undo()
            throw error
        }
    }

    private struct Reloaded: Decodable { let notes: [String] }
}
