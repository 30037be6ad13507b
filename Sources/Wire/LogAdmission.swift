import Counting

/// Which programs' lines came in pieces lately.
///
/// `logger` splits a long line into several datagrams with a header each. The tail of one begins with what a visitor sent,
/// which could be a beacon: within a second of a piece, none is taken under the same name.
struct LogPieces: Sendable {
    private var seen: [64 of (tag: UInt64, until: Int64)] = .init(repeating: (0, 0))

    /// Nobody splits a line that is shorter: every receiver of syslog takes so much (RFC 5424, 6.1).
    static let bytesMin = 480

    /// A short hash is enough: two names that share it cost a beacon in that second, and nothing else.
    private static func name(_ tag: Span<UInt8>) -> UInt64 {
        var hash = TableHash(0x666f_6f74, 0x6661_6c6c)
        hash.combine(tag)
        return hash.finalize()
    }

    mutating func note(_ tag: Span<UInt8>, at moment: Moment) {
        let name = Self.name(tag)
        seen[Int(truncatingIfNeeded: name & 63)] = (name, moment.milliseconds + 1000)
    }

    func holds(_ tag: Span<UInt8>, at moment: Moment) -> Bool {
        let name = Self.name(tag)
        let (tag, until) = seen[Int(truncatingIfNeeded: name & 63)]
        return tag == name && moment.milliseconds < until
    }
}

extension Admission {
    /// Admits a datagram of access logs: one line, or several, each with a syslog header or without one.
    mutating func admitLines(
        _ datagram: Span<UInt8>, _ arrival: Arrival, at moment: Moment, seen: SeenSignatures, into frame: inout Frame
    ) {
        var ends = FieldScanner(0x0a, 0x0a)
        var end = ends.next(in: datagram)
        let first = datagram.extracting(0..<trimmedEnd(datagram, 0, end))
        var header = SyslogHeader(first)
        // The header of the first line says whether beacons follow, which bring lines of their own.
        if let header, isBeacon(first, header) {
            admitBeacons(datagram, header, arrival, at: moment, seen: seen, into: &frame)
            return
        }
        tallies[.parsedDatagrams] += 1
        var start = 0
        var (count, unknown) = (0, 0)
        while true {
            let line = datagram.extracting(start..<trimmedEnd(datagram, start, end))
            if start > 0 { header = SyslogHeader(line) }
            if line.count > 0 || end == datagram.count && count == 0 {
                count += 1
                let isKnown = admitLine(
                    line, header, isTruncated: arrival.isTruncated && end == datagram.count,
                    isPastLimit: count > Beacons.recordsMax, at: moment, into: &frame)
                if !isKnown { unknown += 1 }
            }
            guard end &+ 1 < datagram.count else { break }
            start = end &+ 1
            end = ends.next(in: datagram)
        }
        // A datagram that has nothing known in it is one record of junk, however many lines it has.
        let junk = UInt64(unknown == count ? 1 : unknown)
        tallies[.records] += junk
        tallies[.beaconsSyntax] += junk
    }

    /// The end of a line without what some senders close it with.
    @inline(__always)
    private func trimmedEnd(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> Int {
        var end = end
        while end > start, bytes[end &- 1] == 0x0d || bytes[end &- 1] == 0 { end &-= 1 }
        return end
    }

    /// A beacon in a syslog message. A relay that was given a bare one takes its first words for host and tag, so that no
    /// tag is left behind a date: what remains is not believed.
    private func isBeacon(_ line: Span<UInt8>, _ header: SyslogHeader) -> Bool {
        header.message > 0 && (!header.isDated || !header.tag.isEmpty)
            && Beacons.isNative(line.extracting(header.message..<line.count)) && header.message < line.count
    }

    private mutating func admitBeacons(
        _ datagram: Span<UInt8>, _ header: SyslogHeader, _ arrival: Arrival, at moment: Moment, seen: SeenSignatures,
        into frame: inout Frame
    ) {
        let message = datagram.extracting(header.message..<datagram.count)
        let tag = datagram.extracting(header.tag)
        if pieces.holds(tag, at: moment) {
            tallies[.parsedDatagrams] += 1
            tallies[.records] += 1
            tallies[.beaconsSyntax] += 1
            return
        }
        let named = Result { () throws(BeaconRejection) in try site(tag, header.site, in: datagram) }
        switch named {
        case .success(let site):
            let envelope = Envelope(isMessage: true, site: site)
            admitBeacons(message, arrival, in: envelope, at: moment, seen: seen, into: &frame)
        case .failure(let reason):
            tallies[.parsedDatagrams] += 1
            tallies[.records] += 1
            reject(reason, of: nil)
        }
    }

    /// Admits one line; false, and nothing is counted, where neither it nor its header has a form that is known.
    @inline(__always)
    private mutating func admitLine(
        _ line: Span<UInt8>, _ header: SyslogHeader?, isTruncated: Bool, isPastLimit: Bool, at moment: Moment,
        into frame: inout Frame
    ) -> Bool {
        guard let header else { return false }
        let body = line.extracting(header.message..<line.count)
        let tag = line.extracting(header.tag)
        // What our own slot was too short for has no tail that comes later.
        let mayBePiece = header.message > 0 && !isTruncated && line.count >= LogPieces.bytesMin
        guard let entry = LogLine(body, isTruncated: isTruncated) else {
            guard header.message > 0 else { return false }
            if mayBePiece { pieces.note(tag, at: moment) }
            tallies[.records] += 1
            tallies[.beaconsSyntax] += 1
            return true
        }
        tallies[.records] += 1
        if header.message > 0, TabbedLog.separator(body) != nil, pieces.holds(tag, at: moment) {
            tallies[.beaconsSyntax] += 1
            return true
        }
        if mayBePiece, entry.isCut { pieces.note(tag, at: moment) }
        var site: SiteIndex?
        do throws(BeaconRejection) {
            site = try self.site(tag, header.site, in: line)
            if site == nil { site = try self.site(of: entry, in: body) }
            guard !isPastLimit, !isRefusing else { throw .limit }
            try admit(entry, of: site, in: body, at: moment, into: &frame)
        } catch {
            reject(error, of: site)
        }
        return true
    }

    // MARK: Which site

    /// The site that the syslog header names, by its tag or in its structured data.
    @inline(__always)
    private mutating func site(
        _ tag: Span<UInt8>, _ name: Range<Int>?, in line: Span<UInt8>
    ) throws(BeaconRejection) -> SiteIndex? {
        if let name = siteTag(tag) {
            guard let site = sites.find(tag: name) else { throw .siteUnknown }
            return site
        }
        return if let name { try site(named: line.extracting(name)) } else { nil }
    }

    /// The site that a line names itself, by `s` or by its virtual host; else the one of all lines that name none.
    @inline(__always)
    private mutating func site(of line: LogLine, in body: Span<UInt8>) throws(BeaconRejection) -> SiteIndex? {
        if let name = line[.site] { return try site(named: body.extracting(name)) }
        if let site = virtualHost(line[.host], line[.url], in: body) { return site }
        if let name = line[.serverName], let site = virtualHost(name, nil, in: body) { return site }
        return sites.find(logSite.span)
    }

    /// The site of a virtual host; else the one of all lines that name none.
    mutating func site(host: Range<Int>?, url: Range<Int>?, in bytes: Span<UInt8>) -> SiteIndex? {
        virtualHost(host, url, in: bytes) ?? sites.find(logSite.span)
    }

    @inline(__always)
    private mutating func virtualHost(_ host: Range<Int>?, _ url: Range<Int>?, in bytes: Span<UInt8>) -> SiteIndex? {
        guard takeHost(host, url, in: bytes) else { return nil }
        let host = short.bytes
        return sites.find(host: host.span)
    }

    /// Makes `short` the virtual host of a line, lower case and without port or `www.`; false where it names none.
    mutating func takeHost(_ host: Range<Int>?, _ url: Range<Int>?, in bytes: Span<UInt8>) -> Bool {
        if let host, !host.isEmpty { return takeHost(bytes.extracting(host)) }
        // HTTP/2 and proxies write whole URLs.
        guard let url, !url.isEmpty, bytes[url.lowerBound] != 0x2f,
            let authority = Text.afterScheme(bytes.extracting(url))
        else { return false }
        return takeHost(bytes.extracting(url.lowerBound + authority..<url.upperBound))
    }

    private mutating func takeHost(_ authority: Span<UInt8>) -> Bool {
        short.removeAll()
        return !short.setHost(authority) && !short.bytes.isEmpty
    }

    // MARK: What counts

    @inline(__always)
    private mutating func admit(
        _ line: LogLine, of site: SiteIndex?, in body: Span<UInt8>, at moment: Moment, into frame: inout Frame
    ) throws(BeaconRejection) {
        try checkIsWhole(line, in: body, keepsQuery: site.map { !sites.entries[$0.number].keepQuery.isEmpty } ?? false)
        guard let site else { throw .siteMissing }
        let kind = try kind(line[.event], in: body)
        try checkRequest(line[.method], line[.status], in: body)
        guard kind == .ping || line[.url] != nil else { throw .syntax }
        let path = path(line[.url], in: body, line.escaping, of: site)
        try checkIsPage(path, in: body)

        let origin = origin(kind == .view ? line[.referrer] : nil, in: body, line.escaping, of: site)

        let rawAgent = body.extracting(line[.agent] ?? 0..<0)
        let isAgentPlain = takeAgent(rawAgent, line.escaping)
        let decodedAgent = isAgentPlain ? [] : agent.bytes
        // One whose end is missing is nobody's, unless more of it would have been cut anyway.
        let isAgentKnown = !line.isAgentCut || !isAgentPlain && decodedAgent.count == Self.agentBytesMax
        let isBot =
            isSpam(origin, in: body, at: site)
            || line.hasAgent && isAgentKnown && isNoAgent(isAgentPlain ? rawAgent : decodedAgent.span)
            || (isAgentPlain ? self.isBot(rawAgent, at: site) : self.isBot(decodedAgent.span, at: site))
        if isBot {
            appendBot(to: &frame, site, moment, kind, door: .log)
            return
        }
        var keys: (visitor: UInt64, former: UInt64) = (0, 0)
        if isAgentKnown {
            keys =
                isAgentPlain
                ? self.keys(line, rawAgent, kind, in: body, of: site, at: moment)
                : self.keys(line, decodedAgent.span, kind, in: body, of: site, at: moment)
        }
        appendHit(
            to: &frame, site, moment, kind, door: .log, keys.visitor, keys.former, body, path: path, origin)
    }

    /// Refuses a cut line that does not hold address, status and the whole path any more.
    @inline(__always)
    private func checkIsWhole(
        _ line: LogLine, in body: Span<UInt8>, keepsQuery: Bool
    ) throws(BeaconRejection) {
        guard line.isCut || line.isURLCut else { return }
        guard line[.address] != nil, line[.status] != nil, let url = line[.url] else { throw .truncated }
        guard line.isURLCut else { return }
        let query = body.first(of: 0x3f, from: url.lowerBound)
        guard query < url.upperBound, !keepsQuery else { throw .truncated }
    }

    @inline(__always)
    private mutating func keys(
        _ line: LogLine, _ agent: Span<UInt8>, _ kind: Hit.Kind, in body: Span<UInt8>, of site: SiteIndex,
        at moment: Moment
    ) -> (visitor: UInt64, former: UInt64) {
        if let id = line[.visitor], !id.isEmpty {
            if !short.decode(body.extracting(id), line.escaping, limit: 64), !short.bytes.contains(0) {
                if kind == .view { sites.entries[site.number].watch.seeNoAddress() }
                return sites.keys(id: short.span, of: site, at: moment)
            }
            tallies[.droppedFields] += 1
        }
        guard let place = line[.address], !place.isEmpty else { return (0, 0) }
        guard let address = address(logged: body.extracting(place)) else {
            tallies[.droppedFields] += 1
            return (0, 0)
        }
        if kind == .view { sites.entries[site.number].watch.see(address) }
        return sites.keys(address, agent, of: site, at: moment)
    }
}

extension Admission {
    /// The address of a log's field: with a port behind it, or of a list as in X-Forwarded-For, the last one that is not trusted.
    private func address(logged text: Span<UInt8>) -> NetworkAddress? {
        if let address = NetworkAddress(text) { return address }
        var end = text.count
        var found: NetworkAddress?
        while end > 0 {
            var start = end
            while start > 0, text[start - 1] != 0x2c { start -= 1 }
            guard let address = NetworkAddress(withPort: text.extracting(start..<end)) else { break }
            found = address
            if !trusted.contains(address) { break }
            end = start - 1
        }
        return found
    }
}

/// What follows `ff_` in a syslog tag.
@inline(__always)
@_lifetime(copy tag)
func siteTag(_ tag: Span<UInt8>) -> Span<UInt8>? {
    guard tag.count > 3, tag[0] == 0x66, tag[1] == 0x66, tag[2] == 0x5f else { return nil }
    return tag.extracting(3..<tag.count)
}
