public import Counting

/// Decides which beacons count: turns the fields of a datagram into hits, or refuses it with a reason.
///
/// The privacy boundary: address and agent come in here and only the visitor's key goes on. What is admitted is
/// written to the frame at once; what is refused is counted. Nothing is allocated once its buffers have grown.
public struct Admission: Sendable {
    /// The sites.
    public var sites: SiteDirectory
    var trusted: Networks
    var assets: [[UInt8]]
    /// The site of log lines that name none, or empty.
    var logSite: [UInt8]
    var bots: Bots
    private let spam = ReferrerSpam.list
    /// Limits of the browser door.
    var rates: Rates
    var signatures: Signatures
    /// Names under which lines of logs came in pieces lately.
    var pieces = LogPieces()

    /// Counts of the frame being written; whoever closes the frame takes them.
    public var tallies = Tallies()
    /// Nothing can be kept any more: every beacon is refused as `limit`.
    public var isRefusing = false
    /// Beacons refused per known site in the frame being written.
    public var rejectedBySite: [SiteIndex: UInt64] = [:]

    var form = Text()
    var path = Text()
    var referrer = Text()
    var agent = Text()
    var short = Text()
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

    /// How a datagram came.
    public struct Arrival: Sendable {
        /// Who sent it.
        public var sender: Sender
        /// Its slot was too short for it.
        public var isTruncated: Bool
        /// When it came, in milliseconds of the wall clock.
        public var stamp: Int64

        /// A datagram that came whole, unless said otherwise.
        public init(from sender: Sender, isTruncated: Bool = false, stamp: Int64) {
            self.sender = sender
            self.isTruncated = isTruncated
            self.stamp = stamp
        }
    }

    /// Admits the records of a datagram into `frame`; `moment` is theirs, and `seen` are signatures that may not come again.
    public mutating func admit(
        _ datagram: Span<UInt8>, _ arrival: Arrival, at moment: Moment, seen: SeenSignatures, into frame: inout Frame
    ) {
        tallies[.datagrams] += 1
        tallies[.bytes] += UInt64(datagram.count)
        if Beacons.isNative(datagram) {
            admitBeacons(datagram, arrival, at: moment, seen: seen, into: &frame)
        } else if isTrusted(arrival.sender) {
            admitLines(datagram, arrival, at: moment, seen: seen, into: &frame)
        } else {
            tallies[.datagramsUntrusted] += 1
        }
    }

    /// How native beacons came in.
    struct Envelope {
        /// As a log's message: a beacon may name its site by its host as well, or not at all.
        var isMessage = false
        /// The site that the header of the message names.
        var site: SiteIndex?
        /// The site whose key the beacons are signed with: they are of no other.
        var signer: SiteIndex?
    }

    @inline(__always)
    mutating func admitBeacons(
        _ datagram: Span<UInt8>, _ arrival: Arrival, in envelope: Envelope = Envelope(), at moment: Moment,
        seen: SeenSignatures, into frame: inout Frame
    ) {
        var beacons = Beacons(datagram)
        var envelope = envelope
        do throws(DatagramRejection) {
            guard !arrival.isTruncated else { throw .oversize }
            try beacons.begin()
            if beacons.isSigned {
                envelope.signer = try checkSignature(datagram, beacons, arrival, seen: seen, into: &frame)
            } else {
                guard isTrusted(arrival.sender) else { throw .untrusted }
            }
        } catch {
            tallies[error.tally] += 1
            return
        }
        tallies[.parsedDatagrams] += 1
        lines: while true {
            switch beacons.next() {
            case .record:
                do throws(BeaconRejection) {
                    guard !isRefusing else { throw .limit }
                    try admit(beacons.beacon, in: datagram, envelope, at: moment, into: &frame)
                } catch {
                    reject(error, beacons.beacon, envelope, in: datagram)
                }
            case .rejected(let reason): reject(reason, beacons.beacon, envelope, in: datagram)
            case .end: break lines
            }
            tallies[.records] += 1
        }
        tallies[.unknownKeys] += UInt64(beacons.unknownKeys)
        tallies[.droppedFields] += UInt64(beacons.malformedFields)
    }

    /// The site whose key signed a datagram. A sender that is believed without one needs none where its site has none.
    private mutating func checkSignature(
        _ datagram: Span<UInt8>, _ beacons: Beacons, _ arrival: Arrival, seen: SeenSignatures,
        into frame: inout Frame
    ) throws(DatagramRejection) -> SiteIndex? {
        let site = beacons.beacon[.site].flatMap { find(datagram.extracting($0)) }
        if isTrusted(arrival.sender), !(site.map(signatures.hasKey) ?? false) { return nil }
        guard let site else { throw .signature }
        let address: NetworkAddress? = if case .address(let address) = arrival.sender { address } else { nil }
        frame.append(
            try signatures.check(datagram, beacons, of: site, from: address, stamp: arrival.stamp, seen: seen))
        return site
    }

    private func isTrusted(_ sender: Sender) -> Bool {
        switch sender {
        case .ourselves: true
        case .address(let address): trusted.contains(address)
        }
    }

    /// Takes back a record that was admitted and could not be kept.
    public mutating func refuse(_ reason: BeaconRejection, of site: SiteIndex) {
        tallies[reason.tally] += 1
        rejectedBySite[site, default: 0] += 1
    }

    mutating func reject(
        _ reason: BeaconRejection, _ beacon: Beacon, _ envelope: Envelope = Envelope(), in bytes: Span<UInt8>
    ) {
        reject(reason, of: envelope.site ?? beacon[.site].flatMap { find(bytes.extracting($0)) })
    }

    /// Counts a refusal, of a site if it is known.
    mutating func reject(_ reason: BeaconRejection, of site: SiteIndex?) {
        if let site { refuse(reason, of: site) } else { tallies[reason.tally] += 1 }
    }

    @inline(__always)
    private mutating func admit(
        _ beacon: Beacon, in bytes: Span<UInt8>, _ envelope: Envelope, at moment: Moment, into frame: inout Frame
    ) throws(BeaconRejection) {
        let kind = try kind(beacon[.event], in: bytes)
        let site = try envelope.isMessage ? site(beacon, in: bytes, envelope) : site(beacon, in: bytes)
        if let signer = envelope.signer, signer != site { throw .siteUnknown }
        if let host = beacon[.host], host.count > 253 { tallies[.droppedFields] += 1 }
        // Who signs is believed about its visitors, and is no server that logs every request.
        let isLog = envelope.signer == nil && (beacon[.method] != nil || beacon[.status] != nil)
        if isLog { try checkRequest(beacon[.method], beacon[.status], in: bytes) }
        let path = kind == .view || isLog ? path(beacon[.url], in: bytes, .form, of: site) : 0..<0
        if isLog { try checkIsPage(path, in: bytes) }

        let origin = origin(kind == .view ? beacon[.referrer] : nil, in: bytes, .form, of: site)

        let rawAgent = bytes.extracting(beacon[.agent] ?? 0..<0)
        let isAgentPlain = takeAgent(rawAgent, .form)
        let decodedAgent = isAgentPlain ? [] : agent.bytes
        let isBot =
            isSpam(origin, in: bytes, at: site)
            || (isAgentPlain ? isBot(rawAgent, at: site) : isBot(decodedAgent.span, at: site))
            || isLog && beacon[.agent] != nil && isNoAgent(isAgentPlain ? rawAgent : decodedAgent.span)
        let door: Door = isLog ? .log : .beacon
        if isBot {
            appendBot(to: &frame, site, moment, kind, door: door)
            return
        }
        let (visitor, former) =
            isAgentPlain
            ? keys(beacon, rawAgent, in: bytes, of: site, at: moment)
            : keys(beacon, decodedAgent.span, in: bytes, of: site, at: moment)
        appendHit(to: &frame, site, moment, kind, door: door, visitor, former, bytes, path: path, origin)
    }

    /// True where the value is the agent as it stands; else `agent` holds it decoded.
    @inline(__always)
    mutating func takeAgent(_ raw: Span<UInt8>, _ escaping: Escaping) -> Bool {
        if raw.count <= Self.agentBytesMax, escaping.leaves(raw) { return true }
        if agent.decode(raw, escaping, limit: Self.agentBytesMax) { tallies[.cutFields] += 1 }
        _ = agent.clean(limit: Self.agentBytesMax)
        return false
    }

    /// The agent is a declared bot's, or one that the site calls so.
    @inline(__always)
    mutating func isBot(_ agent: Span<UInt8>, at site: SiteIndex) -> Bool {
        bots.declares(agent)
            || !sites.entries[site.number].bots.isEmpty && Bots.has(sites.entries[site.number].bots, in: agent)
    }

    /// The referrer is known for being sent by programs, to be read in lists like ours.
    @inline(__always)
    mutating func isSpam(_ origin: Origin, in bytes: Span<UInt8>, at site: SiteIndex) -> Bool {
        guard origin.kind == .host else { return false }
        let decoded = referrer.bytes
        let host = if let raw = origin.raw { bytes.extracting(raw) } else { decoded.span }
        return spam.holds(host, or: sites.entries[site.number].spam)
    }

    /// What servers log where no agent was sent.
    @inline(__always)
    func isNoAgent(_ agent: Span<UInt8>) -> Bool { agent.count == 0 || agent.count == 1 && agent[0] == 0x2d }

    /// Makes `agent` the value of a field that is not encoded.
    mutating func setAgent(_ value: [UInt8]) {
        agent.removeAll()
        for byte in value.prefix(Self.agentBytesMax + 1) { agent.append(byte) }
        if agent.bytes.count > Self.agentBytesMax {
            agent.cut(to: Self.agentBytesMax)
            tallies[.cutFields] += 1
        }
        _ = agent.clean(limit: Self.agentBytesMax)
    }

    mutating func appendBot(
        to frame: inout Frame, _ site: SiteIndex, _ moment: Moment, _ kind: Hit.Kind, door: Door
    ) {
        let none: [UInt8] = []
        frame.append(
            Hit(
                site: site, moment: moment, kind: kind, door: door, isBot: true, visitor: 0, formerVisitor: 0,
                path: none.span, origin: .direct, referrer: none.span))
    }

    /// Writes the hit of a record whose visitor is known. `path` and `origin` are as the functions of these names found them.
    @inline(__always)
    mutating func appendHit(
        to frame: inout Frame, _ site: SiteIndex, _ moment: Moment, _ kind: Hit.Kind, door: Door, _ visitor: UInt64,
        _ former: UInt64, _ bytes: Span<UInt8>, path: Range<Int>?, _ origin: Origin
    ) {
        if kind == .view { sites.entries[site.number].watch.see(visitor, by: door, at: moment) }
        Self.append(
            to: &frame, site, moment, kind, door, visitor, former, bytes,
            path: kind == .view ? path : 0..<0, decodedPath: self.path.bytes,
            origin: origin, decodedReferrer: referrer.bytes)
    }

    /// Writes a hit of the raw bytes where they are fit as they are, else of their decoded copies.
    @inline(__always)
    private static func append(
        to frame: inout Frame, _ site: SiteIndex, _ moment: Moment, _ kind: Hit.Kind, _ door: Door, _ visitor: UInt64,
        _ former: UInt64, _ bytes: Span<UInt8>, path: Range<Int>?, decodedPath: [UInt8], origin: Origin,
        decodedReferrer: [UInt8]
    ) {
        let decodedPath = decodedPath.span
        let decodedReferrer = decodedReferrer.span
        let path = if let path { bytes.extracting(path) } else { decodedPath }
        let referrer = if let raw = origin.raw { bytes.extracting(raw) } else { decodedReferrer }
        frame.append(
            Hit(
                site: site, moment: moment, kind: kind, door: door, isBot: false, visitor: visitor,
                formerVisitor: former, path: path, origin: origin.kind, referrer: referrer))
    }
}

/// 1…64 of `a-z 0-9 . _ -`.
public func isSiteName(_ name: Span<UInt8>) -> Bool {
    guard (1...64).contains(name.count) else { return false }
    for i in name.indices {
        guard isLowerOrDigit(name[i]) || name[i] == 0x2e || name[i] == 0x5f || name[i] == 0x2d else { return false }
    }
    return true
}
