import Counting
import Storage
import TestSupport
import Testing

/// The tables' numbers of closed days.
@Suite("Replay into history")
struct HistoryTests {
    private static let day: Int64 = 86_400_000
    /// 2026-11-23T00:00:00Z.
    private static let midnight: Int64 = 1_795_392_000_000

    private func rollover(_ day: Int64, salt: UInt32 = 1) -> DayRollover {
        let begins = Moment(milliseconds: Self.midnight + day * Self.day)
        return DayRollover(day: LocalDay(number: Int32(begins.second / 86_400)), begins: begins, salt: salt)
    }

    private func hit(_ moment: Int64, page: Int, host: Int?, visitor: UInt64 = 0) -> Frame {
        var frame = Frame()
        let path = Array("/\(page)".utf8)
        let name = host.map { Array("host\($0).example".utf8) } ?? []
        frame.append(
            Hit(
                site: SiteIndex(0), moment: Moment(milliseconds: moment), kind: .view, source: .beacon, isBot: false,
                visitor: visitor, previousVisitorKey: 0, path: path.span, origin: host == nil ? .direct : .host,
                referrer: name.span))
        return frame
    }

    private func frame(_ records: Record...) -> Frame {
        var frame = Frame()
        for record in records { frame.append(record) }
        return frame
    }

    @Test("a day that was closed twice has all its views, and so do its rankings", arguments: [40, 150, 2500])
    func twice(pages: Int) throws {
        let folder = try Folder()
        let life = try Life(in: folder.path, now: Moment(milliseconds: Self.midnight))
        let settings = SiteSettings(name: "demo")
        try life.append(frame(.site(SiteIndex(0), settings, rollover(0), at: Moment(milliseconds: Self.midnight))))
        var random = SplitMix(seed: UInt64(pages))
        var total = 0
        for closing in 0..<2 {
            for _ in 0..<pages * 2 {
                let host = random.percent(30) ? nil : random.number(0...700)
                let moment = Self.midnight + Int64(closing) * 3_600_000 + Int64(total)
                try life.append(hit(moment, page: random.number(0...pages), host: host))
                total += 1
            }
            try life.append(frame(.rollover(SiteIndex(0), rollover(1))))
            if closing == 0 {
                #expect(life.checkpoint() == nil)
                let restart = Moment(milliseconds: Self.midnight + 3_600_000)
                try life.append(frame(.clock(.restart(at: restart)), .rollover(SiteIndex(0), rollover(0))))
            }
        }
        // Day 1 had no length and was closed when the clock went back.
        let left = try life.end()
        let path = left.path + "/footfall.db"
        let day = String(rollover(0).day.number)
        #expect(try rows(path, "SELECT views, exact FROM day WHERE day = \(day)") == [[String(total), "0"]])
        for kind in 0...1 {
            let sum = try rows(path, "SELECT sum(views) FROM ranking WHERE day = \(day) AND kind = \(kind)")
            #expect(sum == [[String(total)]], "kind \(kind)")
            let places = try rows(
                path, "SELECT views FROM ranking WHERE day = \(day) AND kind = \(kind) AND place >= 0 ORDER BY place"
            )
            .compactMap { Int($0[0]) }
            #expect(places.count <= 100 && places == places.sorted(by: >), "kind \(kind)")
        }
        let approximate = try rows(path, "SELECT entries FROM ranking WHERE day = \(day) AND kind = 0 AND place = -1")
        if pages == 2500 { #expect(approximate == [["1"]]) }
        if pages == 40 { #expect(approximate == []) }
        #expect(try History(database: path).views == Int64(total))
    }

    @Test("the views of each stored day are the sum of its pages and of its referrers", arguments: seeds(3))
    func sums(seed: UInt64) throws {
        var traffic = Traffic(seed: seed + 600)
        let folder = try Folder()
        let life = try Life(in: folder.path, limits: traffic.limits, now: Moment(milliseconds: traffic.now))
        for step in 1...400 {
            try life.append(traffic.nextFrame())
            if step % 37 == 0 { #expect(life.checkpoint() == nil) }
        }
        let path = try life.end()
        let days = try rows(
            path.path + "/footfall.db",
            """
            SELECT day.site, day.day, views,
                (SELECT coalesce(sum(views), 0) FROM ranking r WHERE r.site = day.site AND r.day = day.day AND kind = 0),
                (SELECT coalesce(sum(views), 0) FROM ranking r WHERE r.site = day.site AND r.day = day.day AND kind = 1)
            FROM day
            """)
        #expect(!days.isEmpty)
        for day in days { #expect(day[2] == day[3] && day[2] == day[4], "seed \(seed), site and day \(day)") }
    }

    @Test("rankings are stored for 400 days, days for ever")
    func oldRankings() throws {
        let folder = try Folder()
        let life = try Life(in: folder.path, now: Moment(milliseconds: Self.midnight))
        try life.append(
            frame(.site(SiteIndex(0), SiteSettings(name: "demo"), rollover(0), at: Moment(milliseconds: Self.midnight)))
        )
        for day in 0..<450 as Range<Int64> {
            try life.append(hit(Self.midnight + day * Self.day, page: 1, host: 1, visitor: UInt64(day + 1) << 20))
            try life.append(frame(.rollover(SiteIndex(0), rollover(day + 1))))
            if day % 100 == 0 { #expect(life.checkpoint() == nil) }
        }
        let path = try life.end()
        let database = path.path + "/footfall.db"
        let first = Int(rollover(0).day.number)
        #expect(try rows(database, "SELECT count(*), min(day) FROM day") == [["450", String(first)]])
        let kept = try rows(database, "SELECT min(day), max(day), count(DISTINCT day) FROM ranking")
        // Day 449 is the last closed day; day 49 is 400 days before it.
        #expect(kept == [[String(first + 49), String(first + 449), "401"]])
    }

    @Test("a baseline and a correction are audited: from what to what, by whom, why and when")
    func audit() throws {
        let folder = try Folder()
        let life = try Life(in: folder.path, now: Moment(milliseconds: Self.midnight))
        let (site, at) = (SiteIndex(0), Moment(milliseconds: Self.midnight + 5000))
        try life.append(
            frame(.site(site, SiteSettings(name: "demo"), rollover(0), at: Moment(milliseconds: Self.midnight))))
        try life.append(
            frame(.baseline(site, visits: 100, views: 300, AuditNote(by: "minh", note: "old counter", at: at))))
        #expect(life.checkpoint() == nil)
        try life.append(
            frame(.baseline(site, visits: 110, views: 290, AuditNote(by: "anna", note: "typo", at: at + 1))))
        let yesterday = rollover(-1).day
        try life.append(
            frame(.correction(site, yesterday, visits: -2, views: 7, AuditNote(by: "anna", note: "bots", at: at + 2))))
        let left = try life.end()
        let columns = "at, site, kind, day, former_visits, former_views, visits, views, by, note"
        let audit = try rows(left.path + "/footfall.db", "SELECT \(columns) FROM audit ORDER BY id")
        let milliseconds = at.milliseconds
        #expect(
            audit == [
                ["\(milliseconds)", "0", "start", "-", "0", "0", "100", "300", "minh", "old counter"],
                ["\(milliseconds + 1)", "0", "start", "-", "100", "300", "110", "290", "anna", "typo"],
                ["\(milliseconds + 2)", "0", "correction", "\(yesterday.number)", "0", "0", "-2", "7", "anna", "bots"],
            ])
        let recovery = try recover(left)
        var engine = recovery.engine
        let report = engine.report().sites[0]
        #expect(report.totalVisits == 108 && report.totalViews == 297)
    }
}
