import Counting
import TestSupport
import Testing

/// Views that are remembered to recognise duplicates: exact for any number of visitors and pages up to the limit.
@Suite("Recent views")
struct RecentViewsTests {
    @Test("a hundred thousand different views in a second are all counted, and each of them again is a duplicate")
    func many() throws {
        var engine = try engine()
        var random = SplitMix(seed: 1)
        let views = (0..<100_000).map { _ in (visitor: random.next() | 1, page: UInt64(random.below(50))) }
        for repetition in 0..<2 {
            for (i, view) in views.enumerated() {
                try engine.count(view.visitor, view.page, at: 10_000 + i / 200 + 499 * repetition)
            }
        }
        // By chance a visitor may have been drawn twice, but no pair of 100,000 is likely to be alike in 64 bits.
        #expect(engine.counters[.views] == 100_000 && engine.counters[.duplicates] == 100_000)
        #expect(engine.counters[.recentViewsForgotten] == 0)
    }

    @Test("so are ten thousand pages of one visitor")
    func onePerson() throws {
        var engine = try engine()
        for repetition in 0..<2 {
            for page in 0..<10_000 { try engine.count(77, UInt64(page), at: 10_000 + page / 20 + 499 * repetition) }
        }
        #expect(engine.counters[.views] == 10_000 && engine.counters[.duplicates] == 10_000)
    }

    @Test("a view counts again after the window, however often the milliseconds in memory have begun anew")
    func overTime() throws {
        var engine = try engine()
        var now = 10_000
        var random = SplitMix(seed: 2)
        // Others keep the memory busy in between.
        for _ in 0..<40 {
            try engine.count(5, 5, at: now)
            try engine.count(5, 5, at: now + 999)
            for _ in 0..<random.below(2000) { try engine.count(random.next() | 1, 1, at: now + 999) }
            // 32,768 ms later the view would seem new.
            for step in stride(from: 1500, through: 32_768, by: 900) {
                try engine.count(random.next() | 1, 2, at: now + step)
            }
            now += 32_768
        }
        #expect(engine.counters[.duplicates] == 40)
    }

    @Test("so it does with the longest window, when hardly anybody comes")
    func quiet() throws {
        var random = SplitMix(seed: 5)
        for _ in 0..<200 {
            var engine = try engine(windows: [10_000, 1000])
            var now = 10_000 + random.below(20_000)
            var last: [UInt64: Int] = [:]
            for _ in 0..<60 {
                let visitor = UInt64(random.below(40)) &* 0x9e37_79b9_7f4a_7c15 | 1
                let duplicates = engine.counters[.duplicates]
                try engine.count(visitor, 1, at: now, site: 1)
                let isDuplicate = last[visitor].map { now - $0 < 1000 } ?? false
                #expect(engine.counters[.duplicates] - duplicates == (isDuplicate ? 1 : 0))
                if !isDuplicate { last[visitor] = now }
                now += random.below(9_950)
            }
        }
    }

    @Test("a view that is counted again is remembered from then on, whether or not the engine was restored before")
    func again() throws {
        for pages in [1, 8, 30] {
            for isRestored in [false, true] {
                var engine = try engine(windows: [10_000, 1000])
                for page in 0..<pages { try engine.count(3, UInt64(page), at: 20_000, site: 1) }
                if isRestored {
                    engine = try Engine(restoring: engine.snapshot().span, limits: Limits(), seed: HashSeed(8, 9))
                }
                for page in 0..<pages { try engine.count(3, UInt64(page), at: 29_900, site: 1) }
                for page in 0..<pages { try engine.count(3, UInt64(page), at: 30_100, site: 1) }
                #expect(engine.counters[.views] == UInt64(2 * pages) && engine.counters[.duplicates] == UInt64(pages))
            }
        }
    }

    @Test("past the limit the views of the oldest millisecond leave together, and within one the new view")
    func limit() throws {
        var limits = Limits()
        limits.recentViews = 3
        var engine = try engine(limits)
        for page in 0..<3 { try engine.count(9, UInt64(page), at: 10_000 + page / 2) }
        try engine.count(9, 3, at: 10_001)
        #expect(engine.counters[.recentViewsForgotten] == 2)
        // Pages 0 and 1 are forgotten, 2 and 3 are not.
        for page in [2, 3, 0] { try engine.count(9, UInt64(page), at: 10_001) }
        #expect(engine.counters[.duplicates] == 2 && engine.counters[.views] == 5)
        try engine.count(9, 1, at: 10_001)
        #expect(engine.counters[.recentViewsForgotten] == 3)
        try engine.count(9, 1, at: 10_001)
        #expect(engine.counters[.duplicates] == 2 && engine.counters[.views] == 7)
    }

    @Test("a restored engine knows the same views")
    func restored() throws {
        var engine = try engine()
        var random = SplitMix(seed: 3)
        let views = (0..<5000).map { _ in (visitor: random.next() | 1, page: UInt64(random.below(9))) }
        for (i, view) in views.enumerated() { try engine.count(view.visitor, view.page, at: 10_000 + i / 10) }
        var other = try Engine(restoring: engine.snapshot().span, limits: Limits(), seed: HashSeed(8, 9))
        for view in views { try other.count(view.visitor, view.page, at: 10_900) }
        #expect(other.counters[.duplicates] == 5000)
        for view in views { try engine.count(view.visitor, view.page, at: 10_900) }
        // Compared before, so that a failure does not print a hundred thousand bytes.
        let isEqual = engine.snapshot() == other.snapshot()
        #expect(isEqual)
    }

    /// An engine with a site for each window.
    private func engine(_ limits: Limits = Limits(), windows: [Int64] = [1000]) throws -> Engine {
        var engine = Engine(limits: limits, at: Moment(milliseconds: 10_000))
        var frame = Frame()
        let rollover = DayRollover(day: LocalDay(number: 0), begins: .epoch, salt: 1)
        for (i, window) in windows.enumerated() {
            let settings = SiteSettings(name: "portal\(i)", duplicateMilliseconds: window)
            frame.append(.site(SiteIndex(i), settings, rollover, at: .epoch))
        }
        try engine.apply(frame.span)
        return engine
    }
}

extension Engine {
    fileprivate mutating func count(_ visitor: UInt64, _ page: UInt64, at milliseconds: Int, site: Int = 0) throws {
        var frame = Frame()
        let path = Array("/\(page)".utf8)
        frame.append(
            Hit(
                site: SiteIndex(site), moment: Moment(milliseconds: Int64(milliseconds)), kind: .view, source: .beacon,
                isBot: false, visitor: visitor, previousVisitorKey: 0, path: path.span, origin: .direct,
                referrer: Span()))
        try apply(frame.span)
    }
}
