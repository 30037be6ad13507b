import Counting
import Crypto
import Testing
import Wire

/// Remote senders, who sign what they send.
@Suite("Signed beacons")
struct SignatureTests {
    private static let stranger = Admission.Sender.address(.v4(0xcb00_7109))
    private static let key = "0123456789abcdef0123456789abcdef"
    private static let now = CountingHouse.noon.milliseconds

    private static func tag(_ text: String, _ key: String = key) -> String {
        HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: SymmetricKey(data: Array(key.utf8))).prefix(16)
            .map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    private static func sign(_ text: String, _ key: String = key) -> String { "\(text)&z=\(tag(text, key))" }

    private static func time(_ milliseconds: Int64) -> String {
        let fraction = "\(milliseconds % 1000 + 1000)".dropFirst()
        return "\(milliseconds / 1000).\(fraction)"
    }

    private static func house(keys: [String] = [key]) throws -> CountingHouse {
        var house = try CountingHouse()
        house.admission.setKeys(keys, of: SiteIndex(0))
        return house
    }

    private static func beacon(_ rest: String = "i=203.0.113.9&u=/", at milliseconds: Int64 = now) -> String {
        "f1 s=demo&t=\(time(milliseconds))&\(rest)"
    }

    @Test("a signed datagram from outside is accepted: the visitor, the page, and each of several records")
    func believed() throws {
        var house = try Self.house()
        try house.receive(Self.sign(Self.beacon("i=203.0.113.9&u=/a\nu=/b\nv=x&u=/c")), from: Self.stranger)
        #expect(house.outcome == [.views: 3] && house.pages() == ["/a": 1, "/b": 1, "/c": 1])
        #expect(house.engine.trackedVisitors == 2)
        // A line end after the signature is not signed.
        try house.receive(Self.sign(Self.beacon("v=y&u=/d")) + "\n", from: Self.stranger)
        #expect(house[.views] == 4)
    }

    @Test("real signatures of PHP and Python are accepted at the time of signing")
    func captured() throws {
        for datagram in try Captured.all() where datagram.name.hasSuffix("-signed.001") {
            var house = try Self.house()
            try house.receive(datagram.bytes, from: Self.stranger, stamp: 1_795_420_189_000)
            #expect(house.outcome == [.views: 1], "\(datagram.name)")
        }
    }

    @Test(
        "a datagram not signed with a key of its site is refused whole",
        arguments: [
            // No key, a wrong one, another site's, and a site without one.
            (beacon("u=/"), DatagramRejection.untrusted), (sign(beacon("u=/"), key + "0"), .signature),
            (sign("f1 s=other&t=\(time(now))&u=/"), .signature), (sign("f1 s=nobody&t=\(time(now))&u=/"), .signature),
            (sign("f1 t=\(time(now))&u=/"), .signature),
            // The time of signing is part of it.
            (sign("f1 s=demo&u=/"), .signature), (sign("f1 s=demo&t=&u=/"), .signature),
            (sign("f1 s=demo&t=now&u=/"), .signature), (sign("f1 s=demo&t=-1&u=/"), .signature),
            (sign("f1 s=demo&u=/\nu=/&t=\(time(now))"), .signature),
            // Changed on the way.
            (sign(beacon("u=/a")).replacing("u=/a", with: "u=/b"), .signature),
            (String(sign(beacon("u=/a")).dropLast()) + "g", .untrusted),
        ] as [(String, DatagramRejection)])
    func refused(datagram: String, reason: DatagramRejection) throws {
        var house = try Self.house()
        try house.receive(datagram, from: Self.stranger)
        // A single last digit may be right by chance, one time in sixteen.
        #expect(house.outcome == [reason.counter: 1], "\(datagram)")
    }

    @Test(
        "a signature is valid for 120 s before and after, to the millisecond",
        arguments: [
            (0, true), (119_999, true), (120_000, true), (120_001, false), (-120_000, true), (-120_001, false),
            (-86_400_000, false), (40_000_000_000, false),
        ] as [(Int64, Bool)])
    func window(age: Int64, isGood: Bool) throws {
        var house = try Self.house()
        try house.receive(Self.sign(Self.beacon(at: Self.now - age)), from: Self.stranger)
        #expect(house.outcome == (isGood ? [.views: 1] : [.datagramsClock: 1]))
    }

    @Test("a signed datagram counts once, also after a restart, as long as its signature is valid")
    func replays() throws {
        for age in [Int64(120_000), 119_000, 1000, 0, -119_000, -120_000] {
            var house = try Self.house()
            let datagram = Self.sign(Self.beacon(at: Self.now - age))
            try house.receive(datagram, from: Self.stranger)
            try house.receive(datagram, from: Self.stranger)
            try house.receive(datagram, from: .address(.v4(0x0101_0101)))
            #expect(house.outcome == [.views: 1, .datagramsReplayed: 2], "age \(age)")
            let snapshot = house.engine.snapshot()
            house.engine = try Engine(restoring: snapshot.span, limits: Limits(), seed: CountingHouse.seed)
            #expect(house.engine.snapshot() == snapshot)
            // Every second of the rest of its time, and beyond.
            for second in 1...245 as ClosedRange<Int64> {
                house.moment = CountingHouse.noon + second * 1000
                try house.receive(datagram, from: Self.stranger)
                // Another one comes as well, so that old ones are forgotten.
                let other = Self.sign(Self.beacon("v=\(second)&u=/", at: house.moment.milliseconds))
                try house.receive(other, from: Self.stranger)
            }
            #expect(house[.views] == 246 && house.outcome[.datagramsReplayed, default: 0] >= 2)
            #expect(house[.datagramsReplayed] + house[.datagramsClock] == 2 + 245)
        }
    }

    @Test("a signer is not a server that logs: method and status of a request mean nothing in its beacons")
    func noLog() throws {
        var house = try Self.house()
        try house.receive(Self.sign(Self.beacon("m=POST&c=500&v=x&u=/a.css")), from: Self.stranger)
        #expect(house.outcome == [.views: 1])
    }

    @Test("signatures of one batch are compared with each other before the engine has them")
    func batch() throws {
        var house = try Self.house()
        var frame = Frame()
        let datagram = Array(Self.sign(Self.beacon()).utf8)
        for _ in 0..<3 {
            let arrival = Admission.Arrival(from: Self.stranger, stamp: Self.now, at: house.moment)
            house.admission.admit(datagram.span, arrival, against: house.engine.signatures, into: &frame)
        }
        #expect(frame.hits == 1 && house.admission.counts[.datagramsReplayed] == 2)
    }

    @Test("with too many signatures, old ones are refused and none is accepted twice")
    func full() throws {
        var seen = SeenSignatures()
        var engine = try Self.house().engine
        var frame = Frame()
        let second = CountingHouse.noon.second
        for i in 0..<UInt64(SeenSignatures.countMax + 1000) {
            // From time to time one of a site that sends little.
            frame.append(
                .signed(SiteIndex(i % 1000 == 0 ? 1 : 0), i, at: second - 100 + Int64(i) / 10_000, came: second))
        }
        try engine.apply(frame.span)
        seen = engine.signatures
        for i in stride(from: 1, to: UInt64(SeenSignatures.countMax + 1000), by: 997) where i % 1000 != 0 {
            #expect(seen.holds(i, of: SiteIndex(0), signedAt: second - 100 + Int64(i) / 10_000))
        }
        // The first second made room. Nothing signed in it is accepted any more, seen or not.
        func isRefused(_ site: Int, _ second: Int64) -> Bool { seen.holds(.max, of: SiteIndex(site), signedAt: second) }
        #expect(isRefused(0, second - 100) && !isRefused(0, second - 99))
        // The other site lost nothing: its signatures are known, and new ones from that second are accepted.
        #expect(seen.holds(1000, of: SiteIndex(1), signedAt: second - 100) && !isRefused(1, second - 100))
        #expect(engine.snapshot().count < 9 * SeenSignatures.countMax + 10_000)
    }

    @Test("two keys are accepted while one replaces the other, and a revoked one is not")
    func rotation() throws {
        var house = try Self.house(keys: [Self.key])
        func receive(_ key: String, _ path: String) throws {
            try house.receive(Self.sign(Self.beacon("u=\(path)"), key), from: Self.stranger)
        }
        try receive("new key", "/1")
        house.admission.setKeys([Self.key, "new key"], of: SiteIndex(0))
        try receive("new key", "/2")
        try receive(Self.key, "/3")
        house.admission.setKeys(["new key"], of: SiteIndex(0))
        try receive("new key", "/4")
        try receive(Self.key, "/5")
        #expect(house.pages() == ["/2": 1, "/3": 1, "/4": 1] && house[.datagramsSignature] == 2)
    }

    @Test("a key speaks for its own site only, whatever the later records say")
    func otherSites() throws {
        var house = try Self.house()
        try house.receive(Self.sign(Self.beacon("u=/a\ns=other&u=/b\nu=/c")), from: Self.stranger)
        #expect(house.pages() == ["/a": 1, "/c": 1] && house.pages(of: 1) == [:] && house[.beaconsSiteUnknown] == 1)
    }

    @Test("a trusted sender need not sign; but if it does, and the site has a key, the signature must be right")
    func trusted() throws {
        var house = try Self.house()
        let wrong = Self.sign(Self.beacon(), "another")
        try house.receive(wrong, from: .address(.v4(0x7f00_0001)))
        #expect(house.outcome == [.datagramsSignature: 1])
        try house.receive(Self.sign("f1 s=other&u=/"), from: .address(.v4(0x7f00_0001)))
        #expect(house[.views] == 1)
    }

    @Test("no prefix of a signed datagram is accepted, and no byte of it can be changed")
    func prefixes() throws {
        let datagram = Array(Self.sign(Self.beacon("i=203.0.113.9&u=/a?b=c&r=https://a.example/&a=UA%2F1")).utf8)
        for length in 0..<datagram.count {
            var house = try Self.house()
            try house.receive(Array(datagram.prefix(length)), from: Self.stranger)
            #expect(house[.records] == 0, "\(length) bytes")
        }
        for i in datagram.indices {
            for bit in 0..<8 {
                var changed = datagram
                changed[i] ^= 1 << UInt8(bit)
                // Hex digits of either case are the same signature.
                if i >= datagram.count - 32, bit == 5, datagram[i] > 0x40 { continue }
                var house = try Self.house()
                try house.receive(changed, from: Self.stranger)
                #expect(house[.records] <= 1 && house[.views] == 0, "bit \(bit) of byte \(i)")
            }
        }
    }

    @Test("an address that guesses signatures is refused for a while, and nobody else is affected")
    func guessing() throws {
        var house = try Self.house()
        for i in 0..<10_000 {
            try house.receive(Self.sign(Self.beacon("v=\(i)&u=/"), "guess"), from: Self.stranger)
        }
        // Its whole /24 is refused. Others are not.
        try house.receive(Self.sign(Self.beacon("u=/near")), from: .address(.v4(0xcb00_7101)))
        try house.receive(Self.sign(Self.beacon("u=/far")), from: .address(.v4(0xcb00_7201)))
        #expect(house.pages() == ["/far": 1] && house[.datagramsSignature] == 10_001)
        house.moment = house.moment + 1000
        try house.receive(Self.sign(Self.beacon("u=/later")), from: .address(.v4(0xcb00_7101)))
        #expect(house.pages() == ["/far": 1, "/later": 1])
        // If the clock is set back, nobody is refused until it is that time again.
        for i in 0..<4000 { try house.receive(Self.sign(Self.beacon("v=\(i)&u=/"), "guess"), from: Self.stranger) }
        let earlier = Self.now - 3_600_000
        try house.receive(
            Array(Self.sign(Self.beacon("u=/earlier", at: earlier)).utf8), from: Self.stranger, stamp: earlier)
        #expect(house.pages()["/earlier"] == 1)
    }
}
