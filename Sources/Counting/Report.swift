/// The numbers of every site at one moment: immutable, detached from the engine, safe to hand to any thread.
public struct Report: Sendable {
    /// The moment the numbers are of.
    public let asOf: Moment
    /// By site index.
    public let sites: [SiteReport]
    /// Counts of the daemon as a whole.
    public let counters: Counters
    /// Visitors seen in the last 30 minutes, all sites together.
    public let trackedVisitors: Int
    /// What makes the numbers of a site doubtful, by its name.
    public var siteWarnings: [String: [Warning]] = [:]
    /// What makes those of every site doubtful.
    public var warnings: [Warning] = []
    /// What the sockets have done, for those who watch.
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
    /// In how many seconds a visitor online was last seen: W.
    public let onlineWindowSeconds: Int64
    /// The greatest online of the day.
    public let peakToday: Peak
    /// The greatest online of all time, or since W was changed.
    public let peak: Peak
    /// What the headline total counts.
    public let totalOf: SiteSettings.TotalOf
    /// Visits ever, with start number and corrections.
    public let totalVisits: Int64
    /// Views ever, with start number and corrections.
    public let totalViews: Int64
    /// Visits and views that were counted: without start number and corrections, and so never fewer than before.
    public let countedVisits: UInt64, countedViews: UInt64
    /// Visits taken over from an older counter.
    public let baselineVisits: Int64
    /// Views taken over from an older counter.
    public let baselineViews: Int64
    /// The running local day, corrections included, as in the two below.
    public let today: Sums
    /// The local day before today; zero where the daemon did not run in it.
    public let yesterday: Sums
    /// The running calendar month.
    public let month: Sums
    /// The six windows, shortest first.
    public let windows: [Window]
    /// Hits of declared bots today.
    public let botsToday: UInt64
    /// Hits of declared bots ever.
    public let bots: UInt64
    /// Beacons of this site that were refused.
    public let rejected: UInt64
    /// Every visitor of the last half hour found room in the table.
    public let isOnlineExact: Bool
    /// Today's unique visitors are counted, not estimated.
    public let isVisitorsExact: Bool
    /// Since when nobody has come, although a week ago people did.
    public let silentSince: Moment?
    /// The first moment at which a number changes without a hit.
    let goodUntil: Moment

    /// A sliding window.
    public struct Window: Equatable, Sendable {
        /// `1m`, `5m`, `1h`, `24h`, `7d` or `30d`.
        public let name: String
        /// Visits begun and views in it.
        public let visits: Int, views: Int

        fileprivate static func all<let n: Int>(_ window: SlidingWindow<n>, _ names: [String]) -> [Window] {
            names.enumerated().map { Window(name: $1, visits: window.visits(in: $0), views: window.views(in: $0)) }
        }
    }

    /// The headline: visits or views, as the site says.
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
    /// The newest whole quarter hours without a view, up to a day of them, are compared with the same ones of the week
    /// before, and of the one before that where the site is so old: offices sleep at night and on Sundays.
    ///
    /// While the daemon was down nobody could come: only what follows `up` is quiet.
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
