import Counting
import History
import Testing
import Zones

/// Series and rankings, put together out of the tables, what waits to be kept, and what runs.
@Suite("Series")
struct SeriesTests {
    /// 2026-11-23T00:00:00Z.
    private static let midnight: Int64 = 1_795_392_000

    private func series(
        _ counted: CountedSite, _ step: SeriesQuery.Step? = nil, from: SeriesQuery.Edge? = nil,
        to: SeriesQuery.Edge? = nil
    ) async throws -> (series: Series, step: SeriesQuery.Step, days: [LocalDay]) {
        let query = SeriesQuery(site: counted.site, timezone: counted.timezone, from: from, to: to, step: step)
        let answer = await counted.history.series(query)
        guard case .series(let series, let step, let days, _) = answer else {
            throw Missing(answer: "\(answer)")
        }
        return (series, step, days)
    }

    private struct Missing: Error { let answer: String }

    @Test("each hit is in every step once: while its quarter hour runs, closed, handed out, and kept")
    func once() async throws {
        let counted = try CountedSite("Asia/Kathmandu", at: Self.midnight)
        var views: Int64 = 0
        func check(_ place: String) async throws {
            for step in SeriesQuery.Step.allCases {
                let found = try await series(counted, step, from: .beginning).series
                #expect(found.views.reduce(0, +) == views && found.visits.reduce(0, +) == views, "\(place), \(step)")
            }
            let day = try await series(counted, .day, from: .beginning).series
            #expect(day.visitors.compactMap { $0 }.reduce(0, +) == views, "\(place)")
        }
        // Over two local midnights, which are at 18:15 by UTC.
        for hour in 0..<44 as Range<Int64> {
            let second = Self.midnight + hour * 3600 + 60
            if [19, 43].contains(hour) { try counted.rollOver(at: second) }
            try counted.view(at: second, visitors: UInt64(views)..<UInt64(views) + 3)
            views += 3
            try await check("counted, hour \(hour)")
            counted.pass(to: second + 1000)
            try await check("closed, hour \(hour)")
            guard hour % 4 == 0 else { continue }
            counted.submit()
            while counted.isBusy { try await check("a checkpoint runs, hour \(hour)") }
            try await check("kept, hour \(hour)")
        }
    }

    @Test("a correction counts in its day, before a checkpoint and after")
    func corrections() async throws {
        let counted = try CountedSite(at: Self.midnight)
        let day = try #require(LocalDay("2026-11-20"))
        let note = AuditNote(by: "anna", note: "an old counter", at: Moment(second: Self.midnight))
        try counted.count(.correction(counted.site, day, visits: 5, views: 7, note))
        for _ in 0..<2 {
            let (found, _, days) = try await series(counted, .day, from: .beginning)
            #expect(days.map(\.description) == ["2026-11-20", "2026-11-21", "2026-11-22", "2026-11-23"])
            #expect(found.visits == [5, 0, 0, 0] && found.views == [7, 0, 0, 0])
            // A day without a daemon and without a correction has no numbers, which is not zero.
            #expect((0..<4).map(found.isKnown) == [true, false, false, true])
            try await counted.keep()
        }
    }

    @Test(
        "a range is cut into the step that suits it",
        arguments: [(2, "15m"), (3, "1h"), (14, "1h"), (15, "1d"), (800, "1d"), (801, "1mo")] as [(Int64, String)])
    func steps(days: Int64, step: String) async throws {
        let counted = try CountedSite(at: Self.midnight)
        let from = Moment(second: Self.midnight - days * 86_400)
        let found = try await series(counted, from: .moment(from), to: .moment(Moment(second: Self.midnight)))
        #expect(found.step.rawValue == step)
    }

    @Test(
        "buckets begin where the zone's own clocks say, without a gap, and hold the whole range",
        arguments: ["UTC", "Asia/Kathmandu", "Australia/Lord_Howe", "Europe/Paris", "America/St_Johns", "Pacific/Apia"])
    func bounds(timezone: String) async throws {
        let zone = try #require(Zone(named: timezone))
        let counted = try CountedSite(timezone, at: Self.midnight)
        var random = SplitMix(seed: 11)
        for _ in 0..<30 {
            let begin = Int64.random(in: 1_300_000_000...1_795_000_000, using: &random)
            for step in SeriesQuery.Step.allCases {
                let length = Int64.random(in: 1...(step == .month ? 90_000_000 : 3_000_000), using: &random)
                let end = begin + length
                let (found, _, days) = try await series(
                    counted, step, from: .moment(Moment(second: begin)), to: .moment(Moment(second: end)))
                let bounds = found.bounds
                #expect(bounds[0] <= begin && bounds[bounds.count - 1] >= end, "\(timezone), \(begin), \(step)")
                #expect(bounds.count < 3 || bounds[1] > begin && bounds[bounds.count - 2] < end)
                func month(at second: Int64) -> Int32 { LocalDay(number: zone.day(at: second).number).month }
                let wrong = zip(bounds, bounds.dropFirst()).filter { first, next in
                    let day = zone.day(at: first)
                    return switch step {
                    case .quarter: first % 900 != 0 || next != first + 900
                    // Where the clocks change by half an hour, what is cut there does not begin or end with an hour.
                    case .hour:
                        next - first != 3600
                            && (next - first != 1800 || zone.hour(at: first) == first && zone.hour(at: next) == next)
                    case .day: day.begins != first || day.ends != next
                    case .month:
                        day.begins != first || month(at: next - 1) != month(at: first)
                            || month(at: next) == month(at: first)
                    }
                }
                #expect(wrong.isEmpty, "\(timezone), \(begin), \(length), \(step)")
                #expect(days.count == (step == .day ? found.count : 0))
            }
        }
    }

    @Test("days that are named are local ones, the last of them whole")
    func namedDays() async throws {
        let counted = try CountedSite("Asia/Ho_Chi_Minh", at: Self.midnight)
        let (first, last) = (try #require(LocalDay("2026-11-01")), try #require(LocalDay("2026-11-03")))
        let found = try await series(counted, .day, from: .day(first), to: .day(last))
        #expect(found.days.map(\.description) == ["2026-11-01", "2026-11-02", "2026-11-03"])
        #expect(found.series.bounds.first == Int64(first.number) * 86_400 - 7 * 3600)
    }

    @Test("what cannot be given is said: no time, too much, and where nobody counts any more")
    func refused() async throws {
        let counted = try CountedSite(at: Self.midnight)
        func ask(from: Int64, to: Int64, _ step: SeriesQuery.Step? = nil) async -> SeriesAnswer {
            await counted.history.series(
                SeriesQuery(
                    site: counted.site, timezone: "UTC", from: .moment(Moment(second: from)),
                    to: .moment(Moment(second: to)), step: step))
        }
        let end = Self.midnight
        guard case .empty = await ask(from: end, to: end) else { return #expect(Bool(false), "no time") }
        let most = Int64(Series.countMax - 2) * 900
        guard case .series = await ask(from: end - most, to: end, .quarter) else {
            return #expect(Bool(false), "as much as there may be")
        }
        guard case .tooLong = await ask(from: end - most - 900, to: end, .quarter) else {
            return #expect(Bool(false), "too much")
        }
        counted.end()
        guard case .unavailable = await ask(from: end - 900, to: end) else {
            return #expect(Bool(false), "nobody counts")
        }
        #expect(await counted.history.rankings(counted.site, LocalDay(number: 20_780)) == nil)
    }

    @Test("rankings are of the running day, of one that has just ended, and of one that is kept")
    func rankings() async throws {
        let counted = try CountedSite(at: Self.midnight)
        let day = LocalDay(number: Int32(Self.midnight / 86_400))
        try counted.view("/a", at: Self.midnight + 1, visitors: 0..<2)
        try counted.view("/b", at: Self.midnight + 2, visitors: 0..<1)
        func check(_ place: String) async throws {
            let top = try #require(await counted.history.rankings(counted.site, day))
            #expect(top.pages.rows.map(\.views) == [2, 1] && top.pages.rows.map(\.entries) == [2, 0], "\(place)")
            #expect(top.referrers.rows.map { String(decoding: $0.key, as: UTF8.self) } == ["(direct)"], "\(place)")
            let before = try #require(await counted.history.rankings(counted.site, day.before))
            #expect(before.pages.rows == [] && before.referrers.rows == [], "\(place)")
        }
        try await check("running")
        try counted.rollOver(at: Self.midnight + 86_400)
        try await check("ended")
        counted.submit()
        try await check("handed out")
        while counted.isBusy { try await check("being kept") }
        try await check("kept")
    }
}
