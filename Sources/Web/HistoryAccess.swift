public import Counting

/// What the HTTP side asks about the past. The closures may wait for the disk.
public struct HistoryAccess: Sendable {
    /// History of a site in columns; nil where the disk does not give it now.
    public var series: @Sendable (SeriesQuery) async -> SeriesAnswer = { _ in .unavailable }
    /// The rankings of a local day of a site; nil where the disk does not give them now, and empty where none are kept.
    public var rankings: @Sendable (SiteIndex, LocalDay) async -> (pages: Top, referrers: Top)? = { _, _ in nil }

    /// What is not set says that nothing can be read.
    public init() {}
}
