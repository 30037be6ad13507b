import Counting
import TestSupport
import Testing
import Wire

/// Who counts as one visitor.
@Suite("Visitors")
struct VisitorTests {
    @Test(
        "one visitor or two",
        arguments: [
            ("i=10.0.0.1", "i=10.0.0.1", 1), ("i=10.0.0.1", "i=10.0.0.2", 2), ("i=10.0.0.1&a=A", "i=10.0.0.1&a=B", 2),
            ("i=10.0.0.1&a=A", "i=10.0.0.1&a=a", 2), ("i=10.0.0.1&a=A", "i=10.0.0.1&a=A+", 2), ("v=x", "v=x", 1),
            ("v=x", "v=y", 2),
            // A missing agent is the same as an empty one.
            ("i=10.0.0.1", "i=10.0.0.1&a=", 1), ("i=10.0.0.1&a=%00", "i=10.0.0.1", 1),
            // IPv4 whole, mapped addresses as IPv4, IPv6 cut to /64.
            ("i=10.0.0.1", "i=::ffff:10.0.0.1", 1), ("i=10.0.0.1", "i=::FFFF:a00:1", 1),
            ("i=10.0.0.1", "i=::10.0.0.1", 2),
            ("i=2001:db8::1", "i=2001:db8::ffff:2:3:4", 1), ("i=2001:db8::1", "i=2001:DB8:0:0:9::", 1),
            ("i=2001:db8::1", "i=2001:db8:0:1::1", 2), ("i=2001:db8::1", "i=2001:db9::1", 2), ("i=::1", "i=::2", 1),
            ("i=2001:db8::1", "i=2001%3Adb8%3A%3A1", 1),
            // The agent's escapes do not matter, only its text.
            ("i=10.0.0.1&a=UA/1+x", "i=10.0.0.1&a=UA/1%20x", 1), ("i=10.0.0.1&a=UA/1 x", "i=10.0.0.1&a=%55A%2f1+x", 1),
            ("i=10.0.0.1&a=caf\u{e9}", "i=10.0.0.1&a=caf%C3%A9", 1), ("i=10.0.0.1&a=UA%091", "i=10.0.0.1&a=UA1", 1),
            ("i=10.0.0.1&a=%FF", "i=10.0.0.1&a=%EF%BF%BD", 1), ("i=10.0.0.1&a=100%25", "i=10.0.0.1&a=100%", 1),
            // An id replaces address and agent.
            ("v=x&i=10.0.0.1&a=A", "v=x&i=10.0.0.2&a=B", 1), ("v=x", "v=%78", 1), ("v=x", "v=X", 2),
            ("v=a+b", "v=a%20b", 1),
            ("v=10.0.0.1", "i=10.0.0.1", 2), ("v=%0A%00%00%01", "i=10.0.0.1", 1),  // Of the id a NUL is dropped.
            ("v=x", "i=10.0.0.1&a=x", 2), ("v=&i=10.0.0.1", "i=10.0.0.1", 1),
            // Sites share nothing.
            ("v=x", "v=x&s=other", 2), ("i=10.0.0.1", "i=10.0.0.1&s=other", 2),
        ])
    func same(first: String, second: String, visitors: Int) throws {
        var house = try CountingHouse()
        try house.receive("f1 u=/&\(first)&s=demo")
        try house.receive("f1 u=/&\(second)&s=demo")
        #expect(house.engine.trackedVisitors == visitors && house[.views] == 2)
    }

    @Test("a beacon without a visitor is a view and no visitor")
    func nobody() throws {
        var house = try CountingHouse()
        try house.receive("f1 s=demo&u=/&a=Mozilla/5.0")
        try house.receive("f1 s=demo&u=/")
        let report = try #require(house.engine.report().site("demo"))
        #expect(report.today.views == 2 && report.today.visits == 0 && report.today.visitors == 0 && report.online == 0)
    }

    @Test("an agent is cut at 512 bytes, before a broken character, and that is counted")
    func agentLimit() throws {
        let agent = String(repeating: "u", count: 511)
        for (a, b, visitors, cut) in [
            ("\(agent)x", "\(agent)xy", 1, 1), ("\(agent)x", "\(agent)y", 2, 0), ("\(agent)xx", "\(agent)xy", 1, 2),
            (agent, "\(agent)é", 1, 1), (agent, "\(agent)%C3%A9", 1, 1), ("\(agent)%78", "\(agent)x", 1, 0),
        ] as [(String, String, Int, UInt64)] {
            var house = try CountingHouse()
            try house.receive("f1 s=demo&i=10.0.0.1&u=/&a=\(a)")
            try house.receive("f1 s=demo&i=10.0.0.1&u=/&a=\(b)")
            #expect(house.engine.trackedVisitors == visitors && house[.cutFields] == cut)
        }
    }

    @Test("a key depends on salt, site, address and agent, and on nothing else")
    func keys() {
        let address = NetworkAddress.v4(0x0a00_0001)
        let hasher = self.hasher(salt: 1, site: "demo")
        let key = hasher.key(address, agent: bytes("A").span)
        #expect(self.hasher(salt: 1, site: "demo").key(address, agent: bytes("A").span) == key)
        #expect(self.hasher(salt: 2, site: "demo").key(address, agent: bytes("A").span) != key)
        #expect(self.hasher(salt: 1, site: "demo2").key(address, agent: bytes("A").span) != key)
        #expect(hasher.key(.v4(0x0a00_0002), agent: bytes("A").span) != key)
        #expect(hasher.key(address, agent: bytes("B").span) != key && key != 0)
        #expect(hasher.key(NetworkAddress(v6: 0, 0xffff_0a00_0001), agent: bytes("A").span) == key)
        let v6 = hasher.key(.v6(0x2001_0db8_0000_0000, 1), agent: bytes("").span)
        #expect(hasher.key(.v6(0x2001_0db8_0000_0000, .max), agent: bytes("").span) == v6)
        #expect(hasher.key(.v6(0x2001_0db8_0000_0001, 1), agent: bytes("").span) != v6)
        // All of the salt matters: one bit is changed in each of its four words.
        let salts = (0..<4).map { self.hasher(words: $0) } + [self.hasher(words: nil)]
        #expect(Set(salts.map { $0.key(address, agent: bytes("A").span) }).count == 5)
    }

    @Test("no two visitors give the same bytes, wherever one field ends and the next begins")
    func concatenation() {
        var keys: Set<UInt64> = []
        var count = 0
        func insert(_ key: UInt64) {
            keys.insert(key)
            count += 1
        }
        let zero = [UInt8](repeating: 0, count: 3)
        for site in ["a", "aa", "aaa"] {
            let hasher = self.hasher(salt: 1, site: site)
            for agent in ["", "a", "aa", "aaa"] { insert(hasher.key(.v4(0x6161_6161), agent: bytes(agent).span)) }
            for agent in ["", "a", "aa", "aaa"] {
                insert(hasher.key(.v6(0x6161_6161_0000_0000, 0), agent: bytes(agent).span))
            }
            for id in [
                [], zero, bytes("aaaa"), bytes("aaaa") + [0, 0], [4, 0] + bytes("aaaa"),
                [4, 0] + bytes("aaaa") + [0, 0],
            ] {
                insert(hasher.key(id: id.span))
            }
            for id in [[0xff, 0xff], [0xff, 0xff, 0, 0], [8, 0] + bytes("aaaa") + [0, 0, 0, 0, 0, 0]] as [[UInt8]] {
                insert(hasher.key(id: id.span))
            }
        }
        #expect(keys.count == count)
    }

    @Test(
        "around midnight a visitor stays one visitor, with one visit, for half an hour",
        arguments: [(0, 1), (1, 1), (1799, 1), (1800, 2), (3600, 2)])
    func midnight(secondsAfter: Int64, visits: Int64) throws {
        for beacon in ["i=10.0.0.1&a=A", "v=x"] {
            var house = try CountingHouse()
            let midnight = CountingHouse.day(20_781).begins
            house.moment = midnight + -1000
            try house.receive("f1 s=demo&u=/a&\(beacon)")
            var random = SplitMix(seed: 99)
            let salt = Salt(number: 2, using: &random)
            house.admission.sites.rollOver([(SiteIndex(0), CountingHouse.day(20_781), salt)])
            house.moment = midnight + secondsAfter * 1000
            try house.receive("f1 s=demo&u=/b&\(beacon)")
            let report = try #require(house.engine.report().site("demo"))
            #expect(report.totalVisits == visits && house.engine.online(of: SiteIndex(0), within: 1800) == 1)
        }
    }

    @Test("a visitor who is here when version 0.1 is replaced stays one visitor, at noon and over the next midnight")
    func upgrade() throws {
        let stored = (0..<32).map { UInt8(truncatingIfNeeded: $0 &* 37) }
        let agent = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
        for (beacon, text) in [
            ("i=10.0.0.1&a=\(agent)", [4, 0, 10, 0, 0, 1, 70, 0] + bytes(agent)),
            ("i=2001:db8::1", [8, 0, 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0]),
            ("v=x", [0xff, 0xff, 1, 0] + bytes("x")),
        ] {
            // What version 0.1 wrote into its journal.
            let span = stored.span
            var hash = StrongHash(span.word(at: 0), span.word(at: 8))
            let hashed = Array(stored[16...]) + [4, 0] + bytes("demo") + text
            hash.combine(hashed.span)
            let key = hash.finalize()
            var house = try CountingHouse(salt: Salt(number: 1, bytes: stored))
            house.moment = CountingHouse.day(20_780).begins + 43_200_000
            var frame = Frame()
            let path = bytes("/a")
            frame.append(
                Hit(
                    site: SiteIndex(0), moment: house.moment, kind: .view, source: .beacon, isBot: false, visitor: key,
                    previousVisitorKey: 0, path: path.span, origin: .direct, referrer: Span()))
            frame.append(.counter(.records, 1))
            try house.engine.apply(frame.span)
            // At noon, and the same person from midnight on, with a salt of today.
            try house.receive("f1 s=demo&u=/b&\(beacon)")
            #expect(house.engine.report().site("demo")?.totalVisits == 1 && house.engine.trackedVisitors == 1)
            house.moment = CountingHouse.day(20_781).begins + -1000
            try house.receive("f1 s=demo&u=/a&\(beacon)")
            var random = SplitMix(seed: 99)
            let salt = Salt(number: 2, using: &random)
            house.admission.sites.rollOver([(SiteIndex(0), CountingHouse.day(20_781), salt)])
            for second in [0, 1799, 3000] {
                house.moment = CountingHouse.day(20_781).begins + Int64(second) * 1000
                try house.receive("f1 s=demo&u=/c&\(beacon)")
                #expect(house.engine.online(of: SiteIndex(0), within: 1800) == 1)
            }
            #expect(house.engine.report().site("demo")?.totalVisits == 2)
        }
    }

    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    private func hasher(salt: UInt64, site: String) -> VisitorHasher {
        var random = SplitMix(seed: salt)
        return VisitorHasher(Salt(number: 1, using: &random), site: bytes(site).span)
    }

    /// A hasher whose salt is zero except for one bit in one of its words.
    private func hasher(words changed: Int?) -> VisitorHasher {
        struct Words: RandomNumberGenerator {
            var words: [UInt64]
            mutating func next() -> UInt64 { words.removeFirst() }
        }
        var words = Words(words: (0..<4).map { $0 == changed ? 1 << 63 : 0 })
        return VisitorHasher(Salt(number: 1, using: &words), site: bytes("demo").span)
    }
}

/// Aumasson and Bernstein, "SipHash: a fast short-input PRF", appendix A, and the vectors of its reference code.
@Suite("SipHash-2-4")
struct SipHashTests {
    /// The hashes of the inputs 00, 00 01, …: by length, with the key 00 01 … 0f.
    static let vectors: [UInt64] = [
        0x726f_db47_dd0e_0e31, 0x74f8_39c5_93dc_67fd, 0x0d6c_8009_d9a9_4f5a, 0x8567_6696_d7fb_7e2d,
        0xcf27_94e0_2771_87b7,
        0x1876_5564_cd99_a68d, 0xcbc9_466e_58fe_e3ce, 0xab02_00f5_8b01_d137, 0x93f5_f579_9a93_2462,
        0x9e00_82df_0ba9_e4b0,
        0x7a5d_bbc5_94dd_b9f3, 0xf4b3_2f46_226b_ada7, 0x751e_8fbc_860e_e5fb, 0x14ea_5627_c084_3d90,
        0xf723_ca90_8e7a_f2ee,
        0xa129_ca61_49be_45e5,
    ]
    private let key = (0x0706_0504_0302_0100 as UInt64, 0x0f0e_0d0c_0b0a_0908 as UInt64)

    @Test("the hashes equal the published ones", arguments: 0..<16)
    func published(length: Int) {
        var hash = StrongHash(key.0, key.1)
        hash.combine((0..<UInt8(length)).map { $0 }.span)
        #expect(hash.finalize() == Self.vectors[length])
    }

    @Test("the size of the pieces does not matter")
    func pieces() {
        var random = SplitMix(seed: 24)
        for length in 0...130 {
            let bytes = random.bytes(length, of: Array(0...255))
            var whole = StrongHash(key.0, key.1)
            whole.combine(bytes.span)
            let expected = whole.finalize()
            for _ in 0..<40 {
                var hash = StrongHash(key.0, key.1)
                var i = 0
                while i < length {
                    let count = min(random.number(0...random.one(of: [3, 8, 40])), length - i)
                    if count <= 8, random.percent(50) {
                        let word = bytes[i..<i + count].reversed().reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
                        hash.combine(word, count: UInt64(count))
                    } else {
                        hash.combine(bytes.span.extracting(i..<i + count))
                    }
                    i += count
                }
                guard hash.finalize() == expected else {
                    Issue.record("\(length) bytes in pieces")
                    return
                }
            }
        }
    }
}
