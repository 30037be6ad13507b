/// What the engine hands out for storage: closed periods of time, each exactly once.
///
/// A row is not part of the engine's state. A checkpoint stores the rows closed since the last one in the same
/// transaction. Rows with the same key add up (a clock that went back may reopen a quarter hour).
public enum HistoryRow: Equatable, Sendable {
    /// A quarter hour of a site in which something happened.
    case quarter(SiteIndex, Quarter)
    /// A local day of a site, at its end.
    case day(SiteIndex, ClosedDay)
    /// A baseline or a correction.
    case audit(Audit)
    /// The daemon was up between the two moments.
    case uptime(from: Moment, to: Moment)
}

extension HistoryRow {
    var site: SiteIndex? {
        switch self {
        case .quarter(let site, _), .day(let site, _): site
        case .audit(let audit): audit.site
        case .uptime: nil
        }
    }
}

/// A quarter hour of UTC.
public struct Quarter: Equatable, Sendable {
    /// Quarter hours since the epoch.
    public var number: Int64
    /// What was counted in it. A visit belongs to the quarter hour in which it began.
    public var views: UInt64 = 0, visits: UInt64 = 0, pings: UInt64 = 0, bots: UInt64 = 0
    /// The greatest online(W) in it, including its first moment.
    public var peak: Int

    /// A quarter hour with its counts.
    public init(number: Int64, views: UInt64 = 0, visits: UInt64 = 0, pings: UInt64 = 0, bots: UInt64 = 0, peak: Int) {
        self.number = number
        self.views = views
        self.visits = visits
        self.pings = pings
        self.bots = bots
        self.peak = peak
    }

    var isEmpty: Bool { views == 0 && pings == 0 && bots == 0 && peak == 0 }
}

/// A local day that has ended.
public struct ClosedDay: Equatable, Sendable {
    /// The day.
    public var day: LocalDay
    /// The site's zone on that day.
    public var timezone: String
    /// What was counted, without corrections.
    public var views: UInt64, visits: UInt64, bots: UInt64
    /// Unique visitors.
    public var visitors: Int
    /// True if the unique visitors are counted, false if they are estimated.
    public var isVisitorsExact: Bool
    /// The greatest online(W), including midnight.
    public var peak: Peak
    /// The first 100 pages, and the views of all other pages.
    public var pages: Top
    /// The first 100 referrers, with `(direct)` and `(internal)` among them.
    public var referrers: Top
}

/// A number that somebody changed by hand.
public struct Audit: Equatable, Sendable {
    /// The site.
    public var site: SiteIndex
    /// What was done.
    public var kind: Kind
    /// The day of a correction; nil for a baseline.
    public var day: LocalDay?
    /// The new baselines, or the amounts added.
    public var visits: Int64, views: Int64
    /// The baselines before; 0 for a correction.
    public var formerVisits: Int64, formerViews: Int64
    /// Who, why and when.
    public var note: AuditNote

    /// The ways to change a number by hand.
    public enum Kind: String, Sendable {
        /// A baseline: the number of an older counter was adopted.
        case start
        /// A signed number was added to one local day.
        case correction
    }
}

/// A stored line of the audit: a number that was changed by hand, or something that was found missing or damaged.
public struct AuditLine: Sendable {
    /// When and what: `start`, `correction`, `loss` or `quarantine`.
    public let at: Moment, kind: String
    /// The site, if the line is about one.
    public let site: String?
    /// The day of a correction.
    public let day: LocalDay?
    /// As in `Audit`; nil if no number was changed.
    public let visits: Int64?, views: Int64?, formerVisits: Int64?, formerViews: Int64?
    /// Who and why.
    public let by: String, note: String

    /// A line.
    public init(
        at: Moment, kind: String, site: String?, day: LocalDay?, visits: Int64?, views: Int64?, formerVisits: Int64?,
        formerViews: Int64?, by: String, note: String
    ) {
        self.at = at
        self.kind = kind
        self.site = site
        self.day = day
        self.visits = visits
        self.views = views
        self.formerVisits = formerVisits
        self.formerViews = formerViews
        self.by = by
        self.note = note
    }
}

/// The first rows of a ranking and the rest.
public struct Top: Equatable, Sendable {
    /// Most views first.
    public var rows: [RankingRow]
    /// Views that are in none of the rows. Rows and `other` together are the day's views.
    public var other: UInt64
    /// True if a row may be too low, because its key was not ranked by name for a while.
    public var isApproximate: Bool

    /// Rows, most views first, and the rest.
    public init(rows: [RankingRow], other: UInt64, isApproximate: Bool) {
        self.rows = rows
        self.other = other
        self.isApproximate = isApproximate
    }

    /// The first rows. The views of the others go to `other`.
    public func first(_ count: Int) -> Top {
        let rest = rows.dropFirst(count).reduce(0) { $0 + $1.views }
        return Top(rows: Array(rows.prefix(count)), other: other + rest, isApproximate: isApproximate)
    }
}
