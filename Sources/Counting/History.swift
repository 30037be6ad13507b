/// What the engine hands out for keeping: closed stretches of time, each exactly once.
///
/// A row is not part of the engine's state; whoever stores checkpoints stores the rows closed since the last one in
/// the same transaction. Rows of the same key add up (a clock that went back may reopen a quarter).
public enum HistoryRow: Equatable, Sendable {
    /// A quarter hour of a site in which something happened.
    case quarter(SiteIndex, Quarter)
    /// A local day of a site, at its end.
    case day(SiteIndex, ClosedDay)
    /// A correction, in the day it corrects.
    case correction(SiteIndex, LocalDay, visits: Int64, views: Int64)
    /// The daemon was up from the one moment to the other.
    case uptime(from: Moment, to: Moment)
}

/// A quarter hour of UTC.
public struct Quarter: Equatable, Sendable {
    /// Quarter hours since the epoch.
    public var number: Int64
    /// What was counted in it; visits by the moment they began.
    public var views: UInt64 = 0, visits: UInt64 = 0, pings: UInt64 = 0, bots: UInt64 = 0
    /// The greatest online(W) in it, which begins with that of its first moment.
    public var peak: Int

    var isEmpty: Bool { views == 0 && pings == 0 && bots == 0 && peak == 0 }
}

/// A local day that is over.
public struct ClosedDay: Equatable, Sendable {
    /// The day.
    public var day: LocalDay
    /// The zone it was a day of.
    public var timezone: String
    /// What was counted, without corrections.
    public var views: UInt64, visits: UInt64, bots: UInt64
    /// Corrections made while the day ran.
    public var correctedVisits: Int64, correctedViews: Int64
    /// Unique visitors.
    public var visitors: Int
    /// The number of unique visitors is counted, not estimated.
    public var isVisitorsExact: Bool
    /// The greatest online(W), beginning with that of midnight.
    public var peak: Peak
    /// The first 100 pages, and what was not ranked by name.
    public var pages: Top
    /// The first 100 referrers, `(direct)` and `(internal)` among them.
    public var referrers: Top
}

/// The first rows of a ranking and the rest.
public struct Top: Equatable, Sendable {
    /// Most views first.
    public var rows: [RankingRow]
    /// Views that are in none of the rows: rows and `other` are the day's views.
    public var other: UInt64
    /// A row may be too low, because a key had lost its name for a while.
    public var isApproximate: Bool
}
