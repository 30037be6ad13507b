import Counting
import Ingest
import Testing
import Wire
import Zones

/// The zones in which the definitions are tested.
let sevenZones = [
    "Europe/Paris", "Australia/Lord_Howe", "Asia/Kolkata", "Asia/Kathmandu", "Asia/Ho_Chi_Minh", "America/New_York",
    "Pacific/Apia",
]

/// The calendar that the daemon uses.
let calendar: IngestPipeline.Calendar = { name, moment in
    guard let zone = Zone(named: name) else { preconditionFailure("no zone \(name)") }
    let day = zone.day(at: moment.second)
    return DaySpan(
        day: LocalDay(number: day.number), begins: Moment(second: day.begins), ends: Moment(second: day.ends))
}

/// One site, `demo`, with a clock that is moved by hand. Clock times are local times of the test's first day.
struct Desk {
    private(set) var pipeline: IngestPipeline
    /// Midnight of the first day, in milliseconds.
    let midnight: Int64
    /// Every frame so far, as in a journal.
    private(set) var journal: [[UInt8]] = []
    private var wall: Int64
    private var steady: Int64

    /// A desk in `zone` that stands at `clock` on 2026-11-23, or on the local day with `noon` (unix seconds).
    init(
        _ zone: String = "UTC", from clock: String = "00:00", noon: Int64 = 1_795_435_200,
        settings: SiteSettings? = nil,
        hosts: [String] = [], limits: Limits = Limits()
    ) {
        midnight = calendar(zone, Moment(second: noon)).begins.milliseconds
        wall = midnight + Self.milliseconds(clock)
        steady = wall
        pipeline = IngestPipeline(
            limits: limits, rules: Admission.Rules(assets: ["css", "png"]), calendar: calendar,
            salts: SplitMix(seed: 1),
            wall: wall,
            steady: steady)
        var settings = settings ?? SiteSettings(name: "demo")
        settings.timezone = zone
        let isAdded = pipeline.serve(SiteProfile(settings, hosts: hosts))
        #expect(isAdded)
        commit()
    }

    /// `09:30`, `09:30:01`, `09:30:00.999`, or more than 24 hours for the days after.
    static func milliseconds(_ clock: String) -> Int64 {
        let parts = clock.split(separator: ":")
        var total = (Int64(parts[0]) ?? 0) * 3_600_000 + (Int64(parts[1]) ?? 0) * 60_000
        if parts.count > 2 {
            let seconds = parts[2].split(separator: ".")
            total += (Int64(seconds[0]) ?? 0) * 1000 + (seconds.count > 1 ? Int64(seconds[1]) ?? 0 : 0)
        }
        return total
    }

    /// A beacon that arrives at a clock time. The machine's clocks show this time.
    mutating func beacon(_ fields: String, at clock: String) {
        beacon(fields, stamp: midnight + Self.milliseconds(clock))
    }

    /// A beacon stamped by the wall clock.
    mutating func beacon(_ fields: String, stamp: Int64) {
        if stamp > wall { setClocks(wall: stamp, steady: steady + stamp - wall) }
        receive(fields, stamp: stamp)
    }

    /// A beacon, whatever the clocks show.
    mutating func receive(_ fields: String, stamp: Int64) {
        pipeline.ingest(Array("f1 s=demo&\(fields)".utf8).span, from: .ourselves, isTruncated: false, stamp: stamp)
        commit()
    }

    /// A page's hit over HTTP at a clock time. Returns why it was refused, if it was.
    @discardableResult
    mutating func hit(
        _ form: String, from address: NetworkAddress, agent: String, at clock: String? = nil
    ) -> BeaconRejection? {
        if let clock {
            let stamp = midnight + Self.milliseconds(clock)
            if stamp > wall { setClocks(wall: stamp, steady: steady + stamp - wall) }
        }
        var hit = BrowserHit(form: Array(form.utf8), address: address, agent: agent, page: "", isPrefetch: false)
        hit.stamp = wall
        guard case .failure(let reason) = pipeline.count([hit])[0] else { return nil }
        return reason
    }

    /// Somebody sets the wall clock.
    mutating func step(by milliseconds: Int64) { setClocks(wall: wall + milliseconds, steady: steady) }

    /// Both clocks advance minute by minute, and nothing arrives.
    mutating func wait(minutes: Int) {
        for _ in 0..<minutes {
            setClocks(wall: wall + 60_000, steady: steady + 60_000)
            pass()
        }
    }

    mutating func drops(cookie: UInt64, total: UInt32) { pipeline.noteDrops(cookie: cookie, total: total) }

    /// The kinds of warnings of the site.
    var warnings: [Warning.Code] {
        mutating get {
            let report = pipeline.report()
            return ((report.siteWarnings["demo"] ?? []) + report.warnings).map(\.code)
        }
    }

    /// Other sites and settings from now on.
    mutating func reload(
        _ profiles: [SiteProfile], trusted: Networks = .loopback, visitorPerSecond: Int = 1000
    ) -> IngestPipeline.Reloaded {
        pipeline.reload(
            profiles,
            rules: Admission.Rules(trusted: trusted, visitorPerSecond: visitorPerSecond, sitePerSecond: 100_000))
    }

    /// A beacon of any site, from anywhere, at a clock time.
    mutating func receive(
        site: String = "demo", _ fields: String, from sender: Admission.Sender = .ourselves, at clock: String
    ) {
        let stamp = midnight + Self.milliseconds(clock)
        if stamp > wall { setClocks(wall: stamp, steady: steady + stamp - wall) }
        pipeline.ingest(Array("f1 s=\(site)&\(fields)".utf8).span, from: sender, isTruncated: false, stamp: stamp)
        commit()
    }

    /// The numbers of all sites now.
    mutating func sites() -> [SiteReport] { pipeline.report().sites }

    /// New readings of the clocks, in milliseconds.
    mutating func setClocks(wall: Int64, steady: Int64) {
        self.wall = wall
        self.steady = steady
        pipeline.observe(wall: wall, steady: steady)
        commit()
    }

    /// Advances the clocks to a clock time while no datagram waits.
    mutating func pass(to clock: String) {
        let end = midnight + Self.milliseconds(clock)
        setClocks(wall: end, steady: steady + end - wall)
        pass()
    }

    /// Advances the time while no datagram waits.
    mutating func pass() {
        pipeline.advanceClock()
        if journal.last != pipeline.frame.bytes { journal.append(pipeline.frame.bytes) }
    }

    mutating func add(_ record: Record) {
        pipeline.add(record)
        commit()
    }

    private mutating func commit() {
        pipeline.commit()
        if journal.last != pipeline.frame.bytes { journal.append(pipeline.frame.bytes) }
    }

    /// The site's numbers now.
    mutating func report() -> SiteReport { pipeline.report().sites[0] }

    mutating func takeClosedRows() -> [HistoryRow] { pipeline.takeClosedRows() }

    mutating func snapshot() -> [UInt8] { pipeline.snapshot() }

    mutating func online(within window: Int64) -> Int { pipeline.online(of: SiteIndex(0), within: window) }

    /// The site's numbers at a clock time, if nothing more happens until then.
    mutating func report(at clock: String) -> SiteReport {
        pass(to: clock)
        return report()
    }
}
