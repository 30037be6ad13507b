/// Which history is asked for.
public struct SeriesQuery: Sendable {
    /// The site, and the zone that its days are put together in.
    public var site: SiteIndex, timezone: String
    /// Where it begins and ends; nil is a day before the end, and now.
    public var from: Edge?, to: Edge?
    /// How long each bucket is; nil is what suits the whole.
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

    /// The lengths of buckets: a quarter hour, an hour, a local day, a local month.
    public enum Step: String, CaseIterable, Sendable {
        case quarter = "15m", hour = "1h", day = "1d", month = "1mo"
    }

    /// History of a site, put together in a zone.
    public init(site: SiteIndex, timezone: String, from: Edge? = nil, to: Edge? = nil, step: Step? = nil) {
        self.site = site
        self.timezone = timezone
        self.from = from
        self.to = to
        self.step = step
    }
}

/// What was found.
public enum SeriesAnswer: Sendable {
    /// Columns of buckets of one length, as they are at a moment; of days also which they are.
    case series(Series, step: SeriesQuery.Step, days: [LocalDay], asOf: Moment)
    /// The range ends before it begins, or lies where no time is counted.
    case empty
    /// More buckets than `Series.countMax`.
    case tooLong
    /// The disk does not give it now.
    case unavailable
}
