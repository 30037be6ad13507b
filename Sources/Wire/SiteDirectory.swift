public import Counting

/// A site's settings as far as beacons are read by them.
public struct SiteProfile: Equatable, Sendable {
    /// What counting depends on, the name among it.
    public var settings: SiteSettings
    /// The site's own hosts, lower case, without a leading `www.`.
    public var hosts: [String]
    /// Query keys that belong to the path.
    public var keepQuery: [String]

    /// A site with these settings.
    public init(_ settings: SiteSettings, hosts: [String] = [], keepQuery: [String] = []) {
        self.settings = settings
        self.hosts = hosts
        self.keepQuery = keepQuery
    }
}

/// A stretch of time between two local midnights.
public struct DaySpan: Equatable, Sendable {
    /// The calendar day.
    public var day: LocalDay
    /// Its first moment.
    public var begins: Moment
    /// The first moment of the next day.
    public var ends: Moment

    /// The day from `begins` to just before `ends`.
    public init(day: LocalDay, begins: Moment, ends: Moment) {
        self.day = day
        self.begins = begins
        self.ends = ends
    }
}

/// The sites beacons may be of, and what visitors are hashed with today.
public struct SiteDirectory: Sendable {
    /// One site as admission sees it.
    struct Entry: Sendable {
        var profile: SiteProfile
        var hosts: [[UInt8]]
        var keepQuery: [[UInt8]]
        var today: DaySpan
        var hasher: VisitorHasher
        /// Yesterday's, asked as well in the half hour after midnight.
        var formerHasher: VisitorHasher?
    }

    private(set) var entries: [Entry] = []
    private var names: KeyTable
    /// The earliest midnight still to come, of any site.
    public private(set) var nextMidnight = Moment(milliseconds: .max)

    /// When the oldest salt of a day before has been kept for an hour and must go.
    public private(set) var formerSaltsEnd = Moment(milliseconds: .max)
    private static let formerSaltMilliseconds: Int64 = 3_600_000

    /// No sites. `seed` keys the table of names.
    public init(seed: HashSeed) { names = KeyTable(seed: seed) }

    /// Sites known.
    public var count: Int { entries.count }

    /// The site called `name`.
    @inline(__always)
    public func find(_ name: Span<UInt8>) -> SiteIndex? { names.find(name).map(SiteIndex.init) }

    /// The site called `name`.
    public func find(_ name: String) -> SiteIndex? { find(Array(name.utf8).span) }

    /// A site's profile.
    public func profile(of site: SiteIndex) -> SiteProfile { entries[site.number].profile }

    /// Adds a site at the next index; its name must be new.
    public mutating func add(_ profile: SiteProfile, today: DaySpan, salt: Salt) -> SiteIndex {
        let name = Array(profile.settings.name.utf8)
        guard case (let place, true)? = names.findOrAdd(name.span, limit: .max) else {
            preconditionFailure("a site was added twice")
        }
        entries.append(
            Entry(
                profile: profile, hosts: profile.hosts.map { Array($0.utf8) },
                keepQuery: profile.keepQuery.map { Array($0.utf8) }, today: today,
                hasher: VisitorHasher(salt, site: name.span)))
        nextMidnight = min(nextMidnight, today.ends)
        return SiteIndex(place)
    }

    /// Begins another local day of some sites: a new salt from here on, the old one for half an hour beside it.
    public mutating func turn(_ turns: [(site: SiteIndex, day: DaySpan, salt: Salt)]) {
        for (site, day, salt) in turns {
            let name = Array(entries[site.number].profile.settings.name.utf8)
            entries[site.number].formerHasher = entries[site.number].hasher
            entries[site.number].hasher = VisitorHasher(salt, site: name.span)
            entries[site.number].today = day
            formerSaltsEnd = min(formerSaltsEnd, day.begins + Self.formerSaltMilliseconds)
        }
        nextMidnight = entries.reduce(Moment(milliseconds: .max)) { min($0, $1.today.ends) }
    }

    /// Forgets the salts of days that ended an hour ago or more.
    public mutating func forgetFormerSalts(at moment: Moment) {
        formerSaltsEnd = Moment(milliseconds: .max)
        for i in entries.indices where entries[i].formerHasher != nil {
            let end = entries[i].today.begins + Self.formerSaltMilliseconds
            if moment >= end { entries[i].formerHasher = nil } else { formerSaltsEnd = min(formerSaltsEnd, end) }
        }
    }

    /// The sites whose local day is over at `moment`, or has not begun yet because time has gone back.
    public func sitesToTurn(at moment: Moment) -> [SiteIndex] {
        entries.indices.filter { moment >= entries[$0].today.ends || moment < entries[$0].today.begins }
            .map { SiteIndex($0) }
    }

    /// The end of a site's running day.
    public func dayEnds(of site: SiteIndex) -> Moment { entries[site.number].today.ends }
}
