import Counting

// What the fields of a record say, whichever way it came: the same page and the same visitor by every door.

extension Admission {
    @inline(__always)
    mutating func kind(_ event: Range<Int>?, in bytes: Span<UInt8>) throws(BeaconRejection) -> Hit.Kind {
        guard let event else { return .view }
        guard decodeShort(bytes.extracting(event), limit: 16), short.bytes == Self.ping else {
            throw .syntax
        }
        return .ping
    }

    private static let ping = Array("ping".utf8)

    @inline(__always)
    mutating func site(_ beacon: Beacon, in bytes: Span<UInt8>) throws(BeaconRejection) -> SiteIndex {
        guard let place = beacon[.site] else { throw .siteMissing }
        return try site(named: bytes.extracting(place))
    }

    /// The site of a beacon in a log's message.
    mutating func site(
        _ beacon: Beacon, in bytes: Span<UInt8>, _ envelope: Envelope
    ) throws(BeaconRejection) -> SiteIndex {
        if let site = envelope.site { return site }
        if beacon[.site] != nil { return try site(beacon, in: bytes) }
        guard let site = site(host: beacon[.host], url: beacon[.url], in: bytes) else { throw .siteMissing }
        return site
    }

    @inline(__always)
    mutating func site(named raw: Span<UInt8>) throws(BeaconRejection) -> SiteIndex {
        if let site = find(raw) { return site }
        guard decodeShort(raw, limit: 64), isSiteName(short.span) else {
            tallies[.droppedFields] += 1
            throw .siteMissing
        }
        throw .siteUnknown
    }

    /// The site whose name stands in `raw`, with or without escapes.
    @inline(__always)
    mutating func find(_ raw: Span<UInt8>) -> SiteIndex? {
        if let site = sites.find(raw) { return site }
        guard spelling(of: raw) == .other, decodeShort(raw, limit: 64) else { return nil }
        return sites.find(short.span)
    }

    /// Fields that only servers send: the record is a line of their log, and not every request is a page view.
    @inline(__always)
    mutating func checkRequest(
        _ method: Range<Int>?, _ status: Range<Int>?, in bytes: Span<UInt8>
    ) throws(BeaconRejection) {
        if let method, !isGet(bytes.extracting(method)) {
            // What no server takes for a method (`<BADREQ>`, the first bytes of TLS) is told by its status.
            if let status, !isMethod(bytes.extracting(method)), !isPageStatus(bytes.extracting(status)) {
                throw .status
            }
            throw .method
        }
        if let status, !isPageStatus(bytes.extracting(status)) { throw .status }
    }

    private func isMethod(_ method: Span<UInt8>) -> Bool {
        for i in method.indices where method[i] &- 0x41 >= 26 { return false }
        return method.count > 0
    }

    @inline(__always)
    private mutating func isGet(_ method: Span<UInt8>) -> Bool {
        if method.count == 3 { return method.pair(at: 0) == 0x4547 && method[2] == 0x54 }
        return decodeShort(method, limit: 16) && short.bytes == Self.get
    }

    private static let get = Array("GET".utf8)

    @inline(__always)
    private mutating func isPageStatus(_ status: Span<UInt8>) -> Bool {
        if status.count == 3, isDigit(status[0]) { return Self.isPageStatus(status) }
        return decodeShort(status, limit: 3) && short.bytes.count == 3 && Self.isPageStatus(short.span)
    }

    /// 2xx or 304.
    @inline(__always)
    private static func isPageStatus(_ status: Span<UInt8>) -> Bool {
        status[0] == 0x32 && isDigit(status[1]) && isDigit(status[2])
            || status[0] == 0x33 && status[1] == 0x30 && status[2] == 0x34
    }

    /// Refuses a file that is no page, by the extension of its name. `path` is as `path` found it.
    @inline(__always)
    mutating func checkIsPage(_ path: Range<Int>?, in bytes: Span<UInt8>) throws(BeaconRejection) {
        if let path { fileExtension.setExtension(of: bytes.extracting(path)) }
        let found = fileExtension.bytes
        guard !found.isEmpty else { return }
        for asset in assets where equal(asset.span, found.span) { throw .asset }
    }

    /// The visitor's key, and the one under yesterday's salt in the half hour after midnight; 0 without a visitor.
    @inline(__always)
    mutating func keys(
        _ beacon: Beacon, _ agent: Span<UInt8>, in bytes: Span<UInt8>, of site: SiteIndex, at moment: Moment
    ) -> (visitor: UInt64, former: UInt64) {
        if let place = beacon[.visitor], !place.isEmpty {
            if decodeShort(bytes.extracting(place), limit: 64) {
                if beacon[.event] == nil { sites.entries[site.number].watch.seeNoAddress() }
                return sites.keys(id: short.span, of: site, at: moment)
            }
            tallies[.droppedFields] += 1
        }
        guard let place = beacon[.address], !place.isEmpty else { return (0, 0) }
        guard let address = address(bytes.extracting(place)) else {
            tallies[.droppedFields] += 1
            return (0, 0)
        }
        if beacon[.event] == nil { sites.entries[site.number].watch.see(address) }
        return sites.keys(address, agent, of: site, at: moment)
    }

    @inline(__always)
    mutating func address(_ raw: Span<UInt8>) -> NetworkAddress? {
        if let address = NetworkAddress(raw) { return address }
        guard spelling(of: raw) == .other, decodeShort(raw, limit: 45) else { return nil }
        return NetworkAddress(short.span)
    }

    /// Where the page's path stands in `bytes`, if it is fit as it is; nil where `path` holds it decoded.
    @inline(__always)
    mutating func path(
        _ url: Range<Int>?, in bytes: Span<UInt8>, _ escaping: Escaping, of site: SiteIndex
    ) -> Range<Int>? {
        let url = url ?? 0..<0
        let raw = bytes.extracting(url)
        if let length = plainPath(raw, escaping, keepsQuery: !sites.entries[site.number].keepQuery.isEmpty) {
            return url.lowerBound..<url.lowerBound &+ length
        }
        if form.decode(raw, escaping, limit: Self.urlBytesMax) { tallies[.cutFields] += 1 }
        path.setPath(form.bytes, keepQuery: sites.entries[site.number].keepQuery, &fileExtension)
        return nil
    }

    struct Origin {
        var kind: Hit.Origin
        /// Where the host stands in the datagram, if it is fit as it is.
        var raw: Range<Int>?
    }

    @inline(__always)
    mutating func origin(
        _ place: Range<Int>?, in bytes: Span<UInt8>, _ escaping: Escaping, of site: SiteIndex
    ) -> Origin {
        guard let place, !place.isEmpty else { return Origin(kind: .direct) }
        let raw = bytes.extracting(place)
        if let host = plainHost(raw) {
            let range = place.lowerBound + host.lowerBound..<place.lowerBound + host.upperBound
            return isOwn(bytes.extracting(range), site) ? Origin(kind: .internal) : Origin(kind: .host, raw: range)
        }
        if form.decode(raw, escaping, limit: Self.urlBytesMax) { tallies[.cutFields] += 1 }
        referrer.setReferrerHost(form.bytes)
        if referrer.bytes.isEmpty { return Origin(kind: .direct) }
        return Origin(kind: isOwn(referrer.span, site) ? .internal : .host)
    }

    @inline(__always)
    func isOwn(_ host: Span<UInt8>, _ site: SiteIndex) -> Bool {
        for own in sites.entries[site.number].hosts where equal(own.span, host) { return true }
        return false
    }

    /// Decodes a short value into `short`; false if it is longer than `limit`, empty, or holds a NUL.
    mutating func decodeShort(_ raw: Span<UInt8>, limit: Int) -> Bool {
        if short.decodeForm(raw, limit: limit) { return false }
        return !short.bytes.isEmpty && !short.bytes.contains(0)
    }
}
