import Foundation
import Glibc
import Testing

/// The output of `footfall snippet` for programs, run by their languages. A language that is not installed fails.
@Suite("Snippets of programs")
struct SnippetTests {
    private static let languages = ["php", "python", "node", "go", "csharp", "java", "ruby", "perl", "bash"]

    /// The languages whose snippet sees request and response, each with the ways in which a page reaches it. In C#,
    /// Perl and bash it does not: there the page's own line decides what is counted, as a comment shows.
    private static let watching = [
        "php": ["http"], "python": ["wsgi", "asgi"], "node": ["connect"], "go": ["http"], "ruby": ["rack"],
        "java": ["http"],
    ]

    /// Counts one page. `request` is what run.sh reads from its environment. Compiled files stay with the snippet.
    private static func run(
        _ language: String, _ snippet: URL, _ arguments: [String], request: [String: String] = [:]
    ) throws -> Int32 {
        let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Snippets/run.sh").path
        let variables = request.map { "\($0.key)=\($0.value)" }.sorted()
        let build = "BUILD=" + snippet.deletingLastPathComponent().appending(path: "build").path
        let words = ["env", build] + variables + ["bash", script, language, snippet.path] + arguments
        let quoted = words.map { "'" + $0.replacing("'", with: "'\\''") + "'" }.joined(separator: " ")
        let run = try shell(quoted)
        if run.status != 0 { Issue.record("\(language): \(run.errors)") }
        #expect(run.output.isEmpty, "\(language) prints nothing of its own")
        return run.status
    }

    /// Writes the snippet of a language into a folder.
    private static func snippet(
        _ language: String, to: String, key: String = "", in folder: borrowing TemporaryFolder
    ) throws -> URL {
        let printed = try footfall(
            ["snippet", "demo", "--\(language)", "--to", to] + (key.isEmpty ? [] : ["--key", key]))
        #expect(printed.status == 0, "\(printed)")
        for mark in ["@SITE@", "@HOST@", "@PORT@", "@KEY@"] { #expect(!printed.output.contains(mark)) }
        let endings = ["python": "py", "node": "js", "csharp": "cs", "ruby": "rb", "perl": "pl", "bash": "sh"]
        return try folder.write("snippet.\(endings[language] ?? language)", printed.output)
    }

    @Test("a page counted by a program is one view of its visitor", arguments: languages)
    func counts(language: String) throws {
        let daemon = try Daemon(sites: "[[site]]\nname = \"demo\"\ntimezone = \"UTC\"\nduplicate = \"0s\"")
        let folder = try TemporaryFolder()
        let snippet = try Self.snippet(language, to: "127.0.0.1:\(daemon.beaconPort)", in: folder)
        let agent = "Mozilla/5.0 (X11; Linux x86_64) 100% \"a & b = c + d\" đại hội"
        let arguments = ["/tin-tức/a b?x=1&y=2", "203.0.113.9", "https://news.example/?q=a&b=c#d", agent]
        #expect(try Self.run(language, snippet, arguments) == 0)
        // The same person in the simplest form, escaped by a library of ours: still one visitor.
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

    @Test(
        "a page counted by a program has the right page and referrer, from here and from outside",
        arguments: languages)
    func pages(language: String) throws {
        let slug = "ประชุมสภาเทศบาลสมัยสามัญครั้งที่สองประจำปีพุทธศักราชสองพันห้าร้อยหกสิบเก้านะ"
        let tooLong = String(repeating: "/" + slug, count: 5)
        // As browsers request it.
        func escaped(_ path: String) -> String {
            path.addingPercentEncoding(withAllowedCharacters: .urlPathAllowed) ?? ""
        }
        let asked = ["/tin-tức/a b?x=1&y=2", escaped("/" + slug) + "?q=%E0%B8%81&p=1", escaped(tooLong)]
        let agent = "Mozilla/5.0 (X11; Linux x86_64) 100% \"a & b = c + d\" đại hội"
        let encoded = agent.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
        let gateways = language == "python" ? ["wsgi", "asgi"] : ["own"]
        // 127.0.0.2 counts as another machine, for which a datagram must be shorter.
        for (lastByte, bytesMax) in [(1, 8192), (2, 1232)] {
            let inbox = try Inbox(lastByte: UInt32(lastByte))
            let folder = try TemporaryFolder()
            let snippet = try Self.snippet(language, to: inbox.address, in: folder)
            for gateway in gateways {
                for url in asked {
                    let arguments = [url, "203.0.113.9", "https://news.example/?q=a&b=c#d", agent]
                    #expect(try Self.run(language, snippet, arguments, request: ["GATEWAY": gateway]) == 0)
                }
                let sent = inbox.receive()
                #expect(sent.count == asked.count && sent.allSatisfy { $0.utf8.count <= bytesMax }, "\(sent)")
                // The same person in the simplest form, escaped by a library of ours.
                let plain = "f1 s=demo&i=203.0.113.9&u=/plain&a=\(encoded)"
                let site = try Self.count(sent + [plain], in: folder)
                #expect(site.total.visits == 1, "\(language) \(gateway): \(sent)")
                #expect(site.total.views == asked.count + 1)
                let referrer = site.top.referrers.first { $0.key == "news.example" }
                #expect(referrer?.views == asked.count)
                let whole = ["/tin-tức/a b", "/" + slug, "/plain"]
                let pages = site.top.pages.map(\.key)
                #expect(whole.allSatisfy { pages.contains($0) }, "\(language) \(gateway): \(pages)")
                // A page's path has 512 bytes. A cut one ends with a whole character.
                let cut = pages.filter { !whole.contains($0) }
                let isPart = cut.allSatisfy { tooLong.unicodeScalars.starts(with: $0.unicodeScalars) }
                #expect(cut.count == 1 && isPart, "\(language) \(gateway): \(cut)")
                if lastByte == 1 { #expect(cut.allSatisfy { (510...512).contains($0.utf8.count) }, "\(cut)") }
            }
        }
    }

    @Test(
        "only pages that were requested and shown are counted",
        arguments: watching.keys.sorted())
    func filters(language: String) throws {
        let inbox = try Inbox(lastByte: 1)
        let folder = try TemporaryFolder()
        let snippet = try Self.snippet(language, to: inbox.address, in: folder)
        let cases: [(method: String, status: Int, type: String, accept: String, isPage: Bool)] = [
            ("GET", 200, "text/html", "text/html", true),
            ("GET", 200, "text/html; charset=utf-8", "text/html,*/*;q=0.8", true),
            ("GET", 304, "text/html", "text/html", true),
            ("GET", 304, "text/html", "image/avif,*/*", false),
            ("GET", 200, "application/json", "text/html", false),
            ("GET", 404, "text/html", "text/html", false),
            ("GET", 302, "text/html", "text/html", false),
            ("GET", 500, "text/html", "text/html", false),
            ("POST", 200, "text/html", "text/html", false),
            ("HEAD", 200, "text/html", "text/html", false),
        ]
        for gateway in Self.watching[language, default: []] {
            for (method, status, type, accept, isPage) in cases {
                let request = [
                    "GATEWAY": gateway, "METHOD": method, "STATUS": "\(status)", "TYPE": type, "ACCEPT": accept,
                ]
                let page = ["/a?b=c", "203.0.113.9", "", "Mozilla/5.0"]
                #expect(try Self.run(language, snippet, page, request: request) == 0)
                let sent = inbox.receive()
                #expect(sent.count == (isPage ? 1 : 0), "\(language) \(request): \(sent)")
            }
        }
    }

    @Test("a signature with a key of the site is accepted, one with a changed key is not", arguments: languages)
    func signed(language: String) throws {
        let daemon = try Daemon(sites: "[[site]]\nname = \"demo\"\ntimezone = \"UTC\"\nduplicate = \"0s\"")
        let made = try footfall(["key", "create", "demo", "-c", daemon.settings.path])
        let key = made.output.trimmingCharacters(in: .whitespacesAndNewlines)
        #expect(made.status == 0 && key.hasPrefix("ffk_") && key.utf8.count == 47, "\(made)")
        // Loopback is trusted, but if a site has a key, a signature must still be right.
        for isRight in [true, false] {
            let folder = try TemporaryFolder()
            let snippet = try Self.snippet(
                language, to: "127.0.0.1:\(daemon.beaconPort)", key: isRight ? key : key + "x", in: folder)
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

    @Test("a site has at most two keys, they are revoked at once, and none can be read again")
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
        #expect(try key("revoke", "demo", ids[0]).errors.contains("has no key with this id"))
        #expect(try key("list", "demo").output.split(separator: "\n").count == 1)
    }

    // MARK: Reading

    private struct Counted: Decodable {
        struct Site: Decodable {
            let total: Total
            let top: Top
        }
        struct Total: Decodable {
            let visits: Int
            let views: Int
        }
        struct Top: Decodable {
            let pages: [Row]
            let referrers: [Row]
        }
        struct Row: Decodable {
            let key: String
            let views: Int
        }
        let sites: [Site]
    }

    /// The result of `footfall count` for beacons that arrived at one moment.
    private static func count(_ beacons: [String], in folder: borrowing TemporaryFolder) throws -> Counted.Site {
        let recording = try folder.write("recording", beacons.map { "1795420000 \($0)\n" }.joined())
        let counted = try footfall(["count", "--json", recording.path])
        #expect(counted.status == 0 && counted.output.contains("\"rejected\":{}"), "\(counted)")
        let sites = try JSONDecoder().decode(Counted.self, from: Data(counted.output.utf8)).sites
        return try #require(sites.first)
    }
}

/// A loopback socket that keeps what programs send until it is read.
private final class Inbox {
    /// Host and port, for `--to`.
    let address: String
    private let descriptor: CInt

    /// `lastByte` is the last of the address's four: 127.0.0.1 and so on.
    init(lastByte: UInt32) throws {
        let opened = Glibc.socket(AF_INET, CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_addr.s_addr = (UInt32(0x7f00_0000) | lastByte).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = unsafe withUnsafeMutablePointer(to: &name) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(opened, $0, length) == 0 && getsockname(opened, $0, &length) == 0
            }
        }
        descriptor = opened
        address = "127.0.0.\(lastByte):\(UInt16(bigEndian: name.sin_port))"
        try #require(isBound)
    }

    /// The datagrams that have arrived. Over loopback they are here when their sender has ended.
    func receive() -> [String] {
        var datagrams: [String] = []
        var bytes = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = unsafe recv(descriptor, &bytes, bytes.count, CInt(MSG_DONTWAIT))
            guard count >= 0 else { return datagrams }
            datagrams.append(String(decoding: bytes[..<count], as: UTF8.self))
        }
    }

    deinit { close(descriptor) }
}
