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

/// Which history is asked for.
public struct SeriesQuery: Sendable {
    /// The site, and the zone that its days are put together in.
    public var site: SiteIndex, timezone: String
    /// Where it begins and ends; nil is a day before the end, and now.
    public var from: Edge?, to: Edge?
    /// How long each stretch is; nil is what suits the whole.
    public var step: Step?

    /// An end of the range.
    public enum Edge: Sendable {
        /// A moment.
        case moment(Moment)
        /// A whole local day, which is part of the range.
        case day(LocalDay)
        /// As far back as there is anything.
        case beginning
    }

    /// The lengths of stretches: a quarter hour, an hour, a local day, a local month.
    public enum Step: String, CaseIterable, Sendable {
        case quarter = "15m", hour = "1h", day = "1d", month = "1mo"
    }
}

/// What was found.
public enum SeriesAnswer: Sendable {
    /// Columns of stretches of one length, as they are at a moment; of days also which they are.
    case series(Series, step: SeriesQuery.Step, days: [LocalDay], asOf: Moment)
    /// The range ends before it begins, or lies where no time is counted.
    case empty
    /// More stretches than `Series.countMax`.
    case tooLong
    /// The disk does not give it now.
    case unavailable
}
