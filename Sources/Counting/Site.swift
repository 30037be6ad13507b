/// A site's place in the engine. Places are given in the order of the site records and never reused.
public struct SiteIndex: Hashable, Comparable, Sendable {
    /// 0 for the first site.
    public let number: Int
    /// The site at place `number`.
    public init(_ number: Int) { self.number = number }
    /// True if `a` became known earlier.
    public static func < (a: SiteIndex, b: SiteIndex) -> Bool { a.number < b.number }
}

/// How a hit arrived. Only views from the same source are compared for duplicates.
public enum HitSource: UInt8, Sendable, CaseIterable {
    /// A native beacon from a program.
    case beacon = 0
    /// A browser's own request.
    case browser = 1
    /// A line of an access log.
    case log = 2
}

/// The part of a site's settings that counting depends on.
public struct SiteSettings: Equatable, Sendable {
    /// The site id, 1…64 of `a-z 0-9 . _ -`.
    public var name: String
    /// The zone's name, stored with every closed day. Counting never interprets it.
    public var timezone: String
    /// Seconds without a hit after which a visitor is no longer *online now*: 60…1800.
    public var onlineWindowSeconds: Int64
    /// Milliseconds in which a second view of the same path is a duplicate: 0…10,000.
    public var duplicateMilliseconds: Int64
    /// What the headline total counts.
    public var totalOf: TotalOf
    /// The one source whose views count; a view from another source is a ping. Nil: every source counts.
    public var viewsFrom: HitSource?

    /// What the headline total counts.
    public enum TotalOf: UInt8, Sendable {
        /// Visits.
        case visits = 0
        /// Page views.
        case views = 1
    }

    /// Settings of a site, with defaults for everything except name and zone.
    public init(
        name: String, timezone: String = "UTC", onlineWindowSeconds: Int64 = 300,
        duplicateMilliseconds: Int64 = 1000, totalOf: TotalOf = .visits, viewsFrom: HitSource? = nil
    ) {
        precondition((60...visitGapSecondsMax).contains(onlineWindowSeconds), "online window outside 60…1800 s")
        precondition((0...10_000).contains(duplicateMilliseconds), "duplicate window outside 0…10 s")
        self.name = name
        self.timezone = timezone
        self.onlineWindowSeconds = onlineWindowSeconds
        self.duplicateMilliseconds = duplicateMilliseconds
        self.totalOf = totalOf
        self.viewsFrom = viewsFrom
    }
}

/// One local day of a site, as the calendar gives it to the engine.
public struct DayRollover: Equatable, Sendable {
    /// The day that begins.
    public var day: LocalDay
    /// Its first moment.
    public var begins: Moment
    /// The number of the salt for visitor hashes from here on.
    public var salt: UInt32

    /// A day that begins at `begins`, with its salt.
    public init(day: LocalDay, begins: Moment, salt: UInt32) {
        self.day = day
        self.begins = begins
        self.salt = salt
    }
}
