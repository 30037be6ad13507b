import Counting
import Crypto
import Testing
import Wire

/// One view of one visitor, written in every way that Footfall reads: the record is the same except for its source.
@Suite("One visit from every source")
struct EverySourceTests {
    private static let address = "203.0.113.9"
    private static let agent = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
    private static let page = "/tin-tuc/123"
    private static let referrer = "https://www.google.com/search"
    private static let key = "0123456789abcdef0123456789abcdef"

    /// One way to write the view.
    struct Way: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let text: String
        let source: HitSource

        init(_ name: String, _ source: HitSource, _ parts: String...) {
            (testDescription, self.source, text) = (name, source, parts.joined())
        }
    }

    private static let date = "23/Nov/2026:07:49:43 +0000"
    private static let plain = Way("native", .beacon, "f1 s=demo&i=\(address)&u=\(page)&r=\(referrer)&a=\(agent)")
    static let ways: [Way] = [
        plain,
        Way(
            "native, escaped", .beacon, "f1 s=demo&i=", form(address), "&u=", form(page), "&r=", form(referrer), "&a=",
            form(agent)),
        Way("the second of two", .beacon, "f1 s=demo&i=\(address)&a=\(agent)", "\nu=\(page)&r=\(referrer)"),
        Way(
            "in a message", .beacon, "<13>Nov 23 07:49:43 web1 ff_demo: f1 i=\(address)&u=\(page)",
            "&r=\(referrer)&a=\(agent)"),
        Way("with a status", .log, "f1 s=demo&m=GET&c=200&i=\(address)&u=\(page)", "&r=\(referrer)&a=\(agent)"),
        Way(
            "separated by TAB", .log, "f1\ts=demo\tm=GET\tc=200\ti=\(address)",
            "\tu=\(page)?q=1\tr=\(referrer)\ta=\(agent)"),
        Way(
            "combined", .log,
            "<190>Nov 23 07:49:43 web1 ff_demo: \(address) - - [\(date)] \"GET \(page) HTTP/1.1\" 200 2",
            " \"\(referrer)\" \"\(agent)\""),
        Way(
            "combined with the virtual host", .log,
            "demo.example:443 \(address) - - [\(date)] \"GET \(page)?x HTTP/2.0\" 200 2",
            " \"\(referrer)\" \"\(agent)\""),
        Way(
            "HAProxy", .log,
            "<134>Nov 23 07:49:44 edge1 haproxy[27339]: \(address):34626 [23/Nov/2026:07:49:44.506] web be/s1",
            " 0/0/0/0/0 200 420 - - ---- 1/1/0/0/0 0/0 {demo.example|\(referrer)|\(agent)}", " \"GET \(page) HTTP/1.1\""
        ),
        Way(
            "JSON", .log, #"{"s":"demo","i":"\#(address)","m":"GET","c":200,"u":"\#(page)""#,
            #","r":"\#(referrer)","a":"\#(agent)"}"#),
        Way(
            "Caddy", .log, #"{"ts":1.5,"request":{"remote_ip":"\#(address)","method":"GET","host":"demo.example""#,
            #","uri":"\#(page)","headers":{"User-Agent":["\#(agent)"],"Referer":["\#(referrer)"]}},"status":200}"#),
    ]

    @Test("a datagram gives the same record, whatever it looks like", arguments: ways)
    func datagram(_ way: Way) throws {
        var house = try CountingHouse(hosts: ["demo.example"])
        let (record, source) = try Self.record(of: way.text, in: &house)
        #expect(record == (try Self.expected()))
        #expect(source == way.source)
    }

    @Test("a signed datagram from outside gives the same record")
    func signed() throws {
        var house = try CountingHouse()
        house.admission.setKeys([Self.key], of: SiteIndex(0))
        let seconds = CountingHouse.noon.second
        let text = "f1 s=demo&t=\(seconds)&i=\(Self.address)&u=\(Self.page)&r=\(Self.referrer)&a=\(Self.agent)"
        let code = HMAC<SHA256>.authenticationCode(
            for: Array(text.utf8), using: SymmetricKey(data: Array(Self.key.utf8)))
        let tag = code.prefix(16).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        let (record, source) = try Self.record(
            of: text + "&z=" + tag, in: &house, from: .address(.v4(0x0808_0808)))
        #expect(record == (try Self.expected()) && source == .beacon)
    }

    @Test("a browser gives the same record")
    func browser() throws {
        var house = try CountingHouse(hosts: ["demo.example"])
        let address = NetworkAddress.v4(0xcb00_7109)
        let hit = BrowserHit(
            form: Array("s=demo&u=https://demo.example\(Self.page)?q&r=\(form(Self.referrer))".utf8), address: address,
            agent: Self.agent, page: "https://demo.example", isPrefetch: false)
        var frame = Frame()
        _ = try house.admission.admit(hit, at: house.moment, steady: 0, into: &frame)
        let (record, source) = try Self.split(frame)
        #expect(record == (try Self.expected()) && source == .browser)
    }

    /// The record of the plain native beacon.
    private static func expected() throws -> [UInt8] {
        var house = try CountingHouse()
        return try record(of: plain.text, in: &house).record
    }

    private static func record(
        of text: String, in house: inout CountingHouse, from sender: Admission.Sender = .ourselves
    ) throws -> (record: [UInt8], source: HitSource) {
        var frame = Frame()
        let arrival = Admission.Arrival(from: sender, stamp: house.moment.milliseconds, at: house.moment)
        house.admission.admit(Array(text.utf8).span, arrival, against: house.engine.signatures, into: &frame)
        return try split(frame)
    }

    /// The hit at the end of a frame without its source, and the source.
    private static func split(_ frame: Frame) throws -> (record: [UInt8], source: HitSource) {
        try #require(frame.hits == 1)
        // A signature is a separate record before the hit: kind, site, signature, two times of five bytes.
        let isSigned = frame.bytes[0] != 13
        var record = Array(frame.bytes.dropFirst(isSigned ? 1 + 1 + 8 + 5 + 5 : 0))
        try #require(record[0] == 13)
        let source = try #require(HitSource(rawValue: record[1] >> 2 & 3))
        record[1] &= ~0b1100
        return (record, source)
    }
}
