public import Counting

/// A site's settings as far as beacons are read by them.
public struct SiteProfile: Equatable, Sendable {
    /// What counting depends on, the name among it.
    public var settings: SiteSettings
    /// The site's own hosts, lower case, without a leading `www.`.
    public var hosts: [String]
    /// Query keys that belong to the path.
    public var keepQuery: [String]
    /// Browsers that send one of these are counted without a visitor.
    public var anonymous: [PrivacySignal] = []
    /// Parts of agents that are bots' here, without regard to case.
    public var bots: [String] = []
    /// Hosts whose referrals are bots' here, and those of every host below them; lower case, without a leading `www.`.
    public var spam: [String] = []

    /// A site with these settings.
    public init(_ settings: SiteSettings, hosts: [String] = [], keepQuery: [String] = []) {
        self.settings = settings
        self.hosts = hosts
        self.keepQuery = keepQuery
    }
}

/// The sites beacons may be of, and what visitors are hashed with today.
public struct SiteDirectory: Sendable {
    /// One site as admission sees it.
    struct Entry: Sendable {
        var profile: SiteProfile
        var hosts: [[UInt8]]
        var keepQuery: [[UInt8]]
        /// Lower case.
        var bots: [[UInt8]]
        var spam: [[UInt8]]
        /// Signals of browsers that are counted without a visitor, a bit each.
        var anonymous: UInt8 = 0
        var today: DaySpan
        var salt: UInt32
        var hasher: VisitorHasher
        /// Yesterday's, asked as well in the half hour after midnight.
        var formerSalt: UInt32?
        var formerHasher: VisitorHasher?
        /// False where the settings name the site no longer: its numbers stay, its beacons are nobody's.
        var isServed: Bool
        var anomalies = AnomalyDetector()

        init(_ profile: SiteProfile, today: DaySpan, _ salt: Salt, former: Salt?, isServed: Bool) {
            let name = Array(profile.settings.name.utf8)
            (self.profile, self.today, self.isServed) = (profile, today, isServed)
            (hosts, keepQuery, bots, spam) = ([], [], [], [])
            (self.salt, hasher) = (salt.number, VisitorHasher(salt, site: name.span))
            formerSalt = former?.number
            formerHasher = former.map { VisitorHasher($0, site: name.span) }
            adopt(profile)
        }

        mutating func adopt(_ profile: SiteProfile) {
            self.profile = profile
            hosts = profile.hosts.map { Array($0.utf8) }
            keepQuery = profile.keepQuery.map { Array($0.utf8) }
            bots = profile.bots.map { Array($0.lowercased().utf8) }
            spam = profile.spam.map { Array($0.utf8) }
            anonymous = profile.anonymous.reduce(0) { $0 | $1.bit }
        }
    }

    var entries: [Entry] = []
    private var names: KeyTable
    /// By what lines of logs call them; made anew when somebody asks after a change.
    private var logNames: LogNames?
    private let seed: HashSeed
    /// The earliest midnight still to come, of any site.
    public private(set) var nextMidnight = Moment(milliseconds: .max)

    /// When the oldest salt of a day before has been kept for an hour and must go.
    public private(set) var formerSaltsEnd = Moment(milliseconds: .max)
    private static let formerSaltMilliseconds: Int64 = 3_600_000

    /// No sites. `seed` keys the table of names.
    public init(seed: HashSeed) {
        self.seed = seed
        names = KeyTable(seed: seed)
    }

    /// Sites known.
    public var count: Int { entries.count }

    /// The site called `name`.
    @inline(__always)
    public func find(_ name: Span<UInt8>) -> SiteIndex? {
        guard let place = names.find(name), entries[place].isServed else { return nil }
        return SiteIndex(place)
    }

    /// The site called `name`, whether it is served or was once.
    public func known(_ name: String) -> SiteIndex? { names.find(Array(name.utf8).span).map(SiteIndex.init) }

    /// The site that a syslog tag names, in which an underscore stands for any of `. _ -`. A name spelled so goes before
    /// others; where it could be two others, it is nobody's.
    @inline(__always)
    mutating func find(tag: Span<UInt8>) -> SiteIndex? {
        index()
        return find(tag) ?? logNames?.find(tag: tag)
    }

    /// The site whose host this is.
    @inline(__always)
    mutating func find(host: Span<UInt8>) -> SiteIndex? {
        index()
        return logNames?.find(host: host)
    }

    private mutating func index() {
        if logNames == nil { logNames = LogNames(entries, seed: seed) }
    }

    /// The visitor's key, and the one under yesterday's salt in the half hour after midnight, else 0.
    @inline(__always)
    mutating func keys(
        _ address: NetworkAddress, _ agent: Span<UInt8>, of site: SiteIndex, at moment: Moment
    ) -> (visitor: UInt64, former: UInt64) {
        let former = formerHasher(of: site, at: moment)?.key(address, agent: agent)
        return (entries[site.number].hasher.key(address, agent: agent), former ?? 0)
    }

    /// The same for a visitor whom the sender calls `id`.
    @inline(__always)
    func keys(id: Span<UInt8>, of site: SiteIndex, at moment: Moment) -> (visitor: UInt64, former: UInt64) {
        (entries[site.number].hasher.key(id: id), formerHasher(of: site, at: moment)?.key(id: id) ?? 0)
    }

    @inline(__always)
    private func formerHasher(of site: SiteIndex, at moment: Moment) -> VisitorHasher? {
        moment.second - entries[site.number].today.begins.second < visitGapSecondsMax
            ? entries[site.number].formerHasher : nil
    }

    /// The host is one of the site's own.
    @inline(__always)
    func isOwn(_ host: Span<UInt8>, of site: SiteIndex) -> Bool {
        for own in entries[site.number].hosts where equal(own.span, host) { return true }
        return false
    }

    /// A site's profile.
    public func profile(of site: SiteIndex) -> SiteProfile { entries[site.number].profile }

    /// Adds a site at the next index; its name must be new.
    public mutating func add(_ profile: SiteProfile, today: DaySpan, salt: Salt) -> SiteIndex {
        add(profile, today: today, salt: salt, former: nil, isServed: true)
    }

    /// Adds a site of a restored state, with the salt of the day before where that is still kept.
    public mutating func restore(_ profile: SiteProfile, today: DaySpan, salt: Salt, former: Salt?) {
        let site = add(profile, today: today, salt: salt, former: former, isServed: false)
        guard former != nil else { return }
        formerSaltsEnd = min(formerSaltsEnd, entries[site.number].today.begins + Self.formerSaltMilliseconds)
    }

    private mutating func add(
        _ profile: SiteProfile, today: DaySpan, salt: Salt, former: Salt?, isServed: Bool
    ) -> SiteIndex {
        let name = Array(profile.settings.name.utf8)
        guard case (let place, true)? = names.findOrAdd(name.span, limit: .max) else {
            preconditionFailure("a site was added twice")
        }
        entries.append(Entry(profile, today: today, salt, former: former, isServed: isServed))
        nextMidnight = min(nextMidnight, today.ends)
        logNames = nil
        return SiteIndex(place)
    }

    /// Serves a site that is known, by a profile of the same name; `today` is its day in the profile's zone.
    public mutating func serve(_ site: SiteIndex, by profile: SiteProfile, today: DaySpan) {
        entries[site.number].adopt(profile)
        entries[site.number].today = today
        entries[site.number].isServed = true
        logNames = nil
        // If that is too early now, the next turn of days puts it right.
        nextMidnight = min(nextMidnight, today.ends)
    }

    /// Serves no site any more, until it is served again.
    public mutating func serveNone() {
        for i in entries.indices { entries[i].isServed = false }
        logNames = nil
    }

    /// Begins another local day of some sites: a new salt from here on, the old one for half an hour beside it. Without
    /// a new one the old one goes on.
    public mutating func rollOver(_ rollovers: [(site: SiteIndex, day: DaySpan, salt: Salt?)]) {
        for (site, day, salt) in rollovers {
            entries[site.number].today = day
            guard let salt else { continue }
            let name = Array(entries[site.number].profile.settings.name.utf8)
            entries[site.number].formerHasher = entries[site.number].hasher
            entries[site.number].formerSalt = entries[site.number].salt
            entries[site.number].hasher = VisitorHasher(salt, site: name.span)
            entries[site.number].salt = salt.number
            formerSaltsEnd = min(formerSaltsEnd, day.begins + Self.formerSaltMilliseconds)
        }
        nextMidnight = entries.reduce(Moment(milliseconds: .max)) { min($0, $1.today.ends) }
    }

    /// Forgets the salts of days that ended an hour ago or more.
    public mutating func forgetFormerSalts(at moment: Moment) {
        formerSaltsEnd = Moment(milliseconds: .max)
        for i in entries.indices where entries[i].formerHasher != nil {
            let end = entries[i].today.begins + Self.formerSaltMilliseconds
            if moment < end {
                formerSaltsEnd = min(formerSaltsEnd, end)
            } else {
                entries[i].formerHasher = nil
                entries[i].formerSalt = nil
            }
        }
    }

    /// The sites whose local day is over at `moment`, or has not begun yet because time has gone back.
    public func sitesToRollOver(at moment: Moment) -> [SiteIndex] {
        entries.indices.filter { moment >= entries[$0].today.ends || moment < entries[$0].today.begins }
            .map { SiteIndex($0) }
    }

    /// A site's running day.
    public func today(of site: SiteIndex) -> DaySpan { entries[site.number].today }

    /// The number of the salt that a site's visitors are hashed with.
    public func salt(of site: SiteIndex) -> UInt32 { entries[site.number].salt }

    /// The numbers of the salts in use, today's and those of the day before.
    public var saltsInUse: Set<UInt32> {
        entries.reduce(into: []) { numbers, entry in
            numbers.insert(entry.salt)
            if let former = entry.formerSalt { numbers.insert(former) }
        }
    }
}
