import Counting
import Testing
import Wire

/// The visitor in lines that servers really write, and what junk around them must not do.
@Suite("The visitor in a log line")
struct LogVisitorTests {
    private static let agent = "Mozilla/5.0 (X11)"
    private static let time = "[23/Nov/2026:07:49:43 +0000] \"GET /a HTTP/1.1\" 200 29"

    private static func combined(_ address: String = "203.0.113.9", _ agent: String = agent) -> String {
        "\(address) - - \(time) \"-\" \"\(agent)\""
    }

    private static func json(_ fields: String) -> String {
        "{\(fields),\"m\":\"GET\",\"c\":200,\"u\":\"/a\",\"a\":\"\(agent)\"}"
    }

    @Test(
        "two lines have two visitors if the addresses differ, and one if they are the same",
        arguments: [
            // Caddy behind a proxy: its own peer comes before the client.
            {
                "{\"request\":{\"remote_ip\":\"10.0.0.1\",\"client_ip\":\"\($0)\",\"method\":\"GET\",\"uri\":\"/a\"},\"status\":200}"
            },
            { json("\"remote_addr\":\"10.0.0.1\",\"client_ip\":\"\($0)\"") },
            // Ports.
            { json("\"i\":\"\($0):56789\"") }, { json("\"remote_addr\":\"[2001:db8:0:\($0.suffix(1))::1]:56\"") },
            { "{\"request\":{\"remote_addr\":\"\($0):1\",\"method\":\"GET\",\"uri\":\"/a\"},\"status\":200}" },
            // X-Forwarded-For in front. Anybody may have written what is further left.
            { combined("\($0), 10.0.0.1") }, { combined("198.51.100.1, \($0), 10.0.0.1, 10.0.0.2") },
            // What some servers write between the size and the referrer.
            { "\($0) - - \(time) 0.003 \"-\" \"\(agent)\"" },
            // The host of the sender is an IPv6 address.
            { "<190>Nov 23 07:49:43 2001:db8::7 ff_demo: \(combined($0))" },
            { "<190>1 2026-11-23T07:49:43Z 2001:db8::7 ff_demo - - - \(combined($0))" },
        ] as [@Sendable (String) -> String])
    func visitors(line: @Sendable (String) -> String) throws {
        var house = try CountingHouse(trusted: ["127.0.0.0/8", "10.0.0.0/8"], logSite: "demo")
        try house.receive(line("203.0.113.1") + "\n" + line("203.0.113.2") + "\n" + line("203.0.113.1"))
        #expect(house.outcome == [.views: 3] && house.engine.trackedVisitors == 2, "\(line("A")): \(house.outcome)")
        #expect(house.pages() == ["/a": 3])
    }

    @Test(
        "a line cut before its agent is a view without a visitor, never another visitor's and never a bot's",
        arguments: [
            ("{\"s\":\"demo\",\"i\":\"203.0.113.9\",\"m\":\"GET\",\"c\":200,\"u\":\"/a\",\"r\":\"https://aaaa", false),
            ("{\"request\":{\"client_ip\":\"203.0.113.9\",\"uri\":\"/a\"},\"status\":200,\"x\":{\"headers\":{", false),
            ("f1\ts=demo\ti=203.0.113.9\tm=GET\tc=200\tu=/a\tr=https://aaaa", true),
            ("203.0.113.9 - - \(time)", true), ("203.0.113.9 - - \(time) \"https://a", true),
        ])
    func cut(line: String, isTruncated: Bool) throws {
        var house = try CountingHouse(logSite: "demo")
        try house.receive(Array(line.utf8), isTruncated: isTruncated)
        #expect(house.outcome == [.views: 1] && house.engine.trackedVisitors == 0, "\(house.outcome)")
        try house.receive(Self.combined())
        #expect(house.engine.trackedVisitors == 1)
    }

    @Test(
        "a bot is recognised after an additional column, and HAProxy without captures has visitors without an agent",
        arguments: [
            ("203.0.113.9 - - \(time) 0.003 \"-\" \"Googlebot/2.1\"", [.bots: 1]),
            ("203.0.113.9 - - \(time) 0.003 \"-\" \"-\"", [.bots: 1]), ("203.0.113.9 - - \(time) 0.003", [.views: 1]),
        ] as [(String, [Counter: UInt64])])
    func columns(line: String, outcome: [Counter: UInt64]) throws {
        var house = try CountingHouse(logSite: "demo")
        try house.receive(line)
        #expect(house.outcome == outcome)
    }

    @Test(
        "the end of the path decides whether it is a page, however long it is, and not the query",
        arguments: [
            ("/x.png?id=5", [.beaconsAsset: 1]), ("/page?id=photo.png", [.views: 1]),
            ("/cdn/\(String(repeating: "a", count: 520))/x.png", [.beaconsAsset: 1]),
            ("/\(String(repeating: "a", count: 520)).png/", [.views: 1]), ("/a.png/b", [.views: 1]),
            ("/.png", [.beaconsAsset: 1]), ("/png", [.views: 1]),
        ] as [(String, [Counter: UInt64])])
    func assets(url: String, outcome: [Counter: UInt64]) throws {
        var house = try CountingHouse(keepQuery: ["id"], logSite: "demo")
        try house.receive(Self.combined().replacing("/a HTTP", with: "\(url) HTTP"))
        #expect(house.outcome.filter { $0.key != .cutFields } == outcome)
    }

    @Test("of two names for one field the better one counts, in any order")
    func betterNames() throws {
        var house = try CountingHouse(logSite: "demo")
        for (first, second) in [("uri", "request_uri"), ("request_uri", "uri")] {
            let values = ["uri": "/index.php", "request_uri": "/tin-tuc"]
            let fields = [first, second].map { "\"\($0)\":\"\(values[$0] ?? "")\"" }.joined(separator: ",")
            try house.receive("{\(fields),\"status\":200,\"http_user_agent\":\"\(Self.agent)\"}")
        }
        #expect(house.pages() == ["/tin-tuc": 2])
        let line = Array("{\"time\":0.003,\"@timestamp\":\"2026-11-23T07:49:43Z\",\"u\":\"/\"}".utf8)
        #expect(RecordedLine(line.span)?.stamp == 1_795_420_183_000)
    }

    // MARK: Neighbours

    private static func tabbed(_ address: Int, _ agent: String = agent) -> String {
        "<190>Nov 23 07:49:43 web1 ff_demo: f1\ti=203.0.113.\(address)\tm=GET\tc=200\tu=/a\ta=\(agent)"
    }

    @Test(
        "other lines under the same tag hide nothing of it",
        arguments: [
            // If our own slot was too short, no later datagram brings the rest.
            (tabbed(250, String(repeating: "U", count: 9000)), true),
            ("<190>Nov 23 07:49:43 web1 ff_demo: 2026/11/23 07:49:43 [error] 1#1: *1 open() failed", false),
            ("<190>Nov 23 07:49:43 web1 ff_demo: {\"u\":", false),
        ])
    func neighbours(line: String, isTruncated: Bool) throws {
        var house = try CountingHouse()
        try house.receive(Array(line.utf8.prefix(8192)), isTruncated: isTruncated)
        let before = house[.views]
        for i in 1...20 { try house.receive(Self.tabbed(i)) }
        #expect(house[.views] - before == 20, "\(house.outcome)")
    }

    @Test("an invalid first line hides none of the lines after it")
    func firstLine() throws {
        var house = try CountingHouse(logSite: "demo")
        try house.receive("ail of a line\n\(Self.combined())\nmore junk\n\(Self.combined())\n")
        #expect(house.outcome == [.views: 2, .beaconsSyntax: 2] && house[.records] == 4)
        // A header ends with its line.
        house = try CountingHouse(logSite: "other")
        try house.receive(
            "<190>1 - - ff_demo\n<190>Nov 23 07:49:43 w ff_demo: \(Self.combined())\n<190>1 - - ff_demo - - - \(Self.combined())"
        )
        #expect(house[.views] == 2 && house.pages() == ["/a": 2] && house[.beaconsSyntax] == 1, "\(house.outcome)")
    }

    @Test("the rest of a line that was split after its agent is not a beacon")
    func tail() throws {
        let long = String(repeating: "x", count: 600)
        let piece = "<13>Nov 23 07:49:43 web1 apache: \(Self.combined()) \"\(long)"
        let tail = "<13>Nov 23 07:49:43 web1 apache: f1 s=demo&i=6.6.6.6&u=/forged"
        var house = try CountingHouse(logSite: "demo")
        try house.receive(piece)
        try house.receive(tail)
        #expect(house.outcome == [.views: 1, .beaconsSyntax: 1] && house.pages() == ["/a": 1])
        // If complete, the same line does not block a beacon.
        house = try CountingHouse(logSite: "demo")
        try house.receive(piece + "\"")
        try house.receive(tail)
        #expect(house[.views] == 2)
    }

    @Test("the longest site name fits into a tag, and a longer tag is not the site of lines without a name")
    func longTag() throws {
        let name = String(repeating: "n", count: 64)
        for line in [
            "<190>1 - - ff_\(name) - - - \(Self.combined())", "<190>Nov 23 07:49:43 w ff_\(name): \(Self.combined())",
        ] {
            var house = try CountingHouse(logSite: "demo")
            try house.receive(line)
            #expect(house.outcome == [.beaconsSiteUnknown: 1])
        }
    }
}
