import Counting
import TestSupport
import Testing

/// What storage holds of captures. A site's bytes are written again only when the capture says that it changed.
struct Shelf {
    var engine: [UInt8] = []
    var sites: [SiteIndex: [UInt8]] = [:]
    var chunks: [[UInt8]] = []
    var rows: [HistoryRow] = []

    mutating func keep(_ capture: Capture) {
        engine = capture.engineBytes()
        for site in capture.changedSites { sites[site] = capture.siteBytes(site) }
        chunks = (0..<Capture.chunkCount).map(capture.chunk)
        rows += capture.rows
    }

    func restored(limits: Limits, seed: HashSeed) throws -> Engine {
        let inOrder = try (0..<sites.count).map { try #require(sites[SiteIndex($0)]) }
        return try Engine(restoring: engine, sites: inOrder, chunks: chunks, limits: limits, seed: seed)
    }
}

/// All bytes that a capture can write.
private func allBytes(_ capture: Capture) -> [[UInt8]] {
    let sites = (0..<capture.siteCount).map { capture.siteBytes(SiteIndex($0)) }
    return [capture.engineBytes()] + sites + (0..<Capture.chunkCount).map(capture.chunk)
}

@Suite("Captures for a checkpoint")
struct CaptureTests {
    @Test("an engine restored from its captures equals one that never stopped, history rows included")
    func fallAndRestore() throws {
        for seed in 30_001...31_600 as ClosedRange<UInt64> { try fallAndRestore(seed: seed) }
    }

    private func fallAndRestore(seed: UInt64) throws {
        var stream = Stream(seed: seed)
        var plain = Engine(limits: stream.limits, seed: HashSeed(seed, 1), at: stream.now)
        var engine = Engine(limits: stream.limits, seed: HashSeed(seed, 2), at: stream.now)
        var shelf = Shelf()
        shelf.keep(engine.capture())
        /// Records since the last capture, or time that passed.
        var journal: [(frame: Frame, pause: Moment?)] = []
        var frozen: (capture: Capture, bytes: [[UInt8]])?
        for step in 1...60 {
            let place = "seed \(seed), step \(step)"
            let entry = (frame: Frame(stream.nextFrame()), pause: stream.random.percent(30) ? stream.pause() : nil)
            journal.append(entry)
            try plain.apply(entry)
            try engine.apply(entry)
            // A query advances sites, and may close rows.
            if stream.random.percent(30) { _ = engine.report() }
            if stream.random.percent(10) { _ = engine.online(of: SiteIndex(0), within: 300) }

            if stream.random.percent(20) || step == 60 {
                if let frozen { try expect(allBytes(frozen.capture) == frozen.bytes, "\(place): frozen") }
                let capture = engine.capture()
                try expect(capture.moment == engine.now && capture.siteCount == engine.siteCount, place)
                try expect(capture.changedSites == capture.changedSites.sorted(), place)
                shelf.keep(capture)
                journal = []
                frozen = (capture, allBytes(capture))

                // Nothing is left behind, and nothing comes twice.
                var (settled, again) = (engine, engine)
                try expect(settled.takeClosedRows().isEmpty, "\(place): a row was left behind")
                let second = again.capture()
                try expect(second.rows.isEmpty && second.changedSites.isEmpty, "\(place): a second capture")
                var restored = try shelf.restored(limits: stream.limits, seed: HashSeed(seed, 3))
                try expect(restored.takeClosedRows().isEmpty, "\(place): a restored row")
                try expect(restored.snapshot() == settled.snapshot(), "\(place): the captures")
            }
            if stream.random.percent(10) {
                engine = try shelf.restored(limits: stream.limits, seed: HashSeed(seed, UInt64(step)))
                for entry in journal { try engine.apply(entry) }
                var (one, other) = (engine, plain)
                try expect(one.snapshot() == other.snapshot(), "\(place): after the restore")
            }
        }
        try expect(engine.snapshot() == plain.snapshot(), "seed \(seed): at the end")
        let rows = plain.takeClosedRows()
        for site in [nil] + (0..<plain.siteCount).map(Optional.some) {
            try expect(
                compared(shelf.rows, of: site) == compared(rows, of: site),
                "seed \(seed): history of \(site, default: "all")")
        }
    }

    @Test("a capture names the sites in which something happened, and none that only aged")
    func changedSites() throws {
        var engine = Engine()
        var frame = Frame()
        for i in 0..<40 {
            let rollover = DayRollover(day: LocalDay(number: 0), begins: .epoch, salt: 1)
            frame.append(.site(SiteIndex(i), SiteSettings(name: "site\(i)"), rollover, at: .epoch))
        }
        try engine.apply(frame.span)
        var changed = engine.capture().changedSites
        #expect(changed == (0..<40).map(SiteIndex.init))

        frame.removeAll()
        frame.append(.hit(.view(of: 33, by: 7, at: Moment(second: 10)), key: 7 << 40, former: 0))
        frame.append(.rejected(SiteIndex(2), 1))
        try engine.apply(frame.span)
        _ = engine.report()
        changed = engine.capture().changedSites
        #expect(changed == [SiteIndex(2), SiteIndex(33)])

        // Sixteen minutes later, a quarter hour of the first site has ended. The other sites were only looked at.
        engine.advance(to: Moment(second: 960))
        _ = engine.report()
        let capture = engine.capture()
        #expect(capture.changedSites == [SiteIndex(33)] && capture.rows.count == 1)

        engine.advance(to: Moment(second: 1700))
        let nothing = engine.capture()
        #expect(nothing.changedSites.isEmpty && nothing.rows.isEmpty)
    }

    @Test("a quarter hour that comes again after a restart of the clock closes its rows again")
    func quarterComesAgain() throws {
        var engine = Engine()
        var frame = Frame()
        let (site, rollover) = (SiteIndex(0), DayRollover(day: LocalDay(number: 0), begins: .epoch, salt: 1))
        let late = Moment(second: 200 * 900)
        frame.append(.site(site, SiteSettings(name: "portal"), rollover, at: late))
        try engine.apply(frame.span)
        _ = engine.capture()
        frame.removeAll()
        frame.append(.clock(.restart(at: Moment(second: 900))))
        frame.append(.hit(.view(of: 0, by: 7, at: Moment(second: 1000)), key: 7 << 40, former: 0))
        try engine.apply(frame.span)
        engine.advance(to: late)
        let capture = engine.capture()
        #expect(capture.rows.count == 1 && capture.changedSites == [site])
    }

    @Test("a restart of the clock ends the doubt about lost visitors")
    func doubtEnds() throws {
        var engine = Engine()
        var frame = Frame()
        let (site, rollover) = (SiteIndex(0), DayRollover(day: LocalDay(number: 0), begins: .epoch, salt: 1))
        let past = Moment(second: 1000)
        frame.append(.site(site, SiteSettings(name: "portal"), rollover, at: Moment(second: 1_000_000)))
        try engine.apply(frame.span)
        engine.loseVisitors()
        frame.removeAll()
        frame.append(.clock(.restart(at: past)))
        frame.append(.hit(.view(of: 0, by: 0, at: past), key: 7 << 40, former: 0))
        try engine.apply(frame.span)
        let report = engine.report().sites[0]
        #expect(report.totalVisits == 1)
        let bytes = engine.snapshot()
        let restored = try Engine(restoring: bytes.span, limits: Limits(), seed: HashSeed(2, 2))
        #expect(restored.trackedVisitors == 1)
    }

    @Test("a baseline and a correction are stored with who, why, when and the number before")
    func audits() throws {
        var engine = Engine()
        var frame = Frame()
        let (site, day) = (SiteIndex(0), LocalDay(number: 0))
        let rollover = DayRollover(day: day, begins: .epoch, salt: 1)
        let first = AuditNote(by: "anna", note: "số cũ", at: Moment(second: 1))
        let second = AuditNote(by: "minh", note: "", at: Moment(second: 2))
        frame.append(.site(site, SiteSettings(name: "portal"), rollover, at: .epoch))
        frame.append(.baseline(site, visits: 50_000, views: 9, first))
        frame.append(.baseline(site, visits: 60_000, views: -1, second))
        frame.append(.correction(site, day.before, visits: -5, views: 3, second))
        #expect(frame.hits == 0)
        try engine.apply(frame.span)
        let audits = engine.capture().rows.compactMap { if case .audit(let audit) = $0 { audit } else { nil } }
        try #require(audits.count == 3)
        #expect(audits[0].kind == .start && audits[0].day == nil && audits[0].note == first)
        #expect(audits[0].visits == 50_000 && audits[0].formerVisits == 0)
        #expect(audits[1].formerVisits == 50_000 && audits[1].formerViews == 9 && audits[1].views == -1)
        #expect(audits[2].kind == .correction && audits[2].day == day.before && audits[2].note == second)
        #expect(audits[2].visits == -5 && audits[2].views == 3 && audits[2].formerVisits == 0)
    }

    @Test("an audit note is cut at a character", arguments: [(64, 64), (63, 63), (65, 64), (300, 64)])
    func longRemark(bytes: Int, kept: Int) {
        let plain = String(repeating: "x", count: bytes)
        #expect(AuditNote(by: plain, note: "", at: .epoch).by.utf8.count == kept)
        // Four bytes each: the 16th ends at 64.
        let broad = "y" + String(repeating: "🦶", count: bytes / 4)
        let by = AuditNote(by: broad, note: broad, at: .epoch).by
        #expect(by.utf8.count <= 64 && broad.hasPrefix(by) && by.utf8.count % 4 == 1)
    }

    @Test("amounts beyond 2⁵⁰ are malformed, and any number of smaller amounts can be added up")
    func greatAmounts() throws {
        let (site, day) = (SiteIndex(0), LocalDay(number: 3))
        let note = AuditNote(by: "anna", note: "", at: .epoch)
        let rollover = DayRollover(day: day, begins: .epoch, salt: 1)
        var engine = Engine()
        var frame = Frame()
        frame.append(.site(site, SiteSettings(name: "portal"), rollover, at: .epoch))
        try engine.apply(frame.span)
        for amount in [Record.amountMax + 1, -Record.amountMax - 1, .max / 4] as [Int64] {
            for record in [
                Record.baseline(site, visits: amount, views: 0, note), .baseline(site, visits: 0, views: amount, note),
                .correction(site, day, visits: amount, views: 0, note),
                .correction(site, day, visits: 0, views: amount, note),
            ] {
                var frame = Frame()
                frame.append(record)
                #expect(throws: MalformedBytes.self) { try engine.apply(frame.span) }
            }
        }
        for sign in [1, -1] as [Int64] {
            frame.removeAll()
            for back in 0..<5000 as Range<Int32> {
                let amount = sign * Record.amountMax
                let day = LocalDay(number: day.number - back % 3)
                frame.append(.correction(site, day, visits: amount, views: amount, note))
                frame.append(.baseline(site, visits: amount, views: -amount, note))
                frame.append(.rejected(site, 1 << 60))
                frame.append(.counter(.datagrams, 1 << 60))
            }
            frame.append(.rollover(site, DayRollover(day: LocalDay(number: day.number + 1), begins: .epoch, salt: 2)))
            frame.append(.rollover(site, rollover))
            try engine.apply(frame.span)
            let report = engine.report().sites[0]
            #expect(report.totalVisits.signum() == sign)
            let bytes = engine.snapshot()
            var restored = try Engine(restoring: bytes.span, limits: Limits(), seed: HashSeed(1, 1))
            let again = restored.snapshot()
            #expect(again == bytes)
        }
    }

    @Test("a frame knows how many hits it has, and the counters how many were applied")
    func hits() throws {
        var stream = Stream(seed: 9)
        var engine = Engine(limits: stream.limits, at: stream.now)
        var hits = 0
        var frame = Frame()
        for _ in 1...100 {
            let events = stream.nextFrame()
            frame.removeAll()
            for event in events { frame.append(event) }
            let expected = events.count { if case .hit = $0 { true } else { false } }
            #expect(frame.hits == expected)
            hits += expected
            try engine.apply(frame.span)
            #expect(engine.counters.counted == UInt64(hits))
        }
        #expect(hits > 50)
    }
}

extension Engine {
    fileprivate mutating func apply(_ entry: (frame: Frame, pause: Moment?)) throws {
        try apply(entry.frame.span)
        if let pause = entry.pause { advance(to: pause) }
    }
}
