import ArgumentParser
import Counting
import Foundation
import Storage
import Web

struct Token: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Create, list and revoke tokens for the HTTP API.",
        subcommands: [Create.self, List.self, Revoke.self])

    private struct Made: Decodable { let token: String }
    private struct Known: Decodable {
        struct Token: Decodable { let name: String, created: String? }
        let tokens: [Token]
    }

    struct Create: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Create a token and print it once. Only its hash is stored.")

        @Argument(help: "What the token is for.")
        var name: String
        @OptionGroup var settingsOption: SettingsOption

        func run() throws {
            let answer = try LocalClient(settingsOption).ask("POST", "/api/v1/tokens", ["name": name])
            print(try decode(Made.self, answer).token)
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the tokens and when they were created.")

        @OptionGroup var settingsOption: SettingsOption

        func run() throws {
            for token in try decode(Known.self, LocalClient(settingsOption).get("/api/v1/tokens")).tokens {
                print("\(token.name)\t\(token.created ?? "from a credential")")
            }
        }
    }

    struct Revoke: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Revoke a token.")

        @Argument(help: "The name of the token.")
        var name: String
        @OptionGroup var settingsOption: SettingsOption

        func validate() throws {
            // The name becomes part of a URL path.
            if name.wholeMatch(of: /[A-Za-z0-9._-]+/) == nil { throw ValidationError("no token has such a name") }
        }

        func run() throws {
            _ = try LocalClient(settingsOption).ask("DELETE", "/api/v1/tokens/\(name)", [String]())
            print("\(name) is revoked")
        }
    }
}

extension StateDirectory {
    /// The tokens of the state, and those in the directory of credentials: files called `token` or `token.NAME`.
    func allTokens() throws -> [AccessToken] {
        var tokens = try tokens()
        guard let credentials = environment["CREDENTIALS_DIRECTORY"] else { return tokens }
        for file in try FileManager.default.contentsOfDirectory(atPath: credentials).sorted()
        where file == "token" || file.hasPrefix("token.") {
            let text = try String(contentsOfFile: credentials + "/" + file, encoding: .utf8)
                .trimmingCharacters(in: .whitespacesAndNewlines)
            // Anybody would know an empty one.
            if text.utf8.count >= 16 { tokens.append(AccessToken(name: file, text: text)) }
        }
        return tokens
    }
}
