import Counting
import Testing
import Wire

/// The closed list of reasons, as far as they apply to native beacons.
@Suite("What is refused, and why")
struct RejectionTests {
    @Test(
        "a refused datagram changes one counter and has no records",
        arguments: [
            ("", .datagramsEmpty), ("f1 ", .datagramsEmpty), ("f1 \n", .datagramsEmpty),
            ("f1 \r\n\n\r\n", .datagramsEmpty),
            ("f1 s=demo", .datagramsEmpty), ("f1 s=demo&i=10.0.0.1&a=A\n", .datagramsEmpty),
            ("f1 h=\r\n\n", .datagramsEmpty),
            ("f1 s=demo&m=GET&c=200\n\n\n", .datagramsEmpty),
            ("f2 s=demo&u=/", .datagramsVersion), ("f0 s=demo&u=/", .datagramsVersion), ("f9 ", .datagramsVersion),
        ] as [(String, Counter)])
    func datagrams(datagram: String, reason: Counter) throws {
        var house = try CountingHouse()
        try house.receive(datagram)
        #expect(house.outcome == [reason: 1] && house[.records] == 0 && house[.parsedDatagrams] == 0)
        #expect(house[.datagrams] == 1 && house[.bytes] == UInt64(datagram.utf8.count))
    }

    @Test("a native datagram cut by its slot is oversize, whatever remains of it")
    func oversize() throws {
        for datagram in ["f1 s=demo&u=/", "f1 s=demo&u=/a\nu=/b", "f1 s=demo", "f2 s=demo&u=/"] {
            var house = try CountingHouse()
            try house.receive(Array(datagram.utf8), isTruncated: true)
            #expect(house.outcome == [.datagramsOversize: 1] && house[.records] == 0)
        }
        var house = try CountingHouse()
        let url = "/" + String(repeating: "a", count: 8192 - 14)
        try house.receive("f1 s=demo&u=\(url)")
        #expect(house.outcome == [.views: 1, .cutFields: 1] && house[.bytes] == 8191)
    }

    @Test(
        "a datagram of no known kind is one junk record",
        arguments: [
            "f", "f1", "f1u=/", "f1\n", "F1 s=demo&u=/", " f1 s=demo&u=/", "fx s=demo&u=/",
            "f10 s=demo&u=/",
            "s=demo&u=/", "\n", "\n\nf1 s=demo&u=/", "\u{feff}f1 s=demo&u=/", "\u{0}", "hello",
            "GET / HTTP/1.1\r\n\r\n",
        ])
    func unknownKind(datagram: String) throws {
        var house = try CountingHouse()
        try house.receive(datagram)
        #expect(house.outcome == [.beaconsSyntax: 1] && house[.records] == 1 && house[.parsedDatagrams] == 1)
    }

    @Test(
        "a refused beacon changes one counter",
        arguments: [
            // No page and no event, or an unknown one.
            ("junk", .beaconsSyntax, 1), ("é\u{1}\u{7f}", .beaconsSyntax, 1), ("s=demo&u=/&n=", .beaconsSyntax, 0),
            ("s=demo&u=/&n=view", .beaconsSyntax, 0), ("s=demo&u=/&n=PING", .beaconsSyntax, 0),
            ("s=demo&n=pin", .beaconsSyntax, 0),
            ("s=demo&n=ping%00", .beaconsSyntax, 0), ("s=demo&n=pingpingpingpingping", .beaconsSyntax, 0),
            ("n=other&s=nobody", .beaconsSyntax, 0),
            // No site name, or an impossible one.
            ("u=/", .beaconsSiteMissing, 0), ("n=ping", .beaconsSiteMissing, 0), ("u=/&s=", .beaconsSiteMissing, 1),
            ("u=/&s=Demo", .beaconsSiteMissing, 1), ("u=/&s=de mo", .beaconsSiteMissing, 1),
            ("u=/&s=demo%0A", .beaconsSiteMissing, 1),
            ("u=/&s=demo%00", .beaconsSiteMissing, 1), ("u=/&s=demo\u{0}", .beaconsSiteMissing, 1),
            ("u=/&s=%64emo+", .beaconsSiteMissing, 1),
            ("u=/&s=\(String(repeating: "x", count: 65))", .beaconsSiteMissing, 1),
            // The name of no site.
            ("u=/&s=nobody", .beaconsSiteUnknown, 0), ("n=ping&s=demo2", .beaconsSiteUnknown, 0),
            ("u=/&s=dem", .beaconsSiteUnknown, 0),
            ("u=/&s=no%62ody", .beaconsSiteUnknown, 0),
            ("u=/&s=\(String(repeating: "x", count: 64))", .beaconsSiteUnknown, 0),
        ] as [(String, Counter, UInt64)])
    func beacons(record: String, reason: Counter, dropped: UInt64) throws {
        let expected = [reason: 1, .droppedFields: dropped].filter { $0.value > 0 }
        #expect(try outcome(of: "f1 \(record)") == expected)
        // The others count.
        var house = try CountingHouse()
        try house.receive("f1 s=demo&u=/a\n\(record.contains("s=") ? record : record + "&s=")\nu=/b")
        #expect(house.pages() == ["/a": 1, "/b": 1] && house[.records] == 3)
    }

    @Test("a refused beacon is also counted for the site that it names")
    func bySite() throws {
        var house = try CountingHouse()
        try house.receive("f1 s=demo&u=/&n=x\nn=x\nn=x&s=%6fther\nn=x&s=nobody\nn=x&s=\nu=/&m=POST\ns=other\nn=ping")
        #expect(house[.beaconsSyntax] == 6 && house[.beaconsMethod] == 1 && house[.pings] == 1)
        #expect(house.admission.counts.rejectedBySite == [SiteIndex(0): 3, SiteIndex(1): 2])
    }

    @Test("a refused beacon in a log's message is also counted for the site of its host")
    func byHost() throws {
        var house = try CountingHouse(hosts: ["demo.example"])
        try house.receive("<13>Nov 23 07:49:43 web1 app: f1 h=demo.example&u=/a.css&m=GET&c=200")
        #expect(house.outcome == [.beaconsAsset: 1])
        #expect(house.admission.counts.rejectedBySite == [SiteIndex(0): 1])
    }

    @Test(
        "a beacon with a method or a status is a log line, and not every request is a page view",
        arguments: [
            ("m=GET&c=200&u=/", .views), ("m=GET&c=200&u=/&n=ping", .pings), ("m=GET&u=/", .views),
            ("c=200&u=/", .views),
            ("c=204&u=/", .views), ("c=299&u=/", .views), ("c=304&u=/", .views), ("m=%47ET&c=%3200&u=/", .views),
            ("m=POST&u=/", .beaconsMethod), ("m=HEAD&c=200&u=/", .beaconsMethod), ("m=get&u=/", .beaconsMethod),
            ("m=GETX&u=/", .beaconsMethod), ("m=&u=/", .beaconsMethod), ("m=OPTIONS&c=404&u=/a.css", .beaconsMethod),
            ("m=\(String(repeating: "G", count: 40))&u=/", .beaconsMethod),
            ("c=199&u=/", .beaconsStatus), ("c=300&u=/", .beaconsStatus), ("c=301&u=/", .beaconsStatus),
            ("c=303&u=/", .beaconsStatus),
            ("c=305&u=/", .beaconsStatus), ("c=404&u=/", .beaconsStatus), ("c=500&u=/", .beaconsStatus),
            ("c=&u=/", .beaconsStatus),
            ("c=2&u=/", .beaconsStatus), ("c=20x&u=/", .beaconsStatus), ("c=2000&u=/", .beaconsStatus),
            ("c=-200&u=/", .beaconsStatus),
            ("c=404&u=/a.css", .beaconsStatus),
            ("c=200&u=/a.css", .beaconsAsset), ("m=GET&u=/a/b.min.js", .beaconsAsset),
            ("m=GET&u=/A.PNG", .beaconsAsset),
            ("c=200&u=/a.css?v=1", .beaconsAsset), ("c=200&u=/a.css%23x", .beaconsAsset),
            ("c=200&u=/a%2ecss", .beaconsAsset),
            ("c=200&u=https://demo.example/a.woff2", .beaconsAsset), ("c=200&u=/.css", .beaconsAsset),
            ("c=304&u=/a.css", .beaconsAsset),
            ("c=200&u=/a.css/", .views), ("c=200&u=/a.css/b", .views), ("c=200&u=/css", .views),
            ("c=200&u=/a.html", .views),
            ("c=200&u=/a.css.html", .views), ("c=200&u=/a.cs", .views), ("c=200&u=/a.csss", .views),
            ("c=200&u=/a.?x=b.css", .views),
            // Without both it is a page that somebody chose to count.
            ("u=/a.css", .views),
        ] as [(String, Counter)])
    func logFields(record: String, counted: Counter) throws {
        #expect(try outcome(of: "f1 s=demo&\(record)") == [counted: 1])
        #expect(
            try outcome(of: "f1 s=demo&\(record)&a=Googlebot/2.1") == [
                counted == .views || counted == .pings ? .bots : counted: 1
            ])
    }

    @Test(
        "a visitor's field that is malformed or too long is dropped and counted, and its record counts",
        arguments: [
            ("i=10.0.0.256", 0, 1), ("i=junk", 0, 1), ("i=%20", 0, 1), ("i=10.0.0.1%00", 0, 1),
            ("i=\(String(repeating: "1", count: 46))", 0, 1), ("v=\(String(repeating: "x", count: 65))", 0, 1),
            ("v=a%00b", 0, 1),
            ("v=a\u{0}b", 0, 1), ("i=", 0, 0), ("v=", 0, 0), ("v=&i=10.0.0.1", 1, 0), ("i=&v=x", 1, 0),
            ("v=x&i=junk", 1, 0),
            ("v=\(String(repeating: "x", count: 64))", 1, 0), ("v=\(String(repeating: "%78", count: 64))", 1, 0),
            ("i=%3a%3A1", 1, 0), ("i=0000:0000:0000:0000:0000:ffff:255.255.255.255", 1, 0),
        ] as [(String, Int, UInt64)])
    func visitorFields(fields: String, visitors: Int, dropped: UInt64) throws {
        var house = try CountingHouse()
        try house.receive("f1 s=demo&u=/&\(fields)")
        #expect(house[.views] == 1 && house[.droppedFields] == dropped)
        #expect(house.engine.trackedVisitors == visitors)
    }

    @Test("if the sender's id is dropped, address and agent give the visitor")
    func droppedVisitorID() throws {
        var house = try CountingHouse()
        try house.receive("f1 s=demo&u=/&i=10.0.0.1&v=\(String(repeating: "x", count: 65))")
        #expect(house[.views] == 1 && house[.droppedFields] == 1)
        #expect(house.engine.trackedVisitors == 1)
    }
}

/// Datagrams as clients sent them over loopback on 23 November 2026.
@Suite("What clients really send")
struct RealDatagramTests {
    @Test("a line of bash")
    func bash() throws {
        let house = try counted("f1 s=demo&u=/backup-done&i=203.0.113.9")
        #expect(house.pages() == ["/backup-done": 1] && house.referrers() == ["(direct)": 1])
    }

    @Test("URLSearchParams of Node")
    func node() throws {
        let house = try counted(
            "f1 s=demo&u=https%3A%2F%2Fdemo.example%2Ftin-t%E1%BB%A9c%3Fx%3D1&i=203.0.113.9&a=Mozilla%2F5.0+%28X11%3B+Linux%29"
        )
        #expect(house.pages() == ["/tin-tức": 1])
    }

    @Test("http_build_query of PHP, with an agent that tries to be another site's record")
    func php() throws {
        let house = try counted(
            "f1 s=demo&u=https%3A%2F%2Fdemo.example%2Ftin-t%E1%BB%A9c%2F%C4%91%E1%BA%A1i-h%E1%BB%99i%3Fx%3D1%26y%3Da+b"
                + "&i=203.0.113.9&r=https%3A%2F%2Fwww.google.com%2Fsearch%3Fq%3Da%26b%3Dc"
                + "&a=Mozilla%2F5.0+%28X11%3B+Linux+x86_64%29+evil%09%26s%3Dother%0Af1+s%3Dother")
        #expect(house.pages() == ["/tin-tức/đại-hội": 1] && house.referrers() == ["google.com": 1])
        #expect(house.pages(of: 1) == [:])
    }

    @Test("urlencode of Python, with an empty referrer")
    func python() throws {
        let house = try counted(
            "f1 s=demo&u=https%3A%2F%2Fdemo.example%2Ftin-t%E1%BB%A9c&i=203.0.113.9&r=&a=Mozilla%2F5.0+%28X11%29")
        #expect(house.pages() == ["/tin-tức": 1] && house.referrers() == ["(direct)": 1])
    }

    @Test("a batch under a header")
    func batch() throws {
        let lines = (0..<3).map { "u=https%3A%2F%2Fdemo.example%2Fp\($0)&i=203.0.113.\($0)&a=UA%2F1" }
        let house = try counted("f1 s=demo\n" + lines.joined(separator: "\n"), visitors: 3)
        #expect(house.pages() == ["/p0": 1, "/p1": 1, "/p2": 1])
    }

    @Test(
        "signed ones, whose signature is neither needed nor verified on loopback",
        arguments: [
            "i=203.0.113.9&a=UA%2F1&t=1795420189&z=6f97e3c71efebedca610e44c020f0eef",
            "i=203.0.113.9&t=1795420189&z=2ecc6d54b13f5c2cf94cc79e8ac14b1d",
        ])
    func signed(rest: String) throws {
        let house = try counted("f1 s=demo&u=https%3A%2F%2Fdemo.example%2F&\(rest)")
        #expect(house.pages() == ["/": 1])
    }

    private func counted(_ datagram: String, visitors: Int = 1) throws -> CountingHouse {
        var house = try CountingHouse()
        try house.receive(datagram, from: .address(.v4(0x7f00_0001)))
        #expect(house.outcome == [.views: UInt64(visitors)] && house.engine.trackedVisitors == visitors)
        return house
    }
}
