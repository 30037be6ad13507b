import Counting
import Testing

/// Records as former versions wrote them are read for ever.
@Suite("Former records")
struct FormerRecordsTests {
    /// Frames that version 0.1.0 wrote, each with the hit of today that means the same.
    @Test("a hit of version 0.1 counts like one of today")
    func packedHit() throws {
        let path = Array("/tin-tuc".utf8)
        let host = Array("a.example".utf8)
        let key: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8]
        let moment: [UInt8] = [0xf0, 0x93, 0x09]  // 150,000 in LEB128
        let former: [[UInt8]] = [
            // A view of a visitor from another host, read from a log.
            [1, 0b1001_1000, 0] + moment + key + [8] + path + [9] + host,
            // The same visitor a moment later, half an hour after midnight, with a previous key.
            [1, 0b0011_0000, 0] + moment + key.reversed() + key + [8] + path,
            // A ping, and a bot.
            [1, 0b0001_0001, 0] + moment + key,
            [1, 0b0000_0010, 0] + moment,
        ]
        let visitor: UInt64 = 0x0807_0605_0403_0201
        var today = Frame()
        let at = Moment(milliseconds: 150_000)
        func hit(
            _ kind: Hit.Kind, _ source: HitSource, _ visitor: UInt64, former: UInt64 = 0, origin: Hit.Origin = .direct
        ) {
            today.append(
                Hit(
                    site: SiteIndex(0), moment: at, kind: kind, source: source, isBot: false, visitor: visitor,
                    previousVisitorKey: former, path: path.span, origin: origin, referrer: host.span))
        }
        hit(.view, .log, visitor, origin: .host)
        hit(.view, .beacon, visitor.byteSwapped, former: visitor)
        hit(.ping, .beacon, visitor)
        today.append(Hit(bot: .view, at: at, of: SiteIndex(0), from: .beacon))
        #expect(today.hits == 4)

        var (a, b) = (try engine(), try engine())
        for record in former { try a.apply(record.span) }
        try b.apply(today.span)
        #expect(a.snapshot() == b.snapshot())
        #expect(a.counters[.views] == 2 && a.counters[.pings] == 1 && a.counters[.bots] == 1)
        #expect(a.report().site("portal")?.countedVisits == 1)
    }

    @Test("a hit with a part that this version does not know is malformed")
    func unknownParts() throws {
        var frame = Frame()
        let path = Array("/".utf8)
        frame.append(
            Hit(
                site: SiteIndex(0), moment: Moment(milliseconds: 150_000), kind: .view, source: .beacon, isBot: false,
                visitor: 7, previousVisitorKey: 0, path: path.span, origin: .direct, referrer: Span()))
        let good = frame.bytes
        var engine = try engine()
        try engine.apply(good.span)
        // Flags 6 and 7, a source and an origin that do not exist, the byte for later, a further word.
        for (place, bits) in [(1, 0x40), (1, 0x80), (1, 0x0c), (1, 0x30), (14, 1), (15, 2), (15, 1)] as [(Int, UInt8)] {
            var bytes = good
            bytes[place] |= bits
            #expect(throws: MalformedBytes.self) { try engine.apply(bytes.span) }
        }
        #expect(engine.counters[.views] == 1)
    }

    private func engine() throws -> Engine {
        var engine = Engine(at: Moment(milliseconds: 100_000))
        var frame = Frame()
        let rollover = DayRollover(day: LocalDay(number: 0), begins: .epoch, salt: 1)
        frame.append(.site(SiteIndex(0), SiteSettings(name: "portal"), rollover, at: .epoch))
        try engine.apply(frame.span)
        return engine
    }
}
