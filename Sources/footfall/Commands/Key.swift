import ArgumentParser
import Foundation

struct Key: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Create, list and revoke the keys that sign a site's beacons from other machines.",
        discussion: """
            Beacons from other machines are trusted only if they are signed; footfall snippet prints code that signs \
            them. A site can have two keys. To replace one, create the second, give it to every sender, then revoke \
            the first.
            """, subcommands: [Create.self, List.self, Revoke.self])

    struct Create: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Create a key and print it once. Anyone who has it can count for the site.")

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
        static let configuration = CommandConfiguration(
            abstract: "List the ids of a site's keys and when they were created.")

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
        static let configuration = CommandConfiguration(
            abstract: "Revoke a key: beacons signed with it are no longer trusted.")

        @Argument(help: "The site's name.", transform: siteName)
        var site: String
        @Argument(help: "The id of the key, from footfall key list.")
        var id: String
        @OptionGroup var settingsOption: SettingsOption

        func validate() throws {
            // The id becomes part of a URL path.
            if id.wholeMatch(of: /[a-z0-9]+/) == nil { throw ValidationError("no key has such an id") }
        }

        func run() throws {
            _ = try LocalClient(settingsOption).ask("DELETE", "/api/v1/sites/\(site)/keys/\(id)", [String]())
            print("\(id) is revoked")
        }
    }
}
