import Counting
import TestSupport
import Testing

/// Storage compares checksums before all of this. These tests show that bytes which pass the checksums never cause a
/// trap, then or later.
@Suite("Damaged parts of a checkpoint")
struct DamageTests {
    @Test(
        "a part that is cut or altered is refused or read, and after reading, counting continues",
        arguments: [40_001, 40_002, 40_003, 40_006, 40_010] as [UInt64])
    func damage(seed: UInt64) throws {
        let parts = try Parts(seed: seed)
        var random = SplitMix(seed: seed)
        var survivors = 0
        for place in parts.places {
            let bytes = parts[place]
            for length in 0..<bytes.count {
                survivors += try parts.use(Array(bytes[..<length]), at: place) ? 1 : 0
            }
            for _ in 0..<1000 {
                survivors += try parts.use(random.altered(bytes), at: place) ? 1 : 0
            }
        }
        // Otherwise the test has tried nothing.
        #expect(survivors > 500, "\(survivors)")
    }

    @Test("a snapshot that is cut is refused, and one that is altered never traps")
    func snapshot() throws {
        let parts = try Parts(seed: 40_020)
        var engine = try #require(parts.engine(parts[.engine], at: .engine))
        let bytes = engine.snapshot()
        for length in 0..<bytes.count {
            let isRead = parts.isRead(Array(bytes[..<length]))
            #expect(!isRead, "\(length) bytes")
        }
        var random = SplitMix(seed: 4)
        for _ in 0..<1000 { _ = parts.isRead(random.altered(bytes)) }
    }

    @Test("an altered frame is refused or applied, and never traps")
    func frames() throws {
        var applied = 0
        for seed in 41_001...41_040 as ClosedRange<UInt64> {
            var stream = Stream(seed: seed)
            let start = stream.now
            let frames = (1...40).map { _ in Frame(stream.nextFrame()).bytes }
            for _ in 0..<60 {
                var engine = Engine(limits: stream.limits, at: start)
                for frame in frames {
                    let bytes = stream.random.percent(10) ? stream.random.altered(frame) : frame
                    do throws(MalformedBytes) {
                        try engine.apply(bytes.span)
                        applied += 1
                    } catch {
                        continue
                    }
                }
                _ = engine.report()
                _ = engine.capture()
            }
        }
        #expect(applied > 50_000, "\(applied)")
    }

    @Test(
        "a sketch that no visitors could have filled gives a great number and no trap", arguments: [51, 50, 0])
    func sketch(rank: UInt8) throws {
        var engine = Engine()
        var frame = Frame()
        let rollover = DayRollover(day: LocalDay(number: 0), begins: .epoch, salt: 1)
        frame.append(.site(SiteIndex(0), SiteSettings(name: "portal"), rollover, at: .epoch))
        var random = SplitMix(seed: 7)
        for _ in 1...2000 {
            frame.append(.hit(.view(of: 0, by: 0, at: .epoch), key: random.next() | 1, former: 0))
        }
        try engine.apply(frame.span)
        let capture = engine.capture()
        var site = capture.siteBytes(SiteIndex(0))
        // The mark of a dense sketch, and the length of the registers.
        let mark: [UInt8] = [1, 0x80, 0x80, 1]
        let begin = try #require(site.indices.first { site[$0...].starts(with: mark) }) + mark.count
        for i in begin..<begin + 16_384 { site[i] = rank }
        var restored = try Engine(
            restoring: capture.engineBytes(), sites: [site], chunks: [], limits: Limits(), seed: HashSeed(1, 1))
        let visitors = restored.report().sites[0].today.visitors
        #expect(rank == 0 ? visitors == 0 : visitors > 1 << 30)
        let bytes = restored.snapshot()
        let again = try Engine(restoring: bytes.span, limits: Limits(), seed: HashSeed(1, 1))
        #expect(again.siteCount == 1)
    }

    @Test("a visitor in the wrong chunk, out of order, twice or from too long ago is refused")
    func visitors() throws {
        let parts = try Parts(seed: 40_002)
        let now: UInt64 = parts.second & 4095
        let slot = { (key: UInt64, ago: UInt64) in key << 13 | ((now &- ago) & 4095) << 1 }
        let first: UInt64 = 3 << 45, second: UInt64 = first + 1, last: UInt64 = (4 << 45) - 1
        let isRead = { (slots: [UInt64]) in
            let bytes = slots.flatMap { slot in (0..<8).map { UInt8(truncatingIfNeeded: slot >> ($0 * 8)) } }
            return parts.engine(bytes, at: .chunk(4)) != nil
        }
        #expect(isRead([slot(first, 0), slot(second, 1800), slot(last, 7)]))
        #expect(!isRead([slot(first, 1801)]))
        #expect(!isRead([slot(second, 0), slot(first, 0)]))
        #expect(!isRead([slot(first, 0), slot(first, 1)]))
        #expect(!isRead([slot(last + 1, 0)]))
        #expect(!isRead([slot(first - 1, 0)]))
    }
}

/// One of the parts of an engine.
private enum Place: Hashable {
    case engine
    case site(Int)
    case chunk(Int)
}

/// The parts of an engine. Each can be replaced.
private struct Parts {
    private let engineBytes: [UInt8]
    private let sites: [[UInt8]]
    private let chunks: [[UInt8]]
    private let limits: Limits
    /// What happens after the capture.
    private let later: [[UInt8]]
    let second: UInt64

    init(seed: UInt64) throws {
        var stream = Stream(seed: seed)
        var engine = Engine(limits: stream.limits, at: stream.now)
        // Until there are visitors.
        for _ in 0..<60 { try engine.apply(Frame(stream.nextFrame()).span) }
        while engine.trackedVisitors == 0 { try engine.apply(Frame(stream.nextFrame()).span) }
        let capture = engine.capture()
        engineBytes = capture.engineBytes()
        sites = (0..<capture.siteCount).map { capture.siteBytes(SiteIndex($0)) }
        chunks = (0..<Capture.chunkCount).map(capture.chunk)
        limits = stream.limits
        second = UInt64(capture.moment.second)
        later = (0..<15).map { _ in Frame(stream.nextFrame()).bytes }
    }

    /// The parts that are not empty.
    var places: [Place] {
        let filled = chunks.indices.filter { !chunks[$0].isEmpty }.prefix(4)
        return [.engine] + sites.indices.map(Place.site) + filled.map(Place.chunk)
    }

    subscript(place: Place) -> [UInt8] {
        switch place {
        case .engine: engineBytes
        case .site(let i): sites[i]
        case .chunk(let i): chunks[i]
        }
    }

    /// The engine of these parts with one of them replaced; nil if it is refused.
    func engine(_ bytes: [UInt8], at place: Place) -> Engine? {
        var (engineBytes, sites, chunks) = (engineBytes, sites, chunks)
        switch place {
        case .engine: engineBytes = bytes
        case .site(let i): sites[i] = bytes
        case .chunk(let i): chunks[i] = bytes
        }
        do throws(MalformedBytes) {
            return try Engine(
                restoring: engineBytes, sites: sites, chunks: chunks, limits: limits, seed: HashSeed(1, 1))
        } catch {
            return nil
        }
    }

    /// True if a snapshot can be read.
    func isRead(_ snapshot: [UInt8]) -> Bool {
        do throws(MalformedBytes) {
            _ = try Engine(restoring: snapshot.span, limits: limits, seed: HashSeed(1, 1))
            return true
        } catch {
            return false
        }
    }

    /// Restores with one part replaced, and then uses every function of the engine. False if it is refused.
    func use(_ bytes: [UInt8], at place: Place) throws -> Bool {
        guard var engine = engine(bytes, at: place) else { return false }
        _ = engine.report()
        for frame in later {
            do throws(MalformedBytes) { try engine.apply(frame.span) } catch { continue }
        }
        for i in 0..<engine.siteCount {
            let site = SiteIndex(i)
            _ = engine.topPages(of: site, rows: 5)
            _ = engine.topReferrers(of: site, rows: 5)
            _ = engine.online(of: site, within: 1800)
            var frame = Frame()
            let (rollover, settings) = (engine.rollover(of: site), engine.settings(of: site))
            frame.append(
                .correction(site, rollover.day, visits: 1, views: -1, AuditNote(by: "", note: "", at: engine.now)))
            // The day ends, then its month; then its settings change.
            for days in [1, 40] as [Int32] where rollover.day.number < 2_000_000 {
                let next = DayRollover(day: LocalDay(number: rollover.day.number + days), begins: engine.now, salt: 9)
                frame.append(.rollover(site, next))
            }
            var other = settings
            other.onlineWindowSeconds = 1800
            frame.append(.site(site, other, rollover, at: engine.now + 1))
            try engine.apply(frame.span)
        }
        engine.advance(to: engine.now + 3_600_000)
        _ = engine.report()
        let capture = engine.capture()
        for i in 0..<capture.siteCount { _ = capture.siteBytes(SiteIndex(i)) }
        _ = engine.snapshot()
        return true
    }
}

extension SplitMix {
    /// The bytes with one of them changed, or a very large number in its place.
    fileprivate mutating func altered(_ bytes: [UInt8]) -> [UInt8] {
        guard !bytes.isEmpty else { return [UInt8(truncatingIfNeeded: next())] }
        var altered = bytes
        let place = Int(next() % UInt64(bytes.count))
        switch number(0...9) {
        case 0...4: altered[place] = UInt8(truncatingIfNeeded: next())
        case 5, 6: altered.replaceSubrange(place...place, with: Array(repeating: 0xff, count: 8) + [0x07])
        case 7: altered.replaceSubrange(place...place, with: Array(repeating: 0x80, count: 8) + [0x10])
        case 8: altered.replaceSubrange(place...place, with: [0xff, 0xff, 0xff, 0xff, 0x0f])
        default: altered.remove(at: place)
        }
        return altered
    }
}
