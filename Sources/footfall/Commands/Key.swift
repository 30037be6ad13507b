import ArgumentParser
import Foundation

struct Key: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make, list and revoke the keys that senders elsewhere sign a site's beacons with.",
        discussion: """
            Beacons from other machines are believed only if they are signed; footfall snippet prints senders that do so. A \
            site may have two keys: make the second, give it to every sender, then revoke the first.
            """, subcommands: [Create.self, List.self, Revoke.self])

    struct Create: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a key and print it, once. Whoever has it can count for the site.")

        @Argument(help: "The site's name.", transform: siteName)
        var site: String
        @OptionGroup var settingsOption: SettingsOption

        private struct Made: Decodable { let key: String }

        func run() throws {
            let answer = try LocalClient(settingsOption).ask("POST", "/api/v1/sites/\(site)/keys", [String: String]())
            print(try decode(Made.self, answer).key)
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show the ids of a site's keys, and since when.")

        @Argument(help: "The site's name.", transform: siteName)
        var site: String
        @OptionGroup var settingsOption: SettingsOption

        private struct Known: Decodable {
            struct Key: Decodable { let id: String, created: String }
            let keys: [Key]
        }

        func run() throws {
            let answer = try LocalClient(settingsOption).get("/api/v1/sites/\(site)/keys")
            for key in try decode(Known.self, answer).keys { print("\(key.id)\t\(key.created)") }
        }
    }

    struct Revoke: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Believe nothing any more that a key signs.")

        @Argument(help: "The site's name.", transform: siteName)
        var site: String
        @Argument(help: "The key's id, as footfall key list shows it.")
        var id: String
        @OptionGroup var settingsOption: SettingsOption

        func validate() throws {
            // It becomes a part of a path.
            if id.wholeMatch(of: /[a-z0-9]+/) == nil { throw ValidationError("no key has such an id") }
        }

        func run() throws {
            _ = try LocalClient(settingsOption).ask("DELETE", "/api/v1/sites/\(site)/keys/\(id)", [String]())
            print("\(id) is revoked")
        }
    }
}
