import Counting
import Testing
import Wire

/// Lines of access logs, and their sites and pages.
@Suite("Lines of access logs")
struct LogTests {
    private static let agent = "Mozilla/5.0 (X11)"
    private static func combined(
        _ request: String = "GET /a HTTP/1.1", status: String = "200", address: String = "203.0.113.9",
        referrer: String = "-", agent: String = agent
    ) -> String {
        "\(address) - - [23/Nov/2026:07:49:43 +0000] \"\(request)\" \(status) 29 \"\(referrer)\" \"\(agent)\""
    }

    private static func house() throws -> CountingHouse { try CountingHouse(hosts: ["demo.example"], logSite: "other") }

    @Test(
        "the site comes from the tag, then s, then the host, or else it is the one for all other lines",
        arguments: [
            ("<190>Nov 23 07:49:43 web1 ff_demo: \(combined())", 0), ("<190>Nov 23 07:49:43 ff_demo: \(combined())", 0),
            ("<190>Nov 23 07:49:43 web1 ff_demo[123]: \(combined())", 0),
            ("<190>2026-11-23T07:49:43.5+07:00 web1 ff_demo: \(combined())", 0),
            ("<190>1 2026-11-23T07:49:43Z web1 ff_demo 1 - - \(combined())", 0),
            ("<190>1 - - ff_demo - - - \(combined())", 0),
            ("<190>1 - - nginx - - [x@1 s=\"demo\"] \(combined())", 0),
            ("<190>1 - - nginx - - [x@1 a=\"]\\\"\" s=\"demo\"][y b=\"c\"] \u{feff}\(combined())", 0),
            ("<190>Nov 23 07:49:43 web1 nginx: demo.example:443 \(combined())", 0),
            ("www.Demo.Example \(combined())", 0),
            ("<190>Nov 23 07:49:43 web1 nginx: \(combined())", 1), ("<6>\(combined())", 1), (combined(), 1),
            ("else.example \(combined())", 1),
            // The tag goes before everything else, and s before the host.
            ("<190>Nov 23 07:49:43 web1 ff_other: demo.example \(combined())", 1),
            ("<190>Nov 23 07:49:43 web1 ff_demo: {\"s\":\"other\",\"u\":\"/a\",\"i\":\"203.0.113.9\"}", 0),
            ("{\"s\":\"other\",\"host\":\"demo.example\",\"u\":\"/a\"}", 1),
            ("{\"host\":\"demo.example\",\"u\":\"/a\"}", 0),
            // The requested host goes before that of the machine and the server's own name.
            ("{\"host\":\"192.168.1.5\",\"http_host\":\"demo.example\",\"url\":\"/a\"}", 0),
            ("{\"http_host\":\"demo.example\",\"host\":\"web01\",\"url\":\"/a\"}", 0),
            ("{\"server_name\":\"_\",\"host\":\"demo.example\",\"url\":\"/a\"}", 0),
            ("{\"host\":\"web01\",\"server_name\":\"demo.example\",\"url\":\"/a\"}", 0),
            ("{\"host\":\"-\",\"http_host\":\"demo.example.\",\"url\":\"/a\"}", 0),
            // The visitor is unknown, but the host is known.
            ("demo.example:80 - - - \(combined().dropFirst(16))", 0),
            ("demo.example - - - \(combined().dropFirst(16))", 0),
            ("demo.example:80 dsl-1.example.net - - \(combined().dropFirst(16))", 0),
            ("demo.example:80 198.51.100.7, 10.0.0.1 - - \(combined().dropFirst(16))", 0),
            ("demo.example 198.51.100.7, 10.0.0.1, 10.0.0.2 - - \(combined().dropFirst(16))", 0),
            ("<134>Nov 23 07:49:44 demo.example:80 2001:db8::1 - - \(combined().dropFirst(16))", 0),
            // Three captures of the response are not host, referrer and agent.
            (
                "203.0.113.9:1 [23/Nov/2026:07:49:44.506] f b/s 0/0/0/0/0 200 22 - - ---- 1/1/0/0/0 0/0 {text/html|a|b} "
                    + "\"GET /a HTTP/1.1\"", 1
            ),
            ("f1\ts=demo\tu=/a", 0), ("f1\tu=/a\th=demo.example", 0), ("f1#011u=/a#011s=demo", 0),
            ("<190>Nov 23 07:49:43 web1 ff_demo: f1 u=/a", 0),
            ("<190>Nov 23 07:49:43 web1 x: f1 u=/a&h=demo.example", 0),
            ("<190>Nov 23 07:49:43 web1 x: f1 u=/a", 1), ("<6>f1 s=demo&u=/a", 0),
            // HTTP/2 and proxies log whole URLs.
            (combined("GET https://demo.example/a HTTP/2.0"), 0),
        ] as [(String, Int)])
    func sites(line: String, site: Int) throws {
        var house = try Self.house()
        try house.receive(line)
        let outcome = house.outcome.filter { $0.key != .droppedFields }
        #expect(outcome == [.views: 1] && house.pages(of: site) == ["/a": 1], "\(house.outcome)")
    }

    @Test(
        "an unknown tag or name is refused, whatever else the line says",
        arguments: [
            ("<190>Nov 23 07:49:43 web1 ff_nobody: demo.example \(combined())", .beaconsSiteUnknown),
            ("<190>Nov 23 07:49:43 web1 ff_nobody: f1 s=demo&u=/", .beaconsSiteUnknown),
            ("{\"s\":\"nobody\",\"host\":\"demo.example\",\"u\":\"/\"}", .beaconsSiteUnknown),
            ("f1\ts=nobody\tu=/", .beaconsSiteUnknown), ("{\"s\":\"No!\",\"u\":\"/\"}", .beaconsSiteMissing),
        ] as [(String, Counter)])
    func unknownSites(line: String, reason: Counter) throws {
        var house = try Self.house()
        try house.receive(line)
        #expect(house.outcome.filter { $0.key != .droppedFields } == [reason: 1])
        house = try CountingHouse()
        try house.receive(Self.combined())
        #expect(house.outcome == [.beaconsSiteMissing: 1])
    }

    @Test(
        "a request that shows no page is refused with its reason",
        arguments: [
            (combined("POST /a HTTP/1.1"), .beaconsMethod), (combined("HEAD /a HTTP/1.1"), .beaconsMethod),
            (combined(status: "301"), .beaconsStatus), (combined(status: "500"), .beaconsStatus),
            (combined("-", status: "408"), .beaconsStatus),
            (combined("\\x16\\x03\\x01", status: "400"), .beaconsStatus),
            (combined("GET /a.CSS?x HTTP/1.1"), .beaconsAsset), (combined("GET /%61.p%6Eg HTTP/1.1"), .beaconsAsset),
            (combined("nonsense"), .beaconsSyntax), (combined(agent: ""), .bots), (combined(agent: "-"), .bots),
            (combined(agent: "curl/8.0"), .bots),
        ] as [(String, Counter)])
    func reasons(line: String, reason: Counter) throws {
        var house = try Self.house()
        try house.receive(line)
        #expect(house.outcome == [reason: 1])
    }

    @Test(
        "a line gives the visitor's request, whichever program writes it and in whatever form",
        arguments: [
            (combined("GET /a HTTP/1.0", status: "304"), "/a", "(direct)"), (combined("GET /a"), "/a", "(direct)"),
            (combined("GET /t%E1%BB%A9c+b?x=\\x22 HTTP/1.1"), "/tức+b", "(direct)"),
            (combined("GET /t\\xE1\\xBB\\xA9c HTTP/1.1"), "/tức", "(direct)"),
            (combined("GET /a b HTTP/1.1"), "/a b", "(direct)"),
            (combined(referrer: "https://www.News.example:8443/?\\\"x\\\""), "/a", "news.example"),
            (combined(referrer: "https://demo.example/"), "/a", "(internal)"),
            (combined(address: "2001:db8::1"), "/a", "(direct)"), ("demo.example:80 \(combined())", "/a", "(direct)"),
            // A user's name may look like anything except a quote.
            (
                combined(address: "203.0.113.9 - a [23/Nov/2026:07:49:43 +0000] GET /forged HTTP/1.1 200 1"), "/a",
                "(direct)"
            ),
            (combined() + " \"203.0.113.7\" 0.001", "/a", "(direct)"), (combined() + "\r", "/a", "(direct)"),
            (
                "{\"request\":{\"remote_ip\":\"203.0.113.9\",\"method\":\"GET\",\"host\":\"demo.example\",\"uri\":\"\\/t\\u1ee9c\","
                    + "\"headers\":{\"User-Agent\":[\"\(agent)\"],\"Referer\":[\"https://b.example/\"]}},\"status\":200}",
                "/tức", "b.example"
            ),
            // Traefik.
            (
                "{\"ClientHost\":\"203.0.113.9\",\"DownstreamStatus\":200,\"RequestHost\":\"demo.example\",\"RequestMethod\":\"GET\","
                    + "\"RequestPath\":\"/a?b\",\"request_User-Agent\":\"\(agent)\",\"time\":\"2026-11-23T07:49:43Z\"}",
                "/a",
                "(direct)"
            ),
            (
                "{ \"rq\" : \"GET /a HTTP/1.1\" , \"u\" : \"-\", \"ip\":\"203.0.113.9\", \"ua\":\"\(agent)\" }", "/a",
                "(direct)"
            ),
            (
                "{\"remote_addr\":\"203.0.113.9\",\"uri\":\"/index.php\",\"request\":\"GET \\/a HTTP\\/1.1\",\"agent\":\"\","
                    + "\"http_user_agent\":\"\(agent)\",\"referer\":\"-\",\"http_referer\":\"https://b.example/\"}",
                "/a", "b.example"
            ),
            (
                "203.0.113.9:1 [23/Nov/2026:07:49:44.506] f~ b/s 0/0/0/0/+0 200 +22 - - ---- 1/1/0/0/0 0/0 "
                    + "{demo.example|https://b.example/#23|\(agent)} {x|y} \"GET /t#1b#5b HTTP/1.1\"", "/t[",
                "b.example"
            ),
        ] as [(String, String, String)])
    func fields(line: String, path: String, referrer: String) throws {
        var house = try CountingHouse(hosts: ["demo.example"], logSite: "demo")
        try house.receive(line)
        #expect(house.pages() == [path: 1] && house.referrers() == [referrer: 1], "\(house.outcome)")
        #expect(house.engine.trackedVisitors == 1)
    }

    @Test("a visitor is the same by log, beacon and browser, and only views of one source are compared")
    func sources() throws {
        var house = try CountingHouse(logSite: "demo")
        try house.receive(Self.combined())
        try house.receive("f1 s=demo&i=203.0.113.9&u=/a&a=\(form(Self.agent))")
        #expect(try house.send("s=demo&u=/a", address: .v4(0xcb00_7109), agent: Self.agent) == nil)
        // HAProxy can write a beacon itself. With a method and a status it is its log.
        try house.receive("f1 s=demo&m=GET&c=200&i=203.0.113.9&u=/a&a=\(form(Self.agent))")
        try house.receive("f1 s=demo&m=GET&c=200&i=203.0.113.9&u=/a&a=-")
        #expect(house.outcome == [.views: 4, .bots: 1] && house.engine.trackedVisitors == 1)
    }

    @Test("each line of a datagram counts on its own, even beside a bad one, and at most 64 lines count")
    func severalLines() throws {
        var house = try CountingHouse(logSite: "demo")
        try house.receive(
            [Self.combined(), "junk", "", Self.combined("POST / HTTP/1.1"), Self.combined()].joined(separator: "\n"))
        #expect(house.outcome == [.views: 2, .beaconsSyntax: 1, .beaconsMethod: 1] && house[.records] == 4)
        house = try CountingHouse(logSite: "demo")
        try house.receive([String](repeating: Self.combined(agent: "x"), count: 70).joined(separator: "\n"))
        #expect(house.outcome == [.views: 64, .beaconsLimit: 6])
    }

    @Test(
        "a datagram without any log line is one junk record",
        arguments: [
            "<", "<>", "<1", "<192>x", "<0190>x", "<999999999999>x", "<13>",
            "<13>\(String(repeating: "a", count: 300))",
            "<190>Nov 23 07:49:43 web1 nginx: ", "{", "{}", "{\"u\":\"/\"", "{\"u\":}", "{\"u\":\"/\"}x", "[]", "{{}}",
            String(repeating: "{\"a\":", count: 4000), "203.0.113.9 - - [23/Nov/2026:07:49:43 +0000] GET / 200",
            "2026/11/23 07:49:43 [error] 1#1: *1 open() failed, client: 1.2.3.4, request: \"GET / HTTP/1.1\"",
            // A relay used the first words of a beacon without a header as host and tag.
            "<13>Nov 23 07:49:49 f1 s=demo&u=https%3A%2F%2Fdemo.exam ",
            // Another program's message.
            "<190>Nov 23 07:49:43 web1 sshd[1]: Accepted publickey for root from 1.2.3.4 port 22",
        ])
    func junk(line: String) throws {
        var house = try Self.house()
        try house.receive(line)
        let outcome = house.outcome
        #expect(house[.records] == 1 && house[.views] == 0, "\(outcome)")
        #expect(outcome == [.beaconsSyntax: 1] || outcome == [.beaconsTruncated: 1], "\(outcome)")
    }

    @Test("a tag names one site: the one spelled like it, or the only possible one")
    func tags() throws {
        var random = SplitMix(seed: 1)
        var sites = SiteDirectory(seed: CountingHouse.seed)
        for name in ["a-b", "c.d", "e_f", "e-f", "g-h", "g.h"] {
            let profile = SiteProfile(SiteSettings(name: name))
            _ = sites.add(profile, today: CountingHouse.day(20_780), salt: Salt(number: 1, using: &random))
        }
        var admission = Admission(sites: sites, rules: Admission.Rules(), seed: CountingHouse.seed)
        func counted(_ tag: String) -> Bool {
            var frame = Frame()
            let line = Array("<13>Nov 23 07:49:43 \(tag): \(Self.combined())".utf8)
            let arrival = Admission.Arrival(from: .ourselves, stamp: 0, at: CountingHouse.noon)
            admission.admit(line.span, arrival, against: SeenSignatures(), into: &frame)
            return frame.hits == 1
        }
        #expect(counted("ff_a_b") && counted("ff_a-b") && counted("ff_c_d") && counted("ff_e_f") && counted("ff_e-f"))
        #expect(!counted("ff_g_h") && counted("ff_g.h") && !counted("ff_x") && !counted("ff_"))
    }

    @Test("the rest of a split line is never read as a beacon")
    func splitLines() throws {
        var house = try CountingHouse(logSite: "demo")
        func receive(_ text: String, _ tag: String = "apache") throws {
            try house.receive("<13>Nov 23 07:49:43 web1 \(tag): \(text)")
        }
        let forged = "f1 s=demo&i=6.6.6.6&u=/forged"
        // The visitor chose the text after the cut.
        let line = Self.combined(agent: String(repeating: "U", count: 900) + forged + "\"")
        try receive(String(line.prefix(1000)))
        try receive(forged)
        try receive("f1#011s=demo#011u=/forged")
        #expect(house[.beaconsSyntax] == 2 && house.pages().keys.sorted() == ["/a"])
        // Other tags are not blocked, and it does not last.
        try receive(forged.replacing("/forged", with: "/program"), "program")
        house.moment = house.moment + 1000
        try receive(forged.replacing("/forged", with: "/later"))
        #expect(house.pages().keys.sorted() == ["/a", "/later", "/program"])
    }

    @Test("lines from outside are not accepted, whatever they look like")
    func untrusted() throws {
        for line in [
            Self.combined(), "{\"s\":\"demo\",\"u\":\"/\"}", "f1\ts=demo\tu=/", "<13>Nov 23 07:49:43 x: f1 s=demo&u=/",
        ] {
            var house = try CountingHouse(logSite: "demo")
            try house.receive(line, from: .address(.v4(0xcb00_7109)))
            #expect(house.outcome == [.datagramsUntrusted: 1])
        }
    }

    @Test("a line with a cut agent is a view without a visitor, unless all bytes that count are there")
    func cutAgents() throws {
        for (length, visitors) in [(40, 0), (511, 0), (512, 0), (513, 1), (600, 1)] {
            var house = try CountingHouse(logSite: "demo")
            let line = Self.combined(agent: String(repeating: "U", count: 2000))
            let start = Self.combined(agent: "").utf8.count - 1
            try house.receive(String(line.prefix(start + length)))
            #expect(house[.views] == 1 && house.engine.trackedVisitors == visitors, "\(length) bytes of the agent")
        }
    }

    @Test(
        "the time of a line in a file, in milliseconds since 1970",
        arguments: [
            ("23/Nov/2026:07:49:43 +0000", 1_795_420_183_000, true),
            ("23/Nov/2026:07:49:43 +0700", 1_795_394_983_000, true),
            ("29/Feb/2024:23:59:59 -0330", 1_709_263_799_000, true), ("01/Jan/1970:00:00:00 +0000", 0, true),
            ("23/Nov/2026:07:49:44.506", 1_795_420_184_506, false),
        ] as [(String, Int64, Bool)])
    func times(text: String, stamp: Int64, hasZone: Bool) {
        let line =
            text.contains(".")
            ? "203.0.113.9:1 [\(text)] f b/s 0/0/0/0/0 200 22 - - ---- 1/1/0/0/0 0/0 \"GET / HTTP/1.1\""
            : Self.combined().replacing("23/Nov/2026:07:49:43 +0000", with: text)
        let bytes = Array(line.utf8)
        let recorded = RecordedLine(bytes.span)
        #expect(recorded?.stamp == stamp && recorded?.hasZone == hasZone)
    }

    @Test(
        "times in JSON, and invalid ones",
        arguments: [
            ("1795420183.707", 1_795_420_183_707), ("\"1795420183\"", 1_795_420_183_000),
            ("1795420183707", 1_795_420_183_707),
            ("\"2026-11-23T07:49:43.707Z\"", 1_795_420_183_707), ("\"2026-11-23T14:49:43+07:00\"", 1_795_420_183_000),
            ("\"2026/11/23 07:49:43\"", 1_795_420_183_000), ("\"23/Nov/2026:07:49:43 +0000\"", 1_795_420_183_000),
            ("\"[23/Nov/2026:07:49:43 +0000]\"", 1_795_420_183_000), ("\"[]\"", nil), ("\"[[\"", nil),
            ("\"yesterday\"", nil), ("\"2026-13-01T00:00:00Z\"", nil), ("-5", nil), ("99999999999999", nil),
            ("\"\"", nil),
            ("\"2026-11-23T07:49:43Zx\"", nil), ("\"2026-11-23T24:00:00Z\"", nil),
        ] as [(String, Int64?)])
    func jsonTimes(text: String, stamp: Int64?) {
        let bytes = Array("{\"t\":\(text),\"u\":\"/\"}".utf8)
        let recorded = RecordedLine(bytes.span)
        #expect(recorded?.stamp == stamp)
    }
}
