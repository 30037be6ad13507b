public import Counting

/// Decides which beacons count: turns the fields of a datagram into hits, or refuses it with a reason.
///
/// The privacy boundary: address and agent come in here and only the visitor's key goes on. What is admitted is
/// written to the frame at once; what is refused is counted. Nothing is allocated once its buffers have grown.
public struct Admission: Sendable {
    /// The sites.
    public var sites: SiteDirectory
    private var trusted: Networks
    private var assets: [[UInt8]]
    var bots: Bots
    /// Limits of the browser door.
    var rates: Rates

    /// Counts of the frame being written; whoever closes the frame takes them.
    public var tallies = Tallies()
    /// Nothing can be kept any more: every beacon is refused as `limit`.
    public var isRefusing = false
    /// Beacons refused per known site in the frame being written.
    public var rejectedBySite: [SiteIndex: UInt64] = [:]

    private var form = Text()
    private var path = Text()
    var referrer = Text()
    private(set) var agent = Text()
    private var short = Text()

    /// Longest values after decoding, in bytes.
    static let urlBytesMax = 1024
    static let agentBytesMax = 512

    /// Reads beacons for `sites`. `assets` are the file name extensions, without the dot, that are no pages. Without
    /// `rates` browsers may send as much as they like.
    public init(
        sites: SiteDirectory, trusted: Networks, assets: [String], rates: Rates? = nil, seed: HashSeed
    ) {
        self.sites = sites
        self.rates = rates ?? Rates(visitorPerSecond: 1_000_000, sitePerSecond: 1_000_000, seed: seed)
        self.trusted = trusted
        self.assets = assets.map { Array($0.utf8) }
        bots = Bots(seed: seed)
    }

    /// Reads beacons by other settings from now on.
    public mutating func reload(trusted: Networks, assets: [String], visitorPerSecond: Int, sitePerSecond: Int) {
        self.trusted = trusted
        self.assets = assets.map { Array($0.utf8) }
        rates.set(visitorPerSecond: visitorPerSecond, sitePerSecond: sitePerSecond)
    }

    /// Who sent a datagram.
    public enum Sender: Sendable {
        /// Whoever holds this address.
        case address(NetworkAddress)
        /// A file or this daemon itself.
        case ourselves
    }

    /// Admits the records of a datagram that arrived at `moment` into `frame`.
    public mutating func admit(
        _ datagram: Span<UInt8>, from sender: Sender, isTruncated: Bool, at moment: Moment, into frame: inout Frame
    ) {
        tallies[.datagrams] += 1
        tallies[.bytes] += UInt64(datagram.count)
        var beacons = Beacons(datagram)
        do throws(DatagramRejection) {
            guard !isTruncated else { throw .oversize }
            try beacons.begin()
            guard isTrusted(sender) else { throw beacons.isSigned ? .signature : .untrusted }
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
                    try admit(beacons.beacon, in: datagram, at: moment, into: &frame)
                } catch {
                    reject(error, beacons.beacon, in: datagram)
                }
            case .rejected(let reason): reject(reason, beacons.beacon, in: datagram)
            case .end: break lines
            }
            tallies[.records] += 1
        }
        tallies[.unknownKeys] += UInt64(beacons.unknownKeys)
        tallies[.droppedFields] += UInt64(beacons.malformedFields)
    }

    /// The names, without repetition, that records of the datagram give and no site has.
    public func unknownSites(in datagram: Span<UInt8>) -> [String] {
        var names: [String] = []
        var beacons = Beacons(datagram)
        guard (try? beacons.begin()) != nil else { return names }
        var text = Text()
        while true {
            let line = beacons.next()
            if case .end = line { break }
            guard case .record = line, let place = beacons.beacon[.site],
                !text.decodeForm(datagram.extracting(place), limit: 64), isSiteName(text.span),
                sites.find(text.span) == nil
            else { continue }
            let name = String(decoding: text.bytes, as: UTF8.self)
            if !names.contains(name) { names.append(name) }
        }
        return names
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

    mutating func reject(_ reason: BeaconRejection, _ beacon: Beacon, in bytes: Span<UInt8>) {
        if let place = beacon[.site], let site = find(bytes.extracting(place)) {
            refuse(reason, of: site)
        } else {
            tallies[reason.tally] += 1
        }
    }

    @inline(__always)
    private mutating func admit(
        _ beacon: Beacon, in bytes: Span<UInt8>, at moment: Moment, into frame: inout Frame
    ) throws(BeaconRejection) {
        let kind = try kind(beacon, in: bytes)
        let site = try site(beacon, in: bytes)
        if beacon[.method] != nil || beacon[.status] != nil { try checkLogFields(beacon, in: bytes) }
        if let host = beacon[.host], host.count > 253 { tallies[.droppedFields] += 1 }

        let rawAgent = bytes.extracting(beacon[.agent] ?? 0..<0)
        let isAgentPlain = rawAgent.count <= Self.agentBytesMax && spelling(of: rawAgent) == .plain
        if !isAgentPlain {
            if agent.decodeForm(rawAgent, limit: Self.agentBytesMax) { tallies[.cutFields] += 1 }
            _ = agent.clean(limit: Self.agentBytesMax)
        }
        let decodedAgent = isAgentPlain ? [] : agent.bytes
        let isBot = isAgentPlain ? bots.declares(rawAgent) : bots.declares(decodedAgent.span)
        if isBot {
            appendBot(to: &frame, site, moment, kind, door: .beacon)
            return
        }
        let (visitor, former) =
            isAgentPlain
            ? keys(beacon, rawAgent, in: bytes, of: site, at: moment)
            : keys(beacon, decodedAgent.span, in: bytes, of: site, at: moment)
        appendHit(
            to: &frame, site, moment, kind, door: .beacon, visitor, former, bytes, url: beacon[.url],
            referrer: beacon[.referrer])
    }

    /// Makes `agent` the value of a field that is not encoded.
    mutating func setAgent(_ value: [UInt8]) {
        agent.removeAll()
        for byte in value.prefix(Self.agentBytesMax) { agent.append(byte) }
        if value.count > Self.agentBytesMax { tallies[.cutFields] += 1 }
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

    /// Writes the hit of a record whose visitor is known, with the page and the referrer it gives.
    @inline(__always)
    mutating func appendHit(
        to frame: inout Frame, _ site: SiteIndex, _ moment: Moment, _ kind: Hit.Kind, door: Door, _ visitor: UInt64,
        _ former: UInt64, _ bytes: Span<UInt8>, url: Range<Int>?, referrer place: Range<Int>?
    ) {
        if kind == .view { sites.entries[site.number].watch.see(visitor, by: door, at: moment) }
        let isRawPath = kind == .ping || isRawPath(url, in: bytes, of: site)
        let origin = kind == .view ? origin(place, in: bytes, of: site) : Origin(kind: .direct)
        Self.append(
            to: &frame, site, moment, kind, door, visitor, former, bytes,
            path: isRawPath ? url ?? 0..<0 : nil, decodedPath: path.bytes,
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

    // MARK: Fields

    @inline(__always)
    mutating func kind(_ beacon: Beacon, in bytes: Span<UInt8>) throws(BeaconRejection) -> Hit.Kind {
        guard let place = beacon[.event] else { return .view }
        guard decodeShort(bytes.extracting(place), limit: 16), short.bytes == Self.ping else {
            throw .syntax
        }
        return .ping
    }

    private static let ping = Array("ping".utf8)

    @inline(__always)
    mutating func site(_ beacon: Beacon, in bytes: Span<UInt8>) throws(BeaconRejection) -> SiteIndex {
        guard let place = beacon[.site] else { throw .siteMissing }
        let raw = bytes.extracting(place)
        if let site = find(raw) { return site }
        guard decodeShort(raw, limit: 64), isSiteName(short.span) else {
            tallies[.droppedFields] += 1
            throw .siteMissing
        }
        throw .siteUnknown
    }

    /// The site whose name stands in `raw`, with or without escapes.
    @inline(__always)
    private mutating func find(_ raw: Span<UInt8>) -> SiteIndex? {
        if let site = sites.find(raw) { return site }
        guard spelling(of: raw) == .other, decodeShort(raw, limit: 64) else { return nil }
        return sites.find(short.span)
    }

    /// Fields that only servers send: the record is a line of their log, and not every request is a page view.
    private mutating func checkLogFields(_ beacon: Beacon, in bytes: Span<UInt8>) throws(BeaconRejection) {
        if let place = beacon[.method] {
            guard decodeShort(bytes.extracting(place), limit: 16), short.bytes == Self.get else {
                throw .method
            }
        }
        if let place = beacon[.status] {
            guard decodeShort(bytes.extracting(place), limit: 3), isPageStatus(short.bytes) else {
                throw .status
            }
        }
        if let place = beacon[.url] {
            _ = form.decodeForm(bytes.extracting(place), limit: Self.urlBytesMax)
            _ = path.setPath(form.bytes, keepQuery: [])
            if isAsset(path.bytes) { throw .asset }
        }
    }

    private static let get = Array("GET".utf8)

    private func isPageStatus(_ status: [UInt8]) -> Bool {
        guard status.count == 3, status.allSatisfy(isDigit) else { return false }
        return status[0] == 0x32 || status == [0x33, 0x30, 0x34]
    }

    private func isAsset(_ path: [UInt8]) -> Bool {
        guard let dot = path.lastIndex(of: 0x2e), !path[dot...].contains(0x2f) else { return false }
        let name = path[(dot + 1)...].map { $0 &- 0x41 < 26 ? $0 | 0x20 : $0 }
        return assets.contains(name)
    }

    /// The visitor's key, and the one under yesterday's salt in the half hour after midnight; 0 without a visitor.
    @inline(__always)
    private mutating func keys(
        _ beacon: Beacon, _ agent: Span<UInt8>, in bytes: Span<UInt8>, of site: SiteIndex, at moment: Moment
    ) -> (visitor: UInt64, former: UInt64) {
        if let place = beacon[.visitor], !place.isEmpty {
            if decodeShort(bytes.extracting(place), limit: 64) {
                if beacon[.event] == nil { sites.entries[site.number].watch.seeNoAddress() }
                return sites.entries[site.number].keys(id: short.span, at: moment)
            }
            tallies[.droppedFields] += 1
        }
        guard let place = beacon[.address], !place.isEmpty else { return (0, 0) }
        guard let address = address(bytes.extracting(place)) else {
            tallies[.droppedFields] += 1
            return (0, 0)
        }
        if beacon[.event] == nil { sites.entries[site.number].watch.see(address) }
        return sites.entries[site.number].keys(address, agent, at: moment)
    }

    @inline(__always)
    private mutating func address(_ raw: Span<UInt8>) -> NetworkAddress? {
        if let address = NetworkAddress(raw) { return address }
        guard spelling(of: raw) == .other, decodeShort(raw, limit: 45) else { return nil }
        return NetworkAddress(short.span)
    }

    /// True where the value of `u` is its own path; else `path` holds the decoded one.
    @inline(__always)
    private mutating func isRawPath(_ url: Range<Int>?, in bytes: Span<UInt8>, of site: SiteIndex) -> Bool {
        let raw = bytes.extracting(url ?? 0..<0)
        if isPlainPath(raw) { return true }
        if form.decodeForm(raw, limit: Self.urlBytesMax) { tallies[.cutFields] += 1 }
        _ = path.setPath(form.bytes, keepQuery: sites.entries[site.number].keepQuery)
        return false
    }

    private struct Origin {
        var kind: Hit.Origin
        /// Where the host stands in the datagram, if it is fit as it is.
        var raw: Range<Int>?
    }

    @inline(__always)
    private mutating func origin(_ place: Range<Int>?, in bytes: Span<UInt8>, of site: SiteIndex) -> Origin {
        guard let place, !place.isEmpty else { return Origin(kind: .direct) }
        let raw = bytes.extracting(place)
        if let host = plainHost(raw) {
            let range = place.lowerBound + host.lowerBound..<place.lowerBound + host.upperBound
            return isOwn(bytes.extracting(range), site) ? Origin(kind: .internal) : Origin(kind: .host, raw: range)
        }
        if form.decodeForm(raw, limit: Self.urlBytesMax) { tallies[.cutFields] += 1 }
        _ = referrer.setReferrerHost(form.bytes)
        if referrer.bytes.isEmpty { return Origin(kind: .direct) }
        return Origin(kind: isOwn(referrer.span, site) ? .internal : .host)
    }

    @inline(__always)
    func isOwn(_ host: Span<UInt8>, _ site: SiteIndex) -> Bool {
        for own in sites.entries[site.number].hosts where equal(own.span, host) { return true }
        return false
    }

    /// Decodes a short value into `short`; false if it is longer than `limit`, empty, or holds a NUL.
    private mutating func decodeShort(_ raw: Span<UInt8>, limit: Int) -> Bool {
        if short.decodeForm(raw, limit: limit) { return false }
        return !short.bytes.isEmpty && !short.bytes.contains(0)
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
