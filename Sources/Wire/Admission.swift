public import Counting

/// Decides which hits count: turns all input into hits, or refuses it with a reason.
///
/// This is the privacy boundary: addresses and agents come in, only the visitor's key goes out. Admitted hits go to the
/// frame at once; refused records are counted in `counts`. After the buffers have grown, nothing is allocated.
///
/// Datagrams come in here (`BeaconDatagram`, `LogDatagram`), hits of browsers in `BrowserHit`. All of them end in the
/// one `admit` of `AdmitHit`.
public struct Admission: Sendable {
    /// The sites.
    public var sites: SiteDirectory
    /// Networks whose unsigned datagrams are trusted.
    var trusted: Networks
    /// File name extensions that are not pages.
    var assets: [[UInt8]]
    /// The site of log lines that name no site, or empty.
    var logSite: [UInt8]
    var knownAgents: KnownAgents
    var knownReferrers = KnownReferrers()
    let spam = ReferrerSpam.list
    /// The rate limits of browsers.
    var rates: Rates
    var signatures: Signatures
    /// Tags of log lines that recently came in fragments.
    var fragments = LogFragments()

    /// Counts of the current frame.
    public var counts = FrameCounts()
    /// True if nothing can be stored any more: the records of every datagram are refused as `limit`.
    public var isRefusing = false

    // The texts of the current hit, in reused buffers.
    var page = FieldText()
    var referrer = FieldText()
    /// True if the referrer is listed as spam.
    var isSpam = false
    var agent = FieldText()
    var agentTraits = AgentTraits.none
    /// A short value: a site's name, an event, a visitor's id.
    var short = Text()
    /// A decoded URL.
    var url = Text()
    var fileExtension = Text()

    /// The longest decoded values, in bytes.
    static let urlBytesMax = 1024
    static let agentBytesMax = 512
    static let idBytesMax = 64

    /// The settings that decide how beacons are read.
    public struct Rules: Sendable {
        /// Networks whose unsigned datagrams are trusted.
        public var trusted: Networks
        /// File name extensions, without the dot, that are not pages.
        public var assets: [String]
        /// The site of log lines that name no site, or empty.
        public var logSite: String
        /// How many hits a second browsers may send from one address, and to one site.
        public var visitorPerSecond: Int, sitePerSecond: Int

        /// By default every file is a page, and browsers may send a million hits a second.
        public init(
            trusted: Networks = .loopback, assets: [String] = [], logSite: String = "",
            visitorPerSecond: Int = 1_000_000, sitePerSecond: Int = 1_000_000
        ) {
            self.trusted = trusted
            self.assets = assets
            self.logSite = logSite
            self.visitorPerSecond = visitorPerSecond
            self.sitePerSecond = sitePerSecond
        }
    }

    /// Reads beacons for `sites`.
    public init(sites: SiteDirectory, rules: Rules, seed: HashSeed) {
        self.sites = sites
        (trusted, assets, logSite) = (rules.trusted, [], [])
        rates = Rates(visitorPerSecond: rules.visitorPerSecond, sitePerSecond: rules.sitePerSecond, seed: seed)
        knownAgents = KnownAgents(seed: seed)
        signatures = Signatures(seed: seed)
        reload(rules)
    }

    /// Accepts datagrams of a site that are signed with one of these keys, at most two, and no other keys.
    public mutating func setKeys(_ keys: [String], of site: SiteIndex) { signatures.set(keys, of: site) }

    /// Call it when the frame is counted: the engine then has its signatures.
    public mutating func forgetPendingSignatures() { signatures.forgetPending() }

    /// Uses other rules from now on. What is known about senders stays.
    public mutating func reload(_ rules: Rules) {
        trusted = rules.trusted
        assets = rules.assets.map { Array($0.utf8) }
        logSite = Array(rules.logSite.utf8)
        rates.set(visitorPerSecond: rules.visitorPerSecond, sitePerSecond: rules.sitePerSecond)
    }

    /// The sender of a datagram.
    public enum Sender: Sendable {
        /// The sender with this address.
        case address(NetworkAddress)
        /// A file, or the daemon itself.
        case ourselves
    }

    /// How a datagram or a browser's hit arrived.
    public struct Arrival: Sendable {
        /// Who sent it.
        public var sender: Sender
        /// True if it was longer than its slot.
        public var isTruncated: Bool
        /// When it arrived, in milliseconds of the wall clock.
        public var stamp: Int64
        /// The moment at which its hits count.
        public var moment: Moment
        /// When it arrived, in milliseconds of a clock that never jumps.
        public var steady: Int64

        /// An arrival; by default of a whole datagram.
        public init(from sender: Sender, isTruncated: Bool = false, stamp: Int64, at moment: Moment, steady: Int64 = 0)
        {
            self.sender = sender
            self.isTruncated = isTruncated
            self.stamp = stamp
            self.moment = moment
            self.steady = steady
        }
    }

    /// Admits the records of a datagram into `frame`. `seen` are signatures that are not accepted again.
    public mutating func admit(
        _ datagram: Span<UInt8>, _ arrival: Arrival, against seen: SeenSignatures, into frame: inout Frame
    ) {
        counts[.datagrams] += 1
        counts[.bytes] += UInt64(datagram.count)
        do throws(DatagramRejection) {
            if Beacons.isNative(datagram) {
                try admitBeacons(datagram, in: BeaconEnvelope(), arrival, against: seen, into: &frame)
            } else {
                guard isTrusted(arrival.sender) else { throw .untrusted }
                try admitLines(datagram, arrival, against: seen, into: &frame)
            }
            counts[.parsedDatagrams] += 1
        } catch {
            counts[error.counter] += 1
        }
    }

    func isTrusted(_ sender: Sender) -> Bool {
        switch sender {
        case .ourselves: true
        case .address(let address): trusted.contains(address)
        }
    }
}

/// Counts that belong to a frame, besides its hits.
public struct FrameCounts: Sendable {
    private var counters = Counters()
    /// Refused records by their site.
    public private(set) var rejectedBySite: [SiteIndex: UInt64] = [:]

    /// The count of a counter in this frame.
    @inline(__always)
    public subscript(counter: Counter) -> UInt64 {
        get { counters[counter] }
        set { counters[counter] = newValue }
    }

    /// Counts a refused record, also for its site if that is known. All refusals are counted here.
    public mutating func refuse(_ reason: BeaconRejection, of site: SiteIndex?) {
        counters[reason.counter] += 1
        if let site { rejectedBySite[site, default: 0] += 1 }
    }

    /// Moves all counts into `frame`, as its last records.
    public mutating func move(into frame: inout Frame) {
        counters.forEachNonzero { frame.append(.counter($0, $1)) }
        counters.removeAll()
        guard !rejectedBySite.isEmpty else { return }
        for (site, count) in rejectedBySite.sorted(by: { $0.key < $1.key }) { frame.append(.rejected(site, count)) }
        rejectedBySite.removeAll(keepingCapacity: true)
    }
}
