import Foundation
import Testing

/// What `footfall snippet` prints for programs, run by their languages.
@Suite("Snippets of programs")
struct SnippetTests {
    private static let languages = ["php", "python", "node", "go", "csharp", "java", "ruby", "perl", "bash"]

    /// The languages that are installed, by the command each needs.
    private static let installed = languages.filter { language in
        let commands = ["python": "python3", "csharp": "mcs", "java": "javac"]
        do { return try shell("command -v \(commands[language] ?? language)").status == 0 } catch { return false }
    }

    private static func run(_ language: String, _ snippet: URL, _ arguments: [String]) throws -> Int32 {
        let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Snippets/run.sh").path
        let words = [language, snippet.path] + arguments
        let quoted = words.map { "'" + $0.replacing("'", with: "'\\''") + "'" }.joined(separator: " ")
        let run = try shell("bash '\(script)' \(quoted)")
        if run.status != 0 { Issue.record("\(language): \(run.errors)") }
        return run.status
    }

    /// Writes what is printed for a language into a folder.
    private static func snippet(
        _ language: String, to daemon: Daemon, key: String = "", in folder: borrowing TemporaryFolder
    ) throws -> URL {
        let to = "127.0.0.1:\(daemon.beaconPort)"
        let printed = try footfall(
            ["snippet", "demo", "--\(language)", "--to", to] + (key.isEmpty ? [] : ["--key", key]))
        #expect(printed.status == 0, "\(printed)")
        for mark in ["@SITE@", "@HOST@", "@PORT@", "@KEY@"] { #expect(!printed.output.contains(mark)) }
        let endings = ["python": "py", "node": "js", "csharp": "cs", "ruby": "rb", "perl": "pl", "bash": "sh"]
        return try folder.write("snippet.\(endings[language] ?? language)", printed.output)
    }

    @Test("a page that a program counts is the page, the visitor and the referrer that it was", arguments: installed)
    func counts(language: String) throws {
        let daemon = try Daemon(sites: "[[site]]\nname = \"demo\"\ntimezone = \"UTC\"\nduplicate = \"0s\"")
        let folder = try TemporaryFolder()
        let snippet = try Self.snippet(language, to: daemon, in: folder)
        let agent = "Mozilla/5.0 (X11; Linux x86_64) 100% \"a & b = c + d\" đại hội"
        let arguments = ["/tin-tức/a b?x=1&y=2", "203.0.113.9", "https://news.example/?q=a&b=c#d", agent]
        #expect(try Self.run(language, snippet, arguments) == 0)
        // The same person by the plainest way there is, written down by a library of ours: still one visitor.
        let encoded = agent.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
        let beacon = try folder.write("beacon", "f1 s=demo&i=203.0.113.9&u=/plain&a=\(encoded)")
        _ = try shell("'\(try footfallBinary())' send --to 127.0.0.1:\(daemon.beaconPort) <'\(beacon.path)'")
        func snapshot() throws -> String {
            try shell("curl -sf http://127.0.0.1:\(daemon.httpPort)/api/v1/sites/demo").output
        }
        try eventually("\(language): two views of one visitor: \(try snapshot())") {
            try snapshot().contains("\"visits\":1,\"views\":2,")
        }
        #expect(try snapshot().contains("\"rejected\":{\"total\":0}"))
    }

    @Test("what a program signs with a key of the site is believed, and a byte more is not", arguments: installed)
    func signed(language: String) throws {
        let daemon = try Daemon(sites: "[[site]]\nname = \"demo\"\ntimezone = \"UTC\"\nduplicate = \"0s\"")
        let made = try footfall(["key", "create", "demo", "-c", daemon.settings.path])
        let key = made.output.trimmingCharacters(in: .whitespacesAndNewlines)
        #expect(made.status == 0 && key.hasPrefix("ffk_") && key.utf8.count == 47, "\(made)")
        // Loopback is trusted, but where a site has a key, a signature must be right all the same.
        for isRight in [true, false] {
            let folder = try TemporaryFolder()
            let snippet = try Self.snippet(
                language, to: daemon, key: isRight ? key : key + "x", in: folder)
            #expect(try Self.run(language, snippet, ["/a?b=c", "203.0.113.9", "", "Mozilla/5.0 (X11)"]) == 0)
            try eventually("\(language) is counted, or refused") {
                let metrics = try shell("curl -sf http://127.0.0.1:\(daemon.httpPort)/metrics").output
                let refused = metrics.contains(#"rejected_datagrams_total{reason="signature"} 1"#)
                let counted = try shell("curl -sf http://127.0.0.1:\(daemon.httpPort)/api/v1/sites/demo").output
                    .contains("\"views\":1,")
                return counted && refused != isRight
            }
        }
    }

    @Test("keys of a site: two at most, revoked at once, and none can be read again")
    func keys() throws {
        let daemon = try Daemon()
        func key(_ words: String...) throws -> (status: Int32, output: String, errors: String) {
            try footfall(["key"] + words + ["-c", daemon.settings.path])
        }
        let first = try key("create", "demo").output.trimmingCharacters(in: .whitespacesAndNewlines)
        #expect(try key("create", "demo").status == 0)
        let third = try key("create", "demo")
        #expect(third.status != 0 && third.errors.contains("has 2 keys already"), "\(third)")
        #expect(try key("create", "nobody").errors.contains("No site has this name"))
        let list = try key("list", "demo").output
        let ids = list.split(separator: "\n").map { String($0.prefix { $0 != "\t" }) }
        #expect(ids.count == 2 && !list.contains(first))
        #expect(try key("revoke", "demo", ids[0]).output == "\(ids[0]) is revoked\n")
        #expect(try key("revoke", "demo", ids[0]).errors.contains("has no key of this id"))
        #expect(try key("list", "demo").output.split(separator: "\n").count == 1)
    }
}
