/// How much the engine may hold. Each limit has a defined overflow and each overflow a counter in `Counter`.
public struct Limits: Equatable, Sendable {
    /// Visitors seen within the last 30 minutes, all sites together. New visitors past it are not tracked
    /// (`untracked`).
    public var visitors = 2_000_000
    /// Sites known at once.
    public var sites = 10_000
    /// Views remembered to recognise duplicates. Past it those of the oldest millisecond go (`recentViewsForgotten`).
    public var recentViews = 262_144
    /// Pages ranked by name in a site's day. The rest is `(other)`.
    public var pages = 2_000
    /// Referrers ranked by name in a site's day. The rest is `(other)`.
    public var referrers = 500

    /// The defaults of the configuration reference.
    public init() {}
}

/// Longest pause inside one visit, in seconds. A gap of exactly this length continues the visit.
public let visitGapSecondsMax: Int64 = 1800

/// Rows of a ranking that are stored when their day ends.
public let rankingRowsKept = 100
