import Counting

extension Admission {
    /// Admits one record of any source, or counts the reason against it.
    @inline(__always)
    mutating func admitOrRefuse(
        _ hit: HitFields, of claim: SiteClaim, in bytes: Span<UInt8>, _ arrival: Arrival, into frame: inout Frame
    ) {
        counts[.records] += 1
        do throws(BeaconRejection) {
            _ = try admit(hit, of: claim, in: bytes, arrival, into: &frame)
        } catch {
            counts.refuse(error, of: claim.site)
        }
    }

    /// Admits one hit of any source into `frame`: site → trust → rate → request → page → bot → visitor → record.
    ///
    /// The fields of `hit` are places in `bytes`. The first check that fails gives the reason. Most checks come in this
    /// order for every source. The first ones differ by source:
    ///
    /// | source | first |
    /// |---|---|
    /// | beacon | `limit`, `syntax` of the event, the site, the signer |
    /// | form of a browser | `syntax` of the event, the site, `origin`, `rate` |
    /// | line of a log | a site that is not served, `limit`, `truncated`, no site, `syntax` of the event |
    @inline(__always)
    mutating func admit(
        _ hit: HitFields, of claim: SiteClaim, in bytes: Span<UInt8>, _ arrival: Arrival, into frame: inout Frame
    ) throws(BeaconRejection) -> SiteIndex {
        let (site, kind) = try identify(hit, of: claim, in: bytes)
        let moment = arrival.moment

        // Is it trusted for this site, and within the rates?
        if let signer = hit.signer, signer != site { throw .siteUnknown }
        if let host = hit[.host], host.count > 253, hit.reader == .beacon { counts[.droppedFields] += 1 }
        if hit.reader == .form {
            guard isOwnPage(hit, in: bytes, of: site) else { throw .origin }
            readAgent(hit, in: bytes)
            guard isWithinRate(hit, kind, in: bytes, of: site, arrival) else { throw .rate }
        }

        // Is it a request for a page, and for which one?
        if hit.isRequest {
            try checkRequest(hit, in: bytes)
            guard kind == .ping || hit[.url] != nil else { throw .syntax }
        }
        if kind == .view || hit.isRequest { readPage(hit, in: bytes, of: site) } else { page.removeAll() }
        if hit.isRequest, isAsset() { throw .asset }
        let origin = readReferrer(kind == .view ? hit[.referrer] : nil, hit.escaping, in: bytes, of: site)

        // Is it a person?
        if hit.reader != .form { readAgent(hit, in: bytes) }
        if isBot(hit, origin, in: bytes, at: site) {
            frame.append(Hit(bot: kind, at: moment, of: site, from: hit.source))
            return site
        }

        let (visitor, former) = visitorKeys(hit, kind, in: bytes, of: site, at: moment)
        if kind == .view { sites.entries[site.number].anomalies.observe(visitor, from: hit.source, at: moment) }
        frame.append(
            Hit(
                site: site, moment: moment, kind: kind, source: hit.source, isBot: false, visitor: visitor,
                previousVisitorKey: former, path: page.span(in: bytes), origin: origin,
                referrer: referrer.span(in: bytes)))
        return site
    }

    // MARK: Site

    /// What a record says about its site.
    enum SiteClaim {
        case served(SiteIndex)
        /// A possible site name, but no such site is served.
        case unknown
        /// A name that no site can have.
        case malformed
        /// No name.
        case absent

        /// The site, if it is served.
        var site: SiteIndex? { if case .served(let site) = self { site } else { nil } }
    }

    /// The site and the kind of a hit, or the first reason against it in the order of its source.
    @inline(__always)
    private mutating func identify(
        _ hit: HitFields, of claim: SiteClaim, in bytes: Span<UInt8>
    ) throws(BeaconRejection) -> (SiteIndex, Hit.Kind) {
        guard hit.reader == .line else {
            if hit.reader == .beacon, isRefusing { throw .limit }
            let kind = try kind(of: hit, in: bytes)
            return (try servedSite(claim), kind)
        }
        if case .absent = claim {} else { _ = try servedSite(claim) }
        guard !hit.isPastLimit, !isRefusing else { throw .limit }
        try checkIsWhole(hit, in: bytes, of: claim.site)
        let site = try servedSite(claim)
        return (site, try kind(of: hit, in: bytes))
    }

    @inline(__always)
    private mutating func servedSite(_ claim: SiteClaim) throws(BeaconRejection) -> SiteIndex {
        switch claim {
        case .served(let site): return site
        case .unknown: throw .siteUnknown
        case .malformed:
            counts[.droppedFields] += 1
            throw .siteMissing
        case .absent: throw .siteMissing
        }
    }

    /// The site that a record names by `s`. If `mayOmitSite`, also by its virtual host, or the site of all lines
    /// without one.
    @inline(__always)
    mutating func claim(of hit: HitFields, in bytes: Span<UInt8>) -> SiteClaim {
        if let name = hit[.site] {
            if let site = sites.findAgain(name, in: bytes) { return .served(site) }
            return claim(named: bytes.extracting(name))
        }
        guard hit.mayOmitSite else { return .absent }
        let site =
            virtualHost(hit[.host], hit[.url], in: bytes) ?? hit[.serverName].flatMap {
                virtualHost($0, nil, in: bytes)
            }
            ?? sites.find(logSite.span)
        return site.map { .served($0) } ?? .absent
    }

    /// The site with the name `raw`, with or without the escapes of a form.
    @inline(__always)
    mutating func claim(named raw: Span<UInt8>) -> SiteClaim {
        if let site = sites.find(raw) { return .served(site) }
        guard short.setShort(raw, .form, limit: 64) else { return .malformed }
        if let site = sites.find(short.span) { return .served(site) }
        return isSiteName(short.span) ? .unknown : .malformed
    }

    @inline(__always)
    private mutating func virtualHost(_ host: Range<Int>?, _ url: Range<Int>?, in bytes: Span<UInt8>) -> SiteIndex? {
        guard short.setVirtualHost(host, url, in: bytes) else { return nil }
        return sites.find(host: short)
    }

    /// Refuses a cut line that does not hold address, status and the whole path.
    @inline(__always)
    private func checkIsWhole(_ hit: HitFields, in bytes: Span<UInt8>, of site: SiteIndex?) throws(BeaconRejection) {
        guard hit.isCut || hit.isURLCut else { return }
        guard hit[.address] != nil, hit[.status] != nil, let url = hit[.url] else { throw .truncated }
        guard hit.isURLCut else { return }
        let query = bytes.first(of: .questionMark, from: url.lowerBound)
        let keepsQuery = site.map { !sites.entries[$0.number].keepQuery.isEmpty } ?? false
        guard query < url.upperBound, !keepsQuery else { throw .truncated }
    }

    /// A record without an event is a view.
    @inline(__always)
    private mutating func kind(of hit: HitFields, in bytes: Span<UInt8>) throws(BeaconRejection) -> Hit.Kind {
        guard let event = hit[.event] else { return .view }
        guard short.setShort(bytes.extracting(event), .form, limit: 16), short.bytes == Self.ping else { throw .syntax }
        return .ping
    }

    private static let ping = Array("ping".utf8)

    // MARK: Trust and rate

    /// If a site names its hosts, only their pages may send to it.
    private mutating func isOwnPage(_ hit: HitFields, in bytes: Span<UInt8>, of site: SiteIndex) -> Bool {
        sites.entries[site.number].hosts.isEmpty
            || referrer.setReferrerHost(bytes.extracting(hit[.page] ?? 0..<0))
                && sites.isOwn(referrer.span(in: bytes), of: site)
    }

    private mutating func isWithinRate(
        _ hit: HitFields, _ kind: Hit.Kind, in bytes: Span<UInt8>, of site: SiteIndex, _ arrival: Arrival
    ) -> Bool {
        guard let peer = hit.peer else { return true }
        return rates.consumeOne(
            from: peer, agent: agent, in: bytes, of: site, isPing: kind == .ping, at: arrival.steady)
    }

    // MARK: Request and page

    /// Only some logged requests show a page: a GET with the response status 2xx or 304.
    @inline(__always)
    mutating func checkRequest(_ hit: HitFields, in bytes: Span<UInt8>) throws(BeaconRejection) {
        if let method = hit[.method], !isGet(bytes.extracting(method)) {
            // For a request without a valid method (`<BADREQ>`, the first bytes of TLS), the status is the reason.
            if let status = hit[.status], !isMethod(bytes.extracting(method)), !isPageStatus(bytes.extracting(status)) {
                throw .status
            }
            throw .method
        }
        if let status = hit[.status], !isPageStatus(bytes.extracting(status)) { throw .status }
    }

    private func isMethod(_ method: Span<UInt8>) -> Bool {
        for i in method.indices where !isUpper(method[i]) { return false }
        return method.count > 0
    }

    @inline(__always)
    private mutating func isGet(_ method: Span<UInt8>) -> Bool {
        if method.count == 3 { return method.holds("G", "E", at: 0) && method[2] == UInt8(ascii: "T") }
        return short.setShort(method, .form, limit: 16) && short.bytes == Self.get
    }

    private static let get = Array("GET".utf8)

    @inline(__always)
    private mutating func isPageStatus(_ status: Span<UInt8>) -> Bool {
        if status.count == 3, isDigit(status[0]) { return Self.isPageStatus(status) }
        return short.setShort(status, .form, limit: 3) && short.bytes.count == 3 && Self.isPageStatus(short.span)
    }

    /// 2xx or 304.
    @inline(__always)
    private static func isPageStatus(_ status: Span<UInt8>) -> Bool {
        status[0] == UInt8(ascii: "2") && isDigit(status[1]) && isDigit(status[2])
            || status.holds("3", "0", at: 0) && status[2] == UInt8(ascii: "4")
    }

    /// Sets `page` to the path of the hit's URL. For a request, also sets `fileExtension`.
    @inline(__always)
    private mutating func readPage(_ hit: HitFields, in bytes: Span<UInt8>, of site: SiteIndex) {
        let place = hit[.url] ?? 0..<0
        let keepsQuery = !sites.entries[site.number].keepQuery.isEmpty
        if let length = plainPath(place, in: bytes, hit.escaping, keepsQuery: keepsQuery) {
            page.set(place.lowerBound..<place.lowerBound &+ length)
            if hit.isRequest { fileExtension.setExtension(of: page, in: bytes) }
            return
        }
        if url.decode(bytes.extracting(place), hit.escaping, limit: Self.urlBytesMax) { counts[.cutFields] += 1 }
        page.setPath(url, keepQuery: sites.entries[site.number].keepQuery, &fileExtension)
    }

    /// True if the requested file is not a page.
    @inline(__always)
    private func isAsset() -> Bool {
        guard !fileExtension.bytes.isEmpty else { return false }
        for asset in assets where equal(asset.span, fileExtension.span) { return true }
        return false
    }

    /// Sets `referrer` to the host from which the hit came, and `isSpam`. Returns the kind of origin.
    @inline(__always)
    private mutating func readReferrer(
        _ place: Range<Int>?, _ escaping: Escaping, in bytes: Span<UInt8>, of site: SiteIndex
    ) -> Hit.Origin {
        guard let place, !place.isEmpty else {
            referrer.removeAll()
            return .direct
        }
        let raw = bytes.extracting(place)
        if let (host, isListed) = knownReferrers.find(raw) {
            referrer.set(place.lowerBound &+ host.lowerBound..<place.lowerBound &+ host.upperBound)
            isSpam = isListed
        } else if let host = plainHost(raw) {
            referrer.set(place.lowerBound &+ host.lowerBound..<place.lowerBound &+ host.upperBound)
            isSpam = spam.holds(raw.extracting(host))
            knownReferrers.insert(raw, host: host, isSpam: isSpam)
        } else {
            if url.decode(raw, escaping, limit: Self.urlBytesMax) { counts[.cutFields] += 1 }
            guard referrer.setReferrerHost(url) else { return .direct }
            isSpam = spam.holds(referrer.span(in: bytes))
        }
        return sites.isOwn(referrer.span(in: bytes), of: site) ? .internal : .host
    }

    // MARK: Bot and visitor

    /// Sets `agent` and `agentTraits` to the hit's agent.
    @inline(__always)
    private mutating func readAgent(_ hit: HitFields, in bytes: Span<UInt8>) {
        guard let place = hit[.agent], !place.isEmpty else {
            agent.removeAll()
            agentTraits = .none
            return
        }
        let raw = bytes.extracting(place)
        if raw.count <= Self.agentBytesMax, let traits = knownAgents.find(raw, hit.agentEscaping) {
            agent.set(place)
            agentTraits = traits
        } else {
            if agent.setClean(raw, hit.agentEscaping, limit: Self.agentBytesMax) { counts[.cutFields] += 1 }
            agentTraits = knownAgents.find(decoded: agent)
        }
    }

    /// The visitor of a cut agent is unknown, unless the rest would have been cut anyway.
    @inline(__always)
    private func isAgentKnown(_ hit: HitFields) -> Bool {
        !hit.isAgentCut || agent.decodedCount == Self.agentBytesMax
    }

    @inline(__always)
    private mutating func isBot(
        _ hit: HitFields, _ origin: Hit.Origin, in bytes: Span<UInt8>, at site: SiteIndex
    ) -> Bool {
        if hit.isPrefetch { return true }
        if origin == .host, isSpam || sites.isSpam(referrer.span(in: bytes), of: site) { return true }
        if hit.hasAgent, isAgentKnown(hit), isNoAgent(agent.span(in: bytes)) { return true }
        return agentTraits.isBot
            || !sites.entries[site.number].bots.isEmpty
                && Bots.has(sites.entries[site.number].bots, in: agent.span(in: bytes))
    }

    /// The agent in a log if none was sent.
    @inline(__always)
    private func isNoAgent(_ agent: Span<UInt8>) -> Bool { agent.count == 0 || agent.count == 1 && agent[0] == .dash }

    /// The visitor's key, and the key under yesterday's salt in the half hour after midnight; 0 without a visitor.
    @inline(__always)
    private mutating func visitorKeys(
        _ hit: HitFields, _ kind: Hit.Kind, in bytes: Span<UInt8>, of site: SiteIndex, at moment: Moment
    ) -> (visitor: UInt64, former: UInt64) {
        guard isAgentKnown(hit) else { return (0, 0) }
        if let id = hit[.visitor], !id.isEmpty {
            let raw = bytes.extracting(id)
            let isPlain = id.count <= Self.idBytesMax && hit.escaping.leaves(raw)
            if isPlain || short.setShort(raw, hit.escaping, limit: Self.idBytesMax) {
                if kind == .view { sites.entries[site.number].anomalies.observeNoAddress() }
                return isPlain
                    ? sites.keys(id: raw, of: site, at: moment) : sites.keys(id: short.span, of: site, at: moment)
            }
            counts[.droppedFields] += 1
        }
        guard let address = visitorAddress(hit, in: bytes, of: site) else { return (0, 0) }
        if kind == .view { sites.entries[site.number].anomalies.observe(address) }
        return sites.keys(address, agent, agentTraits.digest, in: bytes, of: site, at: moment)
    }

    @inline(__always)
    private mutating func visitorAddress(_ hit: HitFields, in bytes: Span<UInt8>, of site: SiteIndex) -> NetworkAddress?
    {
        if let peer = hit.peer { return sites.entries[site.number].anonymous & hit.signals == 0 ? peer : nil }
        guard let place = hit[.address], !place.isEmpty else { return nil }
        let raw = bytes.extracting(place)
        if let address = NetworkAddress(raw) { return address }
        let address =
            hit.reader == .line
            ? trusted.lastStranger(in: raw)
            : short.setShort(raw, .form, limit: 45) ? NetworkAddress(short.span) : nil
        if address == nil { counts[.droppedFields] += 1 }
        return address
    }
}

// `Admission` holds both the texts and the tables that use them. A span of a text would keep the whole `Admission`
// borrowed, so these functions take the text itself.

extension Rates {
    fileprivate mutating func consumeOne(
        from address: NetworkAddress, agent: borrowing FieldText, in bytes: Span<UInt8>, of site: SiteIndex,
        isPing: Bool, at steady: Int64
    ) -> Bool {
        consumeOne(from: address, agent: agent.span(in: bytes), of: site, isPing: isPing, at: steady)
    }
}

extension SiteDirectory {
    @inline(__always)
    fileprivate mutating func keys(
        _ address: NetworkAddress, _ agent: borrowing FieldText, _ digest: UInt64, in bytes: Span<UInt8>,
        of site: SiteIndex, at moment: Moment
    ) -> (visitor: UInt64, former: UInt64) {
        keys(address, agent.span(in: bytes), digest, of: site, at: moment)
    }

    @inline(__always)
    fileprivate mutating func find(host: borrowing Text) -> SiteIndex? { find(host: host.span) }
}

extension Text {
    @inline(__always)
    fileprivate mutating func setExtension(of path: borrowing FieldText, in bytes: Span<UInt8>) {
        setExtension(of: path.span(in: bytes))
    }
}
