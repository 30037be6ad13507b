public import Counting

/// A hit that a page sends over HTTP: what the page says of itself, and what the connection says of its visitor.
///
/// Nobody vouches for a browser, so of the form's keys only those of the page are believed: `s u h r n`.
public struct BrowserHit: Sendable {
    /// The form as a datagram of one record.
    let datagram: [UInt8]
    /// What the page says.
    public var form: ArraySlice<UInt8> { datagram.dropFirst(3) }
    /// Where the visitor is.
    public let address: NetworkAddress
    /// The `User-Agent` field, or empty.
    let agent: [UInt8]
    /// The page that asks: the `Origin` field, else `Referer`.
    let page: [UInt8]
    /// The page is fetched ahead of need, and nobody sees it yet.
    let isPrefetch: Bool
    /// What the browser asks for on behalf of who sits in front of it.
    public let signals: Set<PrivacySignal>
    /// When the request arrived, in milliseconds of the wall clock: for who has one to say.
    public var stamp: Int64 = 0

    /// A hit with the body of the request as `form`.
    public init(
        form: [UInt8], address: NetworkAddress, agent: String, page: String, isPrefetch: Bool,
        signals: Set<PrivacySignal> = []
    ) {
        datagram = Array("f1 ".utf8) + form
        self.address = address
        self.agent = Array(agent.utf8)
        self.page = Array(page.utf8)
        self.isPrefetch = isPrefetch
        self.signals = signals
    }
}

/// A browser's word that its user does not want to be recognised.
public enum PrivacySignal: String, CaseIterable, Sendable {
    /// Do Not Track.
    case dnt
    /// Global Privacy Control.
    case gpc
}

extension Admission {
    /// Admits a hit that arrived at `moment` into `frame`; the site it is counted for. `steady` is a clock that never
    /// jumps, in milliseconds, by which buckets fill.
    public mutating func admit(
        _ hit: BrowserHit, at moment: Moment, steady: Int64, into frame: inout Frame
    ) throws(BeaconRejection) -> SiteIndex {
        tallies[.records] += 1
        var beacons = Beacons(hit.datagram.span)
        do throws(BeaconRejection) {
            let beacon = try Self.onlyRecord(of: &beacons)
            return try admit(hit, beacon, at: moment, steady, into: &frame)
        } catch {
            reject(error, beacons.beacon, in: hit.datagram.span)
            throw error
        }
    }

    /// A form is one record.
    private static func onlyRecord(of beacons: inout Beacons) throws(BeaconRejection) -> Beacon {
        do throws(DatagramRejection) {
            try beacons.begin()
        } catch {
            throw .syntax
        }
        guard case .record = beacons.next() else { throw .syntax }
        let beacon = beacons.beacon
        guard case .end = beacons.next() else { throw .syntax }
        return beacon
    }

    private mutating func admit(
        _ hit: BrowserHit, _ beacon: Beacon, at moment: Moment, _ steady: Int64, into frame: inout Frame
    ) throws(BeaconRejection) -> SiteIndex {
        let bytes = hit.datagram.span
        let kind = try kind(beacon[.event], in: bytes)
        let site = try site(beacon, in: bytes)
        guard comesFromOwnPage(hit, site) else { throw .origin }
        setAgent(hit.agent)
        let sent = agent.bytes
        guard rates.takeOne(from: hit.address, agent: sent.span, of: site, isPing: kind == .ping, at: steady) else {
            throw .rate
        }
        let origin = origin(kind == .view ? beacon[.referrer] : nil, in: bytes, .form, of: site)
        // Every browser says what it is.
        if hit.isPrefetch || isSpam(origin, in: bytes, at: site) || isNoAgent(sent.span) || isBot(sent.span, at: site) {
            appendBot(to: &frame, site, moment, kind, door: .browser)
        } else {
            var keys: (visitor: UInt64, former: UInt64) = (0, 0)
            if !sites.profile(of: site).anonymous.contains(where: hit.signals.contains) {
                if kind == .view { sites.entries[site.number].watch.see(hit.address) }
                keys = sites.keys(hit.address, sent.span, of: site, at: moment)
            }
            let path = path(beacon[.url], in: bytes, .form, of: site)
            appendHit(
                to: &frame, site, moment, kind, door: .browser, keys.visitor, keys.former, bytes, path: path, origin)
        }
        return site
    }

    /// A site that names its hosts is counted from their pages only.
    private mutating func comesFromOwnPage(_ hit: BrowserHit, _ site: SiteIndex) -> Bool {
        guard !sites.profile(of: site).hosts.isEmpty else { return true }
        referrer.setReferrerHost(hit.page)
        return isOwn(referrer.span, site)
    }
}
