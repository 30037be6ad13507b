import Counting
import Testing
import Wire

/// `f1 key=value&key=value…`, one record a line.
@Suite("How a datagram is read")
struct GrammarTests {
    @Test(
        "the number of records in a datagram",
        arguments: [
            ("f1 s=demo&u=/", [.views: 1]),
            ("f1 s=demo&n=ping", [.pings: 1]),
            ("f1 s=demo&u=/&n=ping", [.pings: 1]),
            ("f1 s=demo&n=%70ing", [.pings: 1]),
            // A trailing LF, a CR before it, blank lines.
            ("f1 s=demo&u=/\n", [.views: 1]),
            ("f1 s=demo&u=/\r\n", [.views: 1]),
            ("f1 s=demo&u=/\nu=/b\nu=/c\n", [.views: 3]),
            ("f1 s=demo&u=/\r\nu=/b\r\n", [.views: 2]),
            ("f1 s=demo&u=/\n\n\r\n\nu=/b\n\n", [.views: 2]),
            ("f1 \n\r\n\ns=demo&u=/", [.views: 1]),
            // Ampersands that separate nothing are not fields.
            ("f1 &&s=demo&&u=/&&", [.views: 1]),
            ("f1 s=demo&u=/\n&", [.views: 1, .beaconsSyntax: 1]),
            // A first record without page or event is only a header, and does not count as a record.
            ("f1 s=demo\nu=/", [.views: 1]),
            ("f1 s=demo\r\nu=/\r\nn=ping\r\n", [.views: 1, .pings: 1]),
            ("f1 nonsense=1\ns=demo&u=/", [.views: 1, .unknownKeys: 1]),
            // A later record without both is a record.
            ("f1 s=demo&u=/\ns=demo", [.views: 1, .beaconsSyntax: 1]),
            ("f1 s=demo\ns=demo\nu=/", [.views: 1, .beaconsSyntax: 1]),
            // No usable field at all: junk, not a header.
            ("f1 junk\ns=demo&u=/", [.views: 1, .beaconsSyntax: 1, .droppedFields: 1]),
        ] as [(String, [Counter: UInt64])])
    func records(datagram: String, expected: [Counter: UInt64]) throws {
        #expect(try outcome(of: datagram) == expected)
    }

    @Test("blank lines after a header are ignored", arguments: ["\n\n", "\r\n\r\n", "\n\r\n\n"])
    func blankLinesBehindHeader(lines: String) throws {
        let outcome = try outcome(of: "f1 s=demo\(lines)u=/a\nu=/b")
        #expect(outcome == [.views: 2])
    }

    @Test(
        "only site, host and the visitor's group are inherited from the first record",
        arguments: [
            // Site.
            ("f1 s=demo&u=/\nu=/b", ["/": 1, "/b": 1], [:], 0),
            ("f1 s=demo\nu=/a\ns=other&u=/b\nu=/c", ["/a": 1, "/c": 1], ["/b": 1], 0),
            ("f1 u=/a&s=other\nu=/b\nu=/c&s=demo", ["/c": 1], ["/a": 1, "/b": 1], 0),
            // From the first record and not from the one before.
            ("f1 s=demo&i=10.0.0.1\nu=/\nu=/&i=10.0.0.2\nu=/", ["/": 3], [:], 2),
            // The group i, a, v as a whole.
            ("f1 s=demo&i=10.0.0.1&a=A\nu=/\nu=/&i=10.0.0.1&a=A", ["/": 2], [:], 1),
            ("f1 s=demo&i=10.0.0.1&a=A\nu=/\nu=/&i=10.0.0.1", ["/": 2], [:], 2),
            ("f1 s=demo&i=10.0.0.1&a=A\nu=/&a=A", ["/": 1], [:], 0),
            ("f1 s=demo&i=10.0.0.1&a=A&v=x\nu=/\nu=/&v=x", ["/": 2], [:], 1),
            ("f1 s=demo&v=x\nu=/\nu=/&i=10.0.0.1", ["/": 2], [:], 2),
            ("f1 s=demo&i=10.0.0.1&u=/\nu=/", ["/": 2], [:], 1),
        ] as [(String, [String: UInt64], [String: UInt64], Int)])
    func inheritance(datagram: String, demo: [String: UInt64], other: [String: UInt64], visitors: Int) throws {
        var house = try CountingHouse()
        try house.receive(datagram)
        #expect(house.pages() == demo && house.pages(of: 1) == other)
        #expect(house.engine.trackedVisitors == visitors)
    }

    @Test("page, event, referrer, method and status are not inherited")
    func noInheritance() throws {
        var house = try CountingHouse()
        try house.receive("f1 s=demo&u=/a&r=https://a.example/&m=POST&c=500\nu=/b\nn=ping&u=/c\nu=/d")
        #expect(house.outcome == [.beaconsMethod: 1, .views: 2, .pings: 1])
        #expect(house.pages() == ["/b": 1, "/d": 1] && house.referrers() == ["(direct)": 2])
    }

    @Test("the first occurrence of a key wins")
    func firstOccurrence() throws {
        var house = try CountingHouse()
        try house.receive("f1 s=demo&u=/a&i=10.0.0.1&s=other&u=/b&i=10.0.0.2&n=ping&n=junk&c=200&m=GET&c=500&m=POST")
        try house.receive("f1 s=demo&i=10.0.0.1&u=/a&s=other&i=10.0.0.2")
        #expect(house.outcome == [.views: 1, .pings: 1] && house.pages() == ["/a": 1])
        #expect(house.engine.trackedVisitors == 1)
    }

    @Test(
        "unknown keys are counted, reserved ones ignored, malformed fields dropped",
        arguments: [
            ("b=1", [.unknownKeys: 1]), ("b=1&f=&g=2&uu=/", [.unknownKeys: 4]),
            ("b=1&b=2", [.unknownKeys: 1]),  // The letter's field, however often: the specification is silent.
            ("_=1&.=2&7=3&a.b_9=4", [.unknownKeys: 4]), ("abcdefghijklmnop=1", [.unknownKeys: 1]),
            ("x=1", [.unknownKeys: 1]),
            ("d=1&o=2&q=3&w=4&l=5&e=6", [:]), ("x.shop=1&x.=2", [:]), ("t=1795420189.5&z=abc&h=demo.example", [:]),
            ("abcdefghijklmnopq=1", [.droppedFields: 1]), ("U=/", [.droppedFields: 1]), ("=1", [.droppedFields: 1]),
            ("=", [.droppedFields: 1]), ("k", [.droppedFields: 1]), ("key", [.droppedFields: 1]),
            ("k-1=2&k 1=2&kéy=1&%75=/", [.droppedFields: 4]),
            ("h=\(String(repeating: "h", count: 254))", [.droppedFields: 1]),
        ] as [(String, [Counter: UInt64])])
    func oddFields(fields: String, expected: [Counter: UInt64]) throws {
        #expect(try outcome(of: "f1 s=demo&u=/&\(fields)") == expected.merging([.views: 1]) { $1 })
    }

    @Test("64 records are read and the others refused, whatever they contain", arguments: [1, 63, 64, 65, 66, 200])
    func limit(records: Int) throws {
        for header in ["", "f1 s=demo\n"] {
            var house = try CountingHouse()
            let lines = (0..<records).map { $0 < 64 ? "s=demo&u=/\($0)" : ["s=demo&u=/", "junk", "n=?"][$0 % 3] }
            try house.receive((header.isEmpty ? "f1 " : header) + lines.joined(separator: "\n"))
            #expect(house[.views] == UInt64(min(64, records)))
            #expect(house[.beaconsLimit] == UInt64(max(0, records - 64)) && house[.beaconsSyntax] == 0)
            #expect(house.pages().count == min(64, records))
        }
    }

    @Test("a signature at the end belongs to no record", arguments: ["", "\n"])
    func tag(end: String) throws {
        let tag = "0123456789abcdef0123456789abcdef"
        var house = try CountingHouse()
        try house.receive("f1 s=demo&u=/a&z=\(tag)\(end)")
        try house.receive("f1 s=demo\nu=/b\nu=/c&z=\(tag)\(end)")
        #expect(house.pages() == ["/a": 1, "/b": 1, "/c": 1] && house.outcome == [.views: 3])
        for signed in ["f1 s=demo&u=/&z=\(tag)", "f1 &z=\(tag)\n", "f1 s=demo&z=\(tag)"] {
            #expect(isSigned(signed), "\(signed)")
        }
        for unsigned in ["z=\(tag.dropLast())", "z=\(tag)0", "z=\(tag.dropLast())g", "z=\(tag)&u=/", "Z=\(tag)"] {
            #expect(!isSigned("f1 s=demo&\(unsigned)"), "\(unsigned)")
        }
    }

    private func isSigned(_ datagram: String) -> Bool {
        let bytes = Array(datagram.utf8)
        var beacons = Beacons(bytes.span)
        try? beacons.begin()
        return beacons.isSigned
    }

    @Test(
        "a site's name has 1 to 64 letters, digits, dots, underscores and dashes",
        arguments: [
            ("a", true), ("demo", true), ("my-site_2.example", true), ("-", true),
            (String(repeating: "x", count: 64), true),
            ("", false), (String(repeating: "x", count: 65), false), ("Demo", false), ("a b", false), ("a/b", false),
            ("é", false), ("a\u{0}", false), ("a+b", false), ("a%", false),
        ])
    func siteNames(name: String, isName: Bool) { #expect(isSiteName(Array(name.utf8).span) == isName) }

    @Test("each unknown name is reported once")
    func unknownSites() throws {
        var house = try CountingHouse()
        let datagram = "f1 s=nobody\nu=/\nu=/&s=demo\nu=/&s=some%62ody\nu=/&s=NO\nu=/&s=nobody\njunk\nn=ping&s=x"
        #expect(house.admission.unknownSites(in: Array(datagram.utf8).span).map(\.name) == ["nobody", "somebody", "x"])
        #expect(house.admission.unknownSites(in: Array("f2 s=nobody&u=/".utf8).span) == [])
        #expect(house.admission.unknownSites(in: Array("s=nobody&u=/".utf8).span) == [])
    }
}
