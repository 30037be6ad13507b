import Counting

extension Admission {
    /// Admits a datagram of access logs: one or several lines, each with or without a syslog header. The message of the
    /// header may also be native beacons.
    mutating func admitLines(
        _ datagram: Span<UInt8>, _ arrival: Arrival, against seen: SeenSignatures, into frame: inout Frame
    ) throws(DatagramRejection) {
        var ends = FieldScanner(.lineFeed, .lineFeed)
        var end = ends.next(in: datagram)
        let first = datagram.extracting(0..<trimmedEnd(datagram, 0, end))
        var header = SyslogHeader(first)
        // The header of the first line shows whether native beacons follow. They have lines of their own.
        if let header, isBeacon(first, header) {
            try admitMessage(datagram, header, arrival, against: seen, into: &frame)
            return
        }
        var start = 0
        var (count, unknown) = (0, 0)
        while true {
            let line = datagram.extracting(start..<trimmedEnd(datagram, start, end))
            if start > 0 { header = SyslogHeader(line) }
            if line.count > 0 || end == datagram.count && count == 0 {
                count += 1
                let isTruncated = arrival.isTruncated && end == datagram.count
                if !admitLine(line, header, number: count, isTruncated: isTruncated, arrival, into: &frame) {
                    unknown += 1
                }
            }
            guard end &+ 1 < datagram.count else { break }
            start = end &+ 1
            end = ends.next(in: datagram)
        }
        // A datagram with nothing known in it is one junk record, however many lines it has.
        for _ in 0..<(unknown == count ? 1 : unknown) { refuseJunk() }
    }

    /// Counts a junk record as refused.
    private mutating func refuseJunk() {
        counts[.records] += 1
        counts.refuse(.syntax, of: nil)
    }

    /// The end of a line without the CR or NUL that some senders add.
    @inline(__always)
    private func trimmedEnd(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> Int {
        var end = end
        while end > start, bytes[end &- 1] == .carriageReturn || bytes[end &- 1] == .nul { end &-= 1 }
        return end
    }

    /// True if the message of the header is a native beacon. A relay that receives a beacon without a header reads its
    /// first words as host and tag. Then there is no tag after the date, and the rest is not trusted.
    private func isBeacon(_ line: Span<UInt8>, _ header: SyslogHeader) -> Bool {
        header.message > 0 && (!header.isDated || !header.tag.isEmpty)
            && Beacons.isNative(line.extracting(header.message..<line.count)) && header.message < line.count
    }

    /// Admits native beacons in the message of a syslog header.
    private mutating func admitMessage(
        _ datagram: Span<UInt8>, _ header: SyslogHeader, _ arrival: Arrival, against seen: SeenSignatures,
        into frame: inout Frame
    ) throws(DatagramRejection) {
        let message = datagram.extracting(header.message..<datagram.count)
        guard !fragments.holds(datagram.extracting(header.tag), at: arrival.moment) else { return refuseJunk() }
        var envelope = BeaconEnvelope(isMessage: true)
        switch claim(of: header, in: datagram) {
        case .served(let site): envelope.site = site
        case .absent: break
        case .unknown:
            counts[.records] += 1
            return counts.refuse(.siteUnknown, of: nil)
        case .malformed:
            counts[.records] += 1
            counts[.droppedFields] += 1
            return counts.refuse(.siteMissing, of: nil)
        }
        try admitBeacons(message, in: envelope, arrival, against: seen, into: &frame)
    }

    /// Admits one line, the `number`th of its datagram. False if neither the line nor its header has a known form; then
    /// nothing is counted.
    @inline(__always)
    private mutating func admitLine(
        _ line: Span<UInt8>, _ header: SyslogHeader?, number: Int, isTruncated: Bool, _ arrival: Arrival,
        into frame: inout Frame
    ) -> Bool {
        guard let header else { return false }
        let body = line.extracting(header.message..<line.count)
        let tag = line.extracting(header.tag)
        let moment = arrival.moment
        // If our own slot was too short, no later datagram brings the rest.
        let mayBeFragment = header.message > 0 && !isTruncated && line.count >= LogFragments.bytesMin
        guard var hit = LogFormat.fields(of: body, isTruncated: isTruncated) else {
            guard header.message > 0 else { return false }
            if mayBeFragment { fragments.note(tag, at: moment) }
            refuseJunk()
            return true
        }
        if header.message > 0, TabbedLog.separator(body) != nil, fragments.holds(tag, at: moment) {
            refuseJunk()
            return true
        }
        if mayBeFragment, hit.isCut { fragments.note(tag, at: moment) }
        hit.isPastLimit = number > Beacons.recordsMax
        var claim = claim(of: header, in: line)
        if case .absent = claim { claim = self.claim(of: hit, in: body) }
        admitOrRefuse(hit, of: claim, in: body, arrival, into: &frame)
        return true
    }

    /// The site that a syslog header names, by its tag or in its structured data.
    @inline(__always)
    private mutating func claim(of header: SyslogHeader, in line: Span<UInt8>) -> SiteClaim {
        if let name = siteTag(line.extracting(header.tag)) {
            return sites.find(tag: name).map { .served($0) } ?? .unknown
        }
        return header.site.map { claim(named: line.extracting($0)) } ?? .absent
    }
}

/// The part of a syslog tag after `ff_`.
@inline(__always)
@_lifetime(copy tag)
func siteTag(_ tag: Span<UInt8>) -> Span<UInt8>? {
    guard tag.count > 3, tag.holds("f", "f", at: 0), tag[2] == .underscore else { return nil }
    return tag.extracting(3..<tag.count)
}

extension Networks {
    /// The address in a log field: with or without a port, or the last address of a list as in X-Forwarded-For that is
    /// not in these networks.
    func lastStranger(in list: Span<UInt8>) -> NetworkAddress? {
        var end = list.count
        var found: NetworkAddress?
        while end > 0 {
            var start = end
            while start > 0, list[start - 1] != .comma { start -= 1 }
            guard let address = NetworkAddress(withPort: list.extracting(start..<end)) else { break }
            found = address
            if !contains(address) { break }
            end = start - 1
        }
        return found
    }
}
