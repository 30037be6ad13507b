import Counting
import Ingest
import Testing
import Wire

@Test("a clock set back an hour loses and doubles nothing, and time runs at half speed until it has caught up")
func stepBack() {
    var desk = Desk(from: "12:00")
    desk.beacon("v=me&u=/", at: "12:00")
    let wall = desk.midnight + Desk.milliseconds("12:10")
    desk.pass(to: "12:10")
    // The wall clock goes back to 11:10, and both clocks continue.
    for minute: Int64 in 0...120 {
        let now = wall - 3_600_000 + minute * 60_000
        desk.setClocks(wall: now, steady: wall + minute * 60_000)
        desk.receive("v=you&u=/\(minute)", stamp: now)
        let expected = wall + minute * 30_000
        #expect(desk.pipeline.now.milliseconds == expected)
    }
    // Two hours later the wall clock shows 13:10 and has caught up.
    desk.setClocks(wall: wall + 3_660_000, steady: wall + 7_260_000)
    desk.pass()
    #expect(desk.pipeline.now.milliseconds == wall + 3_660_000)
    let site = desk.report()
    #expect(site.totalViews == 122 && site.totalVisits == 2)
    #expect(desk.pipeline.engine.counters[.clockStepsBack] == 1)
    #expect(desk.pipeline.engine.counters[.duplicates] == 0)
}

@Test("a datagram that waited during the step back counts as now, not in the future")
func waitedOverStepBack() {
    var desk = Desk(from: "12:00")
    let before = desk.midnight + Desk.milliseconds("12:00:05")
    desk.setClocks(wall: before, steady: before)
    desk.setClocks(wall: before - 60_000, steady: before + 10)
    desk.receive("v=me&u=/", stamp: before)
    #expect(desk.pipeline.now.milliseconds == before + 10)
}

@Test("after a clock was more than a day ahead, time begins again: totals stay, presence and windows are empty")
func badClockAtBoot() {
    var desk = Desk(from: "12:00")
    desk.beacon("v=me&u=/", at: "12:00")
    let wall = desk.midnight + Desk.milliseconds("12:00") - 200 * 86_400_000
    desk.setClocks(wall: wall, steady: desk.midnight + Desk.milliseconds("12:00:01"))
    desk.pass()
    var site = desk.report()
    #expect(desk.pipeline.engine.now.milliseconds == wall)
    #expect(site.online == 0 && site.windows.allSatisfy { $0.views == 0 })
    #expect(site.totalViews == 1 && site.totalVisits == 1)
    desk.receive("v=me&u=/", stamp: wall)
    site = desk.report()
    #expect(site.totalViews == 2 && site.totalVisits == 2 && site.online == 1)
    #expect(site.day == calendar("UTC", Moment(milliseconds: wall)).day && site.today.views == 1)
    #expect(desk.pipeline.engine.counters[.clockRestarts] == 1)
}

@Test("a clock that leaps forward empties the windows and changes no total")
func leapForward() {
    var desk = Desk(from: "12:00")
    desk.beacon("v=me&u=/", at: "12:00")
    let later = desk.midnight + Desk.milliseconds("18:00")
    desk.setClocks(wall: later, steady: desk.midnight + Desk.milliseconds("12:00:01"))
    desk.pass()
    let site = desk.report()
    #expect(site.online == 0)
    #expect(site.windows.map(\.views) == [0, 0, 0, 1, 1, 1])
    #expect(site.totalViews == 1)
    #expect(desk.pipeline.engine.counters[.clockLeapsForward] == 1)
}

@Test("small corrections of the clock are not steps", arguments: [-499, -1, 1, 499] as [Int64])
func slew(milliseconds: Int64) {
    var desk = Desk(from: "12:00")
    let now = desk.midnight + Desk.milliseconds("12:00:10")
    desk.setClocks(wall: now + milliseconds, steady: now)
    let counters = desk.pipeline.engine.counters
    #expect(counters[.clockStepsBack] == 0 && counters[.clockLeapsForward] == 0)
}

@Test("a late stamp counts at the current moment")
func lateStamp() {
    var desk = Desk(from: "12:00")
    desk.beacon("v=a&u=/", at: "12:00:10")
    desk.beacon("v=b&u=/", stamp: desk.midnight + Desk.milliseconds("12:00:03"))
    #expect(desk.pipeline.now.milliseconds == desk.midnight + Desk.milliseconds("12:00:10"))
    #expect(desk.report().online == 2)
}

@Test("the windows hold what happened in them, including the running slot")
func windows() {
    var desk = Desk(from: "00:00")
    desk.beacon("v=a&u=/", at: "12:00:00")
    let steps: [(at: String, views: [Int])] = [
        ("12:00:59.999", [1, 1, 1, 1, 1, 1]), ("12:01:00", [0, 1, 1, 1, 1, 1]), ("12:04:59", [0, 1, 1, 1, 1, 1]),
        ("12:05:00", [0, 0, 1, 1, 1, 1]), ("12:59:59", [0, 0, 1, 1, 1, 1]), ("13:00:00", [0, 0, 0, 1, 1, 1]),
        ("35:59:59", [0, 0, 0, 1, 1, 1]), ("36:00:00", [0, 0, 0, 0, 1, 1]), ("179:59:59", [0, 0, 0, 0, 1, 1]),
        ("180:00:00", [0, 0, 0, 0, 0, 1]), ("731:59:59", [0, 0, 0, 0, 0, 1]), ("732:00:00", [0, 0, 0, 0, 0, 0]),
    ]
    for (at, views) in steps {
        let windows = desk.report(at: at).windows
        #expect(windows.map(\.views) == views, "at \(at)")
        #expect(windows.map(\.visits) == views, "at \(at)")
    }
}

@Test(
    "a day of 23, 23½, 24½ or 25 hours counts all of its hits and no others",
    arguments: [
        ("Europe/Paris", 1_774_778_400), ("Europe/Paris", 1_792_922_400), ("Australia/Lord_Howe", 1_775_350_800),
        ("Australia/Lord_Howe", 1_791_075_600), ("America/New_York", 1_772_985_600),
        ("America/New_York", 1_793_548_800),
    ] as [(String, Int64)])
func unevenDay(zone: String, noon: Int64) {
    var desk = Desk(zone, noon: noon)
    let ends = calendar(zone, Moment(second: noon)).ends.milliseconds
    let hours = (ends - desk.midnight) / 1_800_000
    #expect(hours != 48)
    for half in 0..<hours { desk.beacon("u=/\(half)", stamp: desk.midnight + half * 1_800_000) }
    #expect(desk.report().today.views == hours)
    desk.beacon("u=/last", stamp: ends - 1)
    desk.beacon("u=/next", stamp: ends)
    #expect(desk.report().yesterday.views == hours + 1)
    #expect(desk.report().today.views == 1)
}

@Test("after days without the daemon, yesterday is empty and today begins at zero", arguments: sevenZones)
func daysWithoutDaemon(zone: String) {
    var desk = Desk(zone)
    desk.beacon("v=me&u=/", at: "12:00")
    desk.beacon("v=me&u=/", at: "84:00")
    let site = desk.report()
    #expect(site.yesterday.views == 0 && site.today.views == 1 && site.totalViews == 2)
    #expect(site.month.views == 2 && site.month.visitors == 2)
}

@Test("the month ends with its last day", arguments: sevenZones)
func monthTurns(zone: String) {
    var desk = Desk(zone, noon: 1_796_018_400)  // 2026-11-30 in all seven
    desk.beacon("v=me&u=/", at: "12:00")
    #expect(desk.report().month.views == 1)
    desk.beacon("v=me&u=/", at: "36:00")
    #expect(desk.report().month.views == 1)
    #expect(desk.report().yesterday.views == 1)
}

@Test("a full table still counts views, tracks no new visitor, and reports it")
func fullTable() {
    var limits = Limits()
    limits.visitors = 2
    var desk = Desk(from: "12:00", limits: limits)
    for visitor in ["a", "b", "c"] { desk.beacon("v=\(visitor)&u=/", at: "12:00") }
    var site = desk.report()
    #expect(site.totalViews == 3 && site.totalVisits == 2 && site.online == 2)
    #expect(!site.isOnlineExact)
    #expect(desk.pipeline.engine.counters[.untracked] == 1)
    // The others leave after half an hour, and there is room again.
    desk.beacon("v=c&u=/", at: "12:30:01")
    site = desk.report(at: "13:00:03")
    #expect(site.totalVisits == 3 && site.isOnlineExact)
}

@Test("views from another source than the one that counts are pings")
func oneDoorCounts() {
    let settings = SiteSettings(name: "demo", viewsFrom: .log)
    var desk = Desk(settings: settings)
    desk.beacon("v=me&u=/", at: "12:00")
    let site = desk.report()
    #expect(site.totalViews == 0 && site.totalVisits == 0 && site.online == 1)
    #expect(desk.pipeline.engine.counters[.pings] == 1)
}

@Test("a baseline and corrections are in the total, and corrections in their day and month")
func startAndCorrections() {
    var desk = Desk()
    desk.beacon("v=me&u=/", at: "36:00")
    let today = desk.report().day
    let note = AuditNote(by: "anna", note: "the old counter", at: desk.pipeline.now)
    desk.add(.baseline(SiteIndex(0), visits: 50_000, views: 0, note))
    desk.add(.correction(SiteIndex(0), today, visits: 7, views: 70, note))
    desk.add(.correction(SiteIndex(0), today.before, visits: -2, views: 0, note))
    desk.add(.correction(SiteIndex(0), LocalDay(number: today.number - 200), visits: 100, views: 0, note))
    let site = desk.report()
    #expect(site.total == 50_106 && site.totalViews == 71)
    #expect(site.today.visits == 8 && site.today.views == 71 && site.today.visitors == 1)
    #expect(site.yesterday.visits == -2)
    #expect(site.month.visits == 6)
    #expect(site.windows.allSatisfy { $0.visits == 1 && $0.views == 1 })
}

@Test("the peak of a day begins with the visitors online at its midnight")
func peakOfDay() {
    var desk = Desk(from: "23:00")
    for visitor in 0..<5 { desk.beacon("v=\(visitor)&u=/", at: "23:58") }
    let site = desk.report(at: "24:10")
    #expect(site.online == 0)
    #expect(site.peakToday.visitors == 5)
    #expect(site.peakToday.at.milliseconds == desk.midnight + 86_400_000)
    #expect(site.peak.at.milliseconds == desk.midnight + Desk.milliseconds("23:58"))
}

@Test("a restart from the snapshot continues with the recorded moments and the same bytes")
func restart() throws {
    var desk = Desk(from: "12:00")
    for i in 0..<50 { desk.beacon("v=\(i % 7)&u=/\(i % 3)&r=https://e\(i % 4).example/", at: "12:\(i)") }
    let bytes = desk.snapshot()
    var restored = try Engine(restoring: bytes.span, limits: Limits(), seed: HashSeed(9, 9))
    let again = restored.snapshot()
    #expect(again == bytes)
    let before = desk.report()
    let after = restored.report().sites[0]
    #expect(after.online == before.online && after.windows == before.windows && after.peak == before.peak)
}

@Test("the journal alone gives the same bytes")
func replay() throws {
    var desk = Desk(from: "22:00")
    for i in 0..<400 { desk.beacon("v=\(i % 17)&u=/\(i % 5)", at: "22:\(i):\(i % 60)") }
    var engine = Engine(at: Moment(milliseconds: desk.midnight + Desk.milliseconds("22:00")))
    for frame in desk.journal { try engine.apply(frame.span) }
    engine.advance(to: desk.pipeline.engine.now)
    let replayed = engine.snapshot()
    let live = desk.snapshot()
    #expect(replayed == live)
}

@Test("a snapshot that is cut or altered is refused or read, and never traps")
func damagedSnapshot() {
    var desk = Desk(from: "12:00")
    for i in 0..<40 { desk.beacon("v=\(i)&u=/\(i % 9)&r=https://e.example/", at: "12:\(i)") }
    let bytes = desk.snapshot()
    for length in 0..<bytes.count {
        let part = Array(bytes[..<length])
        #expect(throws: MalformedBytes.self) {
            _ = try Engine(restoring: part.span, limits: Limits(), seed: HashSeed(1, 1))
        }
    }
    var random = SplitMix(seed: 4)
    for _ in 0..<5000 {
        var altered = bytes
        altered[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
        // Both outcomes are right, because storage compares a checksum first. It only must return.
        _ = try? Engine(restoring: altered.span, limits: Limits(), seed: HashSeed(1, 1))
    }
}

@Test("a stored day with more pages and referrers than rows still adds up to its views")
func keptDayAddsUp() throws {
    var desk = Desk(from: "12:00")
    for i in 0..<300 { desk.beacon("u=/\(i % 150)&r=https://e\(i % 120).example/", at: "12:\(i / 60):\(i % 60)") }
    desk.beacon("u=/direct", at: "13:00")
    _ = desk.report(at: "24:00")
    let days = desk.takeClosedRows().compactMap { if case .day(_, let day) = $0 { day } else { nil } }
    let day = try #require(days.first)
    #expect(day.views == 301 && day.pages.rows.count == 100 && day.referrers.rows.count == 100)
    #expect(day.pages.rows.reduce(day.pages.other) { $0 + $1.views } == 301)
    #expect(day.referrers.rows.reduce(day.referrers.other) { $0 + $1.views } == 301)
}

@Test("nobody can send a referrer with one of our own names in brackets")
func forgedReferrer() {
    var desk = Desk(from: "12:00")
    for name in ["(direct)", "(internal)", "(other)", "a b", "<x>"] {
        desk.beacon("u=/&r=http://\(name)/", at: "12:00")
    }
    let rows = desk.pipeline.engine.topReferrers(of: SiteIndex(0), rows: 10).rows
    #expect(rows == [RankingRow(key: Array("(direct)".utf8), views: 5, entries: 0)])
}

@Test("changes of the wall clock are reported, so that they can be logged")
func clockEventIsTold() {
    var pipeline = Desk(from: "12:00").pipeline
    let wall = pipeline.now.milliseconds
    #expect(pipeline.observe(wall: wall - 60_000, steady: wall) == .stepBack(milliseconds: 60_000))
    #expect(pipeline.observe(wall: wall + 60_000, steady: wall) == .leapForward(milliseconds: 120_000))
    #expect(pipeline.observe(wall: wall + 60_010, steady: wall + 10) == nil)
}
