public import Counting

/// Decides which hits count: turns what comes in by any way into hits, or refuses it with a reason.
///
/// The privacy boundary: address and agent come in here and only the visitor's key goes on. What is admitted is written to
/// the frame at once; what is refused is counted in `counts`. Nothing is allocated once its buffers have grown.
///
/// Datagrams come in here (`BeaconDatagram`, `LogDatagram`), hits of browsers in `BrowserHit`. All of them end in the one
/// `admit` of `AdmitHit`.
public struct Admission: Sendable {
    /// The sites.
    public var sites: SiteDirectory
    /// Where unsigned datagrams are believed from.
    var trusted: Networks
    /// File name extensions that are no pages.
    var assets: [[UInt8]]
    /// The site of log lines that name none, or empty.
    var logSite: [UInt8]
    var bots: Bots
    let spam = ReferrerSpam.list
    /// Limits of browsers.
    var rates: Rates
    var signatures: Signatures
    /// Names under which lines of logs came in pieces lately.
    var fragments = LogFragments()

    /// Counts of the frame that is being written.
    public var counts = FrameCounts()
    /// Nothing can be kept any more: every datagram's records are refused as `limit`.
    public var isRefusing = false

    // The texts of the hit in hand, in buffers that are used again.
    var page = FieldText()
    var referrer = FieldText()
    var agent = FieldText()
    /// A value of a few bytes: a site's name, an event, a visitor's id.
    var short = Text()
    /// A URL with its escapes undone.
    var url = Text()
    var fileExtension = Text()

    /// Longest values after decoding, in bytes.
    static let urlBytesMax = 1024
    static let agentBytesMax = 512

    /// What settings say of how beacons are read.
    public struct Rules: Sendable {
        /// Where unsigned datagrams are believed from.
        public var trusted: Networks
        /// File name extensions, without the dot, that are no pages.
        public var assets: [String]
        /// The site of log lines that name none, or empty.
        public var logSite: String
        /// What browsers may send in a second from one address, and to one site.
        public var visitorPerSecond: Int, sitePerSecond: Int

        /// Unless said otherwise every file is a page, and browsers may send as much as they like.
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
        bots = Bots(seed: seed)
        signatures = Signatures(seed: seed)
        reload(rules)
    }

    /// Believes datagrams of a site that are signed with one of these keys, two at most, and with no other.
    public mutating func setKeys(_ keys: [String], of site: SiteIndex) { signatures.set(keys, of: site) }

    /// The frame is counted: the engine knows its signatures now.
    public mutating func forgetPendingSignatures() { signatures.forgetPending() }

    /// Reads beacons by other rules from now on; what was remembered of senders stays.
    public mutating func reload(_ rules: Rules) {
        trusted = rules.trusted
        assets = rules.assets.map { Array($0.utf8) }
        logSite = Array(rules.logSite.utf8)
        rates.set(visitorPerSecond: rules.visitorPerSecond, sitePerSecond: rules.sitePerSecond)
    }

    /// Who sent a datagram.
    public enum Sender: Sendable {
        /// Whoever holds this address.
        case address(NetworkAddress)
        /// A file or this daemon itself.
        case ourselves
    }

    /// How a datagram or a browser's hit came.
    public struct Arrival: Sendable {
        /// Who sent it.
        public var sender: Sender
        /// Its slot was too short for it.
        public var isTruncated: Bool
        /// When it came, in milliseconds of the wall clock.
        public var stamp: Int64
        /// The moment that its hits count at.
        public var moment: Moment
        /// The same by a clock that never jumps, in milliseconds.
        public var steady: Int64

        /// A datagram that came whole, unless said otherwise.
        public init(from sender: Sender, isTruncated: Bool = false, stamp: Int64, at moment: Moment, steady: Int64 = 0)
        {
            self.sender = sender
            self.isTruncated = isTruncated
            self.stamp = stamp
            self.moment = moment
            self.steady = steady
        }
    }

    /// Admits the records of a datagram into `frame`; `seen` are signatures that may not come again.
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

/// What is counted beside the hits of one frame.
public struct FrameCounts: Sendable {
    private var counters = Counters()
    /// Records refused, by the site they name.
    public private(set) var rejectedBySite: [SiteIndex: UInt64] = [:]

    /// How often something happened.
    @inline(__always)
    public subscript(counter: Counter) -> UInt64 {
        get { counters[counter] }
        set { counters[counter] = newValue }
    }

    /// Counts a record that is refused, of a site if it is known. The one place where refusals are counted.
    public mutating func refuse(_ reason: BeaconRejection, of site: SiteIndex?) {
        counters[reason.counter] += 1
        if let site { rejectedBySite[site, default: 0] += 1 }
    }

    /// Moves all counts into `frame`, as its last records.
    public mutating func move(into frame: inout Frame) {
        for (counter, count) in counters.nonzero { frame.append(.counter(counter, count)) }
        counters.removeAll()
        for (site, count) in rejectedBySite.sorted(by: { $0.key < $1.key }) { frame.append(.rejected(site, count)) }
        rejectedBySite.removeAll(keepingCapacity: true)
    }
}
