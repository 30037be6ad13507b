/// How much the engine may hold. Each limit has a defined overflow and each overflow a counter in `Counter`.
public struct Limits: Equatable, Sendable {
    /// Visitors seen within the last 30 minutes, all sites together; newcomers past it are not tracked (`untracked`).
    public var visitors = 2_000_000
    /// Sites known at once.
    public var sites = 10_000
    /// Views remembered to recognise duplicates; past it the oldest goes (`recentViewsForgotten`).
    public var recentViews = 262_144
    /// Pages ranked by name in a site's day; the rest is `(other)`.
    public var pages = 2_000
    /// Referrers ranked by name in a site's day; the rest is `(other)`.
    public var referrers = 500

    /// The defaults of the configuration reference.
    public init() {}
}

/// Longest pause, in seconds, inside one visit: a gap of exactly this continues it.
public let visitGapSecondsMax: Int64 = 1800

/// Rows of a ranking that outlive their day.
public let rankingRowsKept = 100
