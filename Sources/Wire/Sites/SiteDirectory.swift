public import Counting

/// A site's settings for reading beacons.
public struct SiteProfile: Equatable, Sendable {
    /// The settings that counting depends on, with the name.
    public var settings: SiteSettings
    /// The site's own hosts, in lower case, without a leading `www.`.
    public var hosts: [String]
    /// Query keys that belong to the path.
    public var keepQuery: [String]
    /// Browsers that send one of these signals are counted without a visitor.
    public var anonymous: [PrivacySignal] = []
    /// Parts of agents that count as bots on this site, in any case.
    public var bots: [String] = []
    /// Hosts whose referrals count as bots on this site, with all hosts below them. In lower case, without a leading
    /// `www.`.
    public var spam: [String] = []

    /// A site with these settings.
    public init(_ settings: SiteSettings, hosts: [String] = [], keepQuery: [String] = []) {
        self.settings = settings
        self.hosts = hosts
        self.keepQuery = keepQuery
    }
}

/// The sites of beacons, and today's salts for their visitors.
public struct SiteDirectory: Sendable {
    /// One site for admission.
    struct Entry: Sendable {
        let name: [UInt8]
        var profile: SiteProfile
        var hosts: [[UInt8]]
        var keepQuery: [[UInt8]]
        /// In lower case.
        var bots: [[UInt8]]
        var spam: [[UInt8]]
        /// Signals of browsers that are counted without a visitor, one bit each.
        var anonymous: UInt8 = 0
        var today: DaySpan
        var salt: UInt32
        var hasher: VisitorHasher
        /// Yesterday's salt, also used in the half hour after midnight.
        var formerSalt: UInt32?
        var formerHasher: VisitorHasher?
        /// False if the settings no longer name the site: its numbers stay, its beacons are refused.
        var isServed: Bool
        var anomalies = AnomalyDetector()

        init(_ profile: SiteProfile, today: DaySpan, _ salt: Salt, former: Salt?, isServed: Bool) {
            let name = Array(profile.settings.name.utf8)
            self.name = name
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
    /// The site that `findAgain` found last.
    private var lastFound = SiteIndex(0)
    private var lastName: ShortName?
    /// The names of sites in log lines. Built again on the first use after a change.
    private var logNames: LogNames?
    private let seed: HashSeed
    /// The earliest coming midnight of any site.
    public private(set) var nextMidnight = Moment(milliseconds: .max)

    /// When the oldest salt of a former day is an hour past its end and must be forgotten.
    public private(set) var formerSaltsEnd = Moment(milliseconds: .max)
    private static let formerSaltMilliseconds: Int64 = 3_600_000

    /// No sites. `seed` keys the table of names.
    public init(seed: HashSeed) {
        self.seed = seed
        names = KeyTable(seed: seed)
    }

    /// The number of known sites.
    public var count: Int { entries.count }

    /// The site called `name`.
    @inline(__always)
    public func find(_ name: Span<UInt8>) -> SiteIndex? {
        guard let place = names.find(name), entries[place].isServed else { return nil }
        return SiteIndex(place)
    }

    /// The site whose name is at `place`. Beacons of one site often come together, so a name of at most 16 bytes is
    /// compared with the last one first.
    @inline(__always)
    mutating func findAgain(_ place: Range<Int>, in bytes: Span<UInt8>) -> SiteIndex? {
        let name = ShortName(place, in: bytes)
        if let name, name == lastName { return lastFound }
        guard let site = find(bytes.extracting(place)) else { return nil }
        if let name { (lastFound, lastName) = (site, name) }
        return site
    }

    /// A name of 1 to 16 bytes, for comparing in three steps.
    private struct ShortName: Equatable {
        let first: UInt64, last: UInt64, count: Int

        @inline(__always)
        init?(_ place: Range<Int>, in bytes: Span<UInt8>) {
            count = place.count
            guard 1...16 ~= count else { return nil }
            first = bytes.word(at: place.lowerBound..<min(place.upperBound, place.lowerBound &+ 8))
            last = count > 8 ? bytes.word(at: place.upperBound &- 8) : 0
        }
    }

    /// The site called `name`, served or not.
    public func known(_ name: String) -> SiteIndex? { names.find(Array(name.utf8).span).map(SiteIndex.init) }

    /// The site of a syslog tag, in which an underscore stands for any of `. _ -`. An exact name goes first; a tag of
    /// two other names is unknown.
    @inline(__always)
    mutating func find(tag: Span<UInt8>) -> SiteIndex? {
        index()
        return find(tag) ?? logNames?.find(tag: tag)
    }

    /// The site with this host.
    @inline(__always)
    mutating func find(host: Span<UInt8>) -> SiteIndex? {
        index()
        return logNames?.find(host: host)
    }

    private mutating func index() {
        if logNames == nil { logNames = LogNames(entries, seed: seed) }
    }

    /// The visitor's key, and the key under yesterday's salt in the half hour after midnight, else 0.
    @inline(__always)
    mutating func keys(
        _ address: NetworkAddress, _ agent: Span<UInt8>, _ digest: UInt64, of site: SiteIndex, at moment: Moment
    ) -> (visitor: UInt64, former: UInt64) {
        let former = formerHasher(of: site, at: moment)?.key(address, agent: agent, digest: digest)
        return (entries[site.number].hasher.key(address, agent: agent, digest: digest), former ?? 0)
    }

    /// The same for a visitor with an id of the sender.
    @inline(__always)
    func keys(id: Span<UInt8>, of site: SiteIndex, at moment: Moment) -> (visitor: UInt64, former: UInt64) {
        (entries[site.number].hasher.key(id: id), formerHasher(of: site, at: moment)?.key(id: id) ?? 0)
    }

    @inline(__always)
    private func formerHasher(of site: SiteIndex, at moment: Moment) -> VisitorHasher? {
        moment.second - entries[site.number].today.begins.second < visitGapSecondsMax
            ? entries[site.number].formerHasher : nil
    }

    /// True if the host is one of the site's own.
    @inline(__always)
    func isOwn(_ host: Span<UInt8>, of site: SiteIndex) -> Bool {
        for own in entries[site.number].hosts where equal(own.span, host) { return true }
        return false
    }

    /// True if the host, or a domain above it, is spam by the site's own list.
    @inline(__always)
    func isSpam(_ host: Span<UInt8>, of site: SiteIndex) -> Bool {
        let listed = entries[site.number].spam
        return !listed.isEmpty
            && isInDomain(host) { domain in listed.contains { equal($0.span, domain) } }
    }

    /// A site's profile.
    public func profile(of site: SiteIndex) -> SiteProfile { entries[site.number].profile }

    /// Adds a site at the next index. Its name must be new.
    public mutating func add(_ profile: SiteProfile, today: DaySpan, salt: Salt) -> SiteIndex {
        add(profile, today: today, salt: salt, former: nil, isServed: true)
    }

    /// Adds a site of a restored state, with the salt of the day before if that is still stored.
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

    /// Serves a known site with a profile of the same name. `today` is its day in the profile's zone.
    public mutating func serve(_ site: SiteIndex, by profile: SiteProfile, today: DaySpan) {
        entries[site.number].adopt(profile)
        entries[site.number].today = today
        entries[site.number].isServed = true
        logNames = nil
        // If this is too early now, the next rollover corrects it.
        nextMidnight = min(nextMidnight, today.ends)
    }

    /// Stops serving all sites, until they are served again.
    public mutating func serveNone() {
        for i in entries.indices { entries[i].isServed = false }
        lastName = nil
        logNames = nil
    }

    /// Begins another local day of some sites with a new salt. The old salt is also used for half an hour. Without a
    /// new salt the old one stays in use.
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

    /// Forgets the salts of days that ended at least an hour ago.
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

    /// The sites whose local day has ended at `moment`, or has not begun because time has gone back.
    public func sitesToRollOver(at moment: Moment) -> [SiteIndex] {
        entries.indices.filter { moment >= entries[$0].today.ends || moment < entries[$0].today.begins }
            .map { SiteIndex($0) }
    }

    /// A site's running day.
    public func today(of site: SiteIndex) -> DaySpan { entries[site.number].today }

    /// The number of the salt for a site's visitors.
    public func salt(of site: SiteIndex) -> UInt32 { entries[site.number].salt }

    /// The numbers of the salts in use: today's and those of the day before.
    public var saltsInUse: Set<UInt32> {
        entries.reduce(into: []) { numbers, entry in
            numbers.insert(entry.salt)
            if let former = entry.formerSalt { numbers.insert(former) }
        }
    }
}
