/// What the engine hands out for keeping: closed stretches of time, each exactly once.
///
/// A row is not part of the engine's state; whoever stores checkpoints stores the rows closed since the last one in
/// the same transaction. Rows of the same key add up (a clock that went back may reopen a quarter).
public enum HistoryRow: Equatable, Sendable {
    /// A quarter hour of a site in which something happened.
    case quarter(SiteIndex, Quarter)
    /// A local day of a site, at its end.
    case day(SiteIndex, ClosedDay)
    /// A start number or a correction.
    case audit(Audit)
    /// The daemon was up from the one moment to the other.
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
    /// What was counted in it; visits by the moment they began.
    public var views: UInt64 = 0, visits: UInt64 = 0, pings: UInt64 = 0, bots: UInt64 = 0
    /// The greatest online(W) in it, which begins with that of its first moment.
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

/// A local day that is over.
public struct ClosedDay: Equatable, Sendable {
    /// The day.
    public var day: LocalDay
    /// The zone it was a day of.
    public var timezone: String
    /// What was counted, without corrections.
    public var views: UInt64, visits: UInt64, bots: UInt64
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

/// A number that somebody changed by hand.
public struct Audit: Equatable, Sendable {
    /// The site.
    public var site: SiteIndex
    /// What was done.
    public var kind: Kind
    /// The day a correction is part of; nil for a start number.
    public var day: LocalDay?
    /// The new start numbers, or the amounts added.
    public var visits: Int64, views: Int64
    /// The start numbers before; 0 for a correction.
    public var formerVisits: Int64, formerViews: Int64
    /// Who, why and when.
    public var note: AuditNote

    /// The ways to change a number by hand.
    public enum Kind: String, Sendable {
        /// The number of an older counter was taken over.
        case start
        /// A signed number was added to one local day.
        case correction
    }
}

/// A line of the audit as it is kept: a number that was changed by hand, or something that was found missing or damaged.
public struct AuditLine: Sendable {
    /// When, and what: `start`, `correction`, `loss` or `quarantine`.
    public let at: Moment, kind: String
    /// The site, where it is about one.
    public let site: String?
    /// The day a correction is part of.
    public let day: LocalDay?
    /// As in `Audit`; nil where no number was changed.
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
    /// Views that are in none of the rows: rows and `other` are the day's views.
    public var other: UInt64
    /// A row may be too low, because a key had lost its name for a while.
    public var isApproximate: Bool

    /// Rows, most first, and the rest.
    public init(rows: [RankingRow], other: UInt64, isApproximate: Bool) {
        self.rows = rows
        self.other = other
        self.isApproximate = isApproximate
    }

    /// The first rows; what they leave is in `other`.
    public func first(_ count: Int) -> Top {
        let rest = rows.dropFirst(count).reduce(0) { $0 + $1.views }
        return Top(rows: Array(rows.prefix(count)), other: other + rest, isApproximate: isApproximate)
    }
}
