/// The numbers of every site at one moment: immutable, detached from the engine, safe to pass to any thread.
public struct Report: Sendable {
    /// The moment of the numbers.
    public let asOf: Moment
    /// The sites by index.
    public let sites: [SiteReport]
    /// The counts of the whole daemon.
    public let counters: Counters
    /// Visitors seen in the last 30 minutes, all sites together.
    public let trackedVisitors: Int
    /// Why the numbers of a site are doubtful, by its name.
    public var siteWarnings: [String: [Warning]] = [:]
    /// Why the numbers of every site are doubtful.
    public var warnings: [Warning] = []
    /// What the sockets have done. For monitoring only.
    public var ingest = IngestNumbers()

    /// The index of each site by its name.
    let places: [String: Int]

    /// The site called `name`.
    public func site(_ name: String) -> SiteReport? { index(of: name).map { sites[$0.number] } }
    /// The index of the site called `name`.
    public func index(of name: String) -> SiteIndex? { places[name].map(SiteIndex.init) }
}

/// The numbers of one site.
public final class SiteReport: Sendable {
    /// The site id.
    public let name: String
    /// The zone's name.
    public let timezone: String
    /// The site's local day at the moment of the report.
    public let day: LocalDay
    /// When the site was first known.
    public let since: Moment
    /// Visitors online now.
    public let online: Int
    /// The online window W in seconds: a visitor seen within it is online.
    public let onlineWindowSeconds: Int64
    /// The greatest online of the day.
    public let peakToday: Peak
    /// The greatest online of all time, or since W was changed.
    public let peak: Peak
    /// What the headline total counts.
    public let totalOf: SiteSettings.TotalOf
    /// All visits, with baseline and corrections.
    public let totalVisits: Int64
    /// All views, with baseline and corrections.
    public let totalViews: Int64
    /// Counted visits and views, without baseline and corrections. They never fall.
    public let countedVisits: UInt64, countedViews: UInt64
    /// Visits adopted from an older counter.
    public let baselineVisits: Int64
    /// Views adopted from an older counter.
    public let baselineViews: Int64
    /// The running local day. Corrections are included here and in the two below.
    public let today: Sums
    /// The local day before today; zero if the daemon did not run on it.
    public let yesterday: Sums
    /// The running calendar month.
    public let month: Sums
    /// The six windows, shortest first.
    public let windows: [Window]
    /// Hits of declared bots today.
    public let botsToday: UInt64
    /// Hits of declared bots, all time.
    public let bots: UInt64
    /// Beacons of this site that were refused.
    public let rejected: UInt64
    /// True if every visitor of the last half hour found room in the table.
    public let isOnlineExact: Bool
    /// True if today's unique visitors are counted, false if they are estimated.
    public let isVisitorsExact: Bool
    /// Since when there have been no visitors, although there were some a week ago.
    public let silentSince: Moment?
    /// The first moment at which a number changes without a hit.
    let goodUntil: Moment

    /// A sliding window.
    public struct Window: Equatable, Sendable {
        /// `1m`, `5m`, `1h`, `24h`, `7d` or `30d`.
        public let name: String
        /// Visits begun and views inside it.
        public let visits: Int, views: Int

        fileprivate static func all<let n: Int>(_ window: SlidingWindow<n>, _ names: [String]) -> [Window] {
            names.enumerated().map { Window(name: $1, visits: window.visits(in: $0), views: window.views(in: $0)) }
        }
    }

    /// The headline: visits or views, by the site's setting.
    public var total: Int64 { totalOf == .visits ? totalVisits : totalViews }

    init(_ site: SiteCounters, at now: Moment, up: Moment? = nil) {
        name = site.settings.name
        timezone = site.settings.timezone
        day = site.today.day
        since = site.since
        online = site.presence.online
        onlineWindowSeconds = site.settings.onlineWindowSeconds
        peakToday = site.today.peak
        peak = site.peak
        totalOf = site.settings.totalOf
        totalVisits = site.baselineVisits + Int64(site.visits) + site.correctedVisits
        totalViews = site.baselineViews + Int64(site.views) + site.correctedViews
        countedVisits = site.visits
        countedViews = site.views
        baselineVisits = site.baselineVisits
        baselineViews = site.baselineViews
        today = site.today.sums
        yesterday = site.yesterday
        var sums = site.month
        sums.add(today)
        month = sums
        windows =
            Window.all(site.windows.seconds, ["1m", "5m", "1h"]) + Window.all(site.windows.minutes, ["24h"])
            + Window.all(site.windows.quarters, ["7d", "30d"])
        botsToday = site.today.bots
        bots = site.bots
        rejected = site.rejected
        isOnlineExact = site.lastUntracked.map { now.second - $0.second > visitGapSecondsMax } ?? true
        isVisitorsExact = site.today.visitors.isExact
        silentSince = site.silentSince(up: up)
        goodUntil = site.nextChange
    }
}

extension SiteCounters {
    /// Compares the newest whole quarter hours without a view (at most one day) with the same quarter hours one week
    /// earlier, and two weeks earlier if the site is that old: offices sleep at night and on Sundays.
    ///
    /// Nobody could come while the daemon was down, so only the time after `up` is quiet.
    fileprivate func silentSince(up: Moment?) -> Moment? {
        guard let newest = windows.quarters.newest else { return nil }
        let last = max(newest, up?.quarter ?? 0)
        guard now.quarter - last > Self.quietQuartersMin else { return nil }
        let quiet = max(last + 1, now.quarter - Self.dayQuarters)..<now.quarter
        let weeks = max(0, min((quiet.lowerBound - since.quarter) / (7 * Self.dayQuarters), 2))
        let wasBusy = (0..<weeks).allSatisfy { week in
            let shift = (week + 1) * 7 * Self.dayQuarters
            return windows.quarters.visits(in: quiet.lowerBound - shift..<quiet.upperBound - shift)
                >= Self.busyVisitsMin
        }
        return weeks > 0 && wasBusy ? Moment(second: (last + 1) * Moment.quarterMilliseconds / 1000) : nil
    }

    private static var dayQuarters: Int64 { 96 }
    private static var quietQuartersMin: Int64 { 4 }
    private static var busyVisitsMin: Int { 20 }

    /// When a number next changes without a hit: the next second, minute or quarter hour in which something can expire.
    fileprivate var nextChange: Moment {
        if presence.live > 0 || !windows.seconds.isEmpty || lastUntracked != nil {
            return Moment(second: now.second + 1)
        }
        if !windows.minutes.isEmpty { return Moment(second: (now.minute + 1) * 60) }
        if !windows.quarters.isEmpty || !quarter.isEmpty { return Moment(second: (now.quarter + 1) * 900) }
        return Moment(milliseconds: .max)
    }
}
