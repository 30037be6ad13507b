/// A query for history.
public struct SeriesQuery: Sendable {
    /// The site, and the zone of the days in the answer.
    public var site: SiteIndex, timezone: String
    /// Where the range begins and ends. Nil means one day before the end, and now.
    public var from: Edge?, to: Edge?
    /// The length of each bucket. Nil means a length that suits the range.
    public var step: Step?

    /// An end of the range.
    public enum Edge: Sendable {
        /// A moment.
        case moment(Moment)
        /// A whole local day. It is part of the range.
        case day(LocalDay)
        /// The beginning of the history.
        case beginning
    }

    /// The lengths of buckets: a quarter hour, an hour, a local day, a local month.
    public enum Step: String, CaseIterable, Sendable {
        case quarter = "15m", hour = "1h", day = "1d", month = "1mo"
    }

    /// A query for the history of a site in a zone.
    public init(site: SiteIndex, timezone: String, from: Edge? = nil, to: Edge? = nil, step: Step? = nil) {
        self.site = site
        self.timezone = timezone
        self.from = from
        self.to = to
        self.step = step
    }
}

/// The answer to a query.
public enum SeriesAnswer: Sendable {
    /// Columns of buckets of one length, as of a moment. `days` names the local days if the buckets are days.
    case series(Series, step: SeriesQuery.Step, days: [LocalDay], asOf: Moment)
    /// The range ends before it begins, or lies where no time is counted.
    case empty
    /// More buckets than `Series.countMax`.
    case tooLong
    /// The disk cannot be read now.
    case unavailable
}
