import Counting
import Foundation
import Testing
import Wire

/// What real servers write into their logs, and the requests that they received.
@Suite("Captured datagrams")
struct CorpusTests {
    @Test("each datagram of the corpus is what it was captured as")
    func outcomes() throws {
        let captured = try Captured.all()
        try #require(captured.count > 220)
        for datagram in captured {
            var house = try CountingHouse(hosts: ["demo.example"], logSite: "demo")
            try house.receive(datagram.bytes)
            var outcome = house.outcome
            for field in [Counter.unknownKeys, .droppedFields, .cutFields] { outcome[field] = nil }
            #expect(outcome == datagram.expected, "\(datagram.name)")
        }
    }

    /// Most requests of the corpus were for missing pages. Here each log says that the pages exist.
    @Test("every request is read the same from every log: page, referrer, address and agent")
    func everyLog() throws {
        for datagram in try Captured.all() {
            guard let request = requests[datagram.request], !datagram.isUnread else { continue }
            var house = try CountingHouse(hosts: ["demo.example"], assets: [], logSite: "demo")
            let hasAgent = !datagram.name.hasPrefix("haproxy-httplog-short") && !datagram.name.contains("-sd.")
            if hasAgent, datagram.request == 8 || datagram.request == 13 {
                try house.receive(datagram.found)
                #expect(house[.bots] == 1, "\(datagram.name): no agent, or a bot's")
                continue
            }
            try house.receive(datagram.found)
            #expect(house.pages() == [request.path: 1], "\(datagram.name)")
            let referrer = hasAgent ? request.referrer : "(direct)"
            #expect(house.referrers() == [referrer: 1], "\(datagram.name)")
            // The same person from another source is the same visitor.
            if datagram.name.hasPrefix("haproxy-json"), datagram.request == 12 { continue }  // It leaves bad bytes out.
            try house.receive("f1 s=demo&i=127.0.0.1&u=/native&a=\(form(hasAgent ? request.agent : []))")
            #expect(house.engine.trackedVisitors == 1 && house[.views] == 2, "\(datagram.name)")
        }
    }

    @Test("a line cut at any byte is refused, or counted as its page, and never as another visitor")
    func cuts() throws {
        for datagram in try Captured.all() {
            // A beacon does not show whether it is complete, and senders of beacons do not cut them.
            guard let request = requests[datagram.request], request.status == 200 else { continue }
            if datagram.bytes.count > 700 { continue }
            for length in 0..<datagram.bytes.count {
                for isTruncated in [true, false] {
                    // TABs separate fields without end marks, and a cut combined line may be a common one.
                    if !isTruncated, datagram.name.contains("tsv") || datagram.name.hasPrefix("rsyslog") { continue }
                    var house = try CountingHouse(hosts: ["demo.example"], logSite: "demo")
                    try house.receive(Array(datagram.bytes.prefix(length)), isTruncated: isTruncated)
                    let pages = house.pages()
                    #expect(pages.isEmpty || pages == [request.path: 1], "\(datagram.name) cut at \(length): \(pages)")
                    // If complete, it is the same visitor, if it had one, and no other line becomes a bot's. A combined
                    // line cut where the common format ends is a common line.
                    guard isTruncated else { continue }
                    let visitors = house.engine.trackedVisitors
                    if visitors > 0 { try house.receive(datagram.bytes) }
                    #expect(
                        house.engine.trackedVisitors == visitors && house[.bots] == 0,
                        "\(datagram.name) cut at \(length) is another visitor")
                }
            }
        }
    }
}

/// The requests, by number.
private struct RequestMade {
    var path: String
    var agent: [UInt8] = Array(chrome.utf8)
    var referrer = "(direct)"
    var status = 404

    static let chrome =
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36"
}

private let requests: [Int: RequestMade] = [
    1: RequestMade(path: "/", status: 200),
    2: RequestMade(path: "/docs/", referrer: "google.com", status: 200),
    3: RequestMade(path: "/tin-tức/đại-hội"), 4: RequestMade(path: "/tin-tức/đại-hội"),
    5: RequestMade(
        path: "/q", agent: Array("evil\"ua\\ with <tab>\tand \"quotes\" \\x22".utf8), referrer: "a.example"),
    6: RequestMade(path: "/logo.png"), 7: RequestMade(path: "/"), 8: RequestMade(path: "/302"),
    9: RequestMade(path: "/long"),
    10: RequestMade(path: "/longua", agent: [UInt8](repeating: 0x55, count: 6000)),
    11: RequestMade(path: "/xff", agent: Array("Chrome\ttab".utf8)),
    12: RequestMade(path: "/badutf8", agent: Array("utf8-ạ-bad-".utf8) + [0xff, 0xfe]),
    13: RequestMade(path: "/h09"),
    15: RequestMade(path: "/tin-tức/raw", agent: Array("rawutf8/1".utf8)),
]

/// A datagram of the corpus.
struct Captured {
    let name: String
    let request: Int
    let expected: [Counter: UInt64]
    let bytes: [UInt8]

    static func all() throws -> [Captured] {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Corpus/datagrams.txt")
        return try String(contentsOf: file, encoding: .utf8).split(separator: "\n").filter { !$0.hasPrefix("#") }
            .map { line in
                let columns = line.split(separator: "\t", maxSplits: 3, omittingEmptySubsequences: false)
                return Captured(
                    name: String(columns[0]), request: Int(columns[1]) ?? 0, expected: outcome(columns[2]),
                    bytes: unescaped(columns[3]))
            }
    }

    private static func outcome(_ text: Substring) -> [Counter: UInt64] {
        let parts = text.split(separator: "*")
        let count = parts.count == 2 ? UInt64(parts[1]) ?? 0 : 1
        switch parts[0] {
        case "view": return [.views: count]
        case "bot": return [.bots: count]
        case let reason: return BeaconRejection(rawValue: String(reason)).map { [$0.counter: count] } ?? [:]
        }
    }

    private static func unescaped(_ text: Substring) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        func byte() -> UInt8 {
            guard rest.starts(with: Array("\\x".utf8)) else { return rest.removeFirst() }
            defer { rest.removeFirst(4) }
            return UInt8(String(decoding: rest.dropFirst(2).prefix(2), as: UTF8.self), radix: 16) ?? 0
        }
        while !rest.isEmpty {
            if rest.starts(with: Array("\\{".utf8)) {
                rest.removeFirst(2)
                let repeated = byte()
                rest.removeFirst()
                let count = rest.prefix { $0 != UInt8(ascii: "}") }
                bytes += [UInt8](repeating: repeated, count: Int(String(decoding: count, as: UTF8.self)) ?? 0)
                rest.removeFirst(count.count + 1)
            } else {
                bytes.append(byte())
            }
        }
        return bytes
    }

    /// A URL of 3,000 bytes does not fit into the lines of `logger`. HAProxy refuses raw UTF-8 in a request.
    var isUnread: Bool { name.hasPrefix("apache-json") && request == 9 || name.hasPrefix("haproxy") && request == 15 }

    /// The same datagram as if the page existed and had been requested with GET.
    var found: [UInt8] {
        var text = bytes
        for (from, to) in [
            (" 404 ", " 200 "), (":404", ":200"), ("=404", "=200"), (" 302 ", " 200 "), (":302", ":200"),
            ("=302", "=200"), ("HEAD", "GET"),
        ] { text.replace(Array(from.utf8), with: Array(to.utf8)) }
        return text
    }
}
