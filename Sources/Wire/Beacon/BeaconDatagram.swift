import Counting

/// How native beacons arrived.
struct BeaconEnvelope {
    /// True for a log's message: a beacon may also name its site by its host, or not at all.
    var isMessage = false
    /// The site named by the header of the message.
    var site: SiteIndex?
    /// The site whose key signed the beacons. They can only be for this site.
    var signer: SiteIndex?
}

extension Admission {
    /// Admits the records of a datagram of native beacons, or of a message with native beacons.
    @inline(__always)
    mutating func admitBeacons(
        _ datagram: Span<UInt8>, in envelope: BeaconEnvelope, _ arrival: Arrival, against seen: SeenSignatures,
        into frame: inout Frame
    ) throws(DatagramRejection) {
        guard !arrival.isTruncated else { throw .oversize }
        var beacons = Beacons(datagram)
        try beacons.begin()
        var envelope = envelope
        if beacons.isSigned {
            let signature = try verify(beacons, of: datagram, arrival, against: seen)
            envelope.signer = signature?.site
            if let signature { frame.append(signature.record) }
        } else {
            guard isTrusted(arrival.sender) else { throw .untrusted }
        }
        while true {
            let line = beacons.next()
            if case .end = line { break }
            let hit = HitFields(beacons.beacon, in: envelope)
            let claim: SiteClaim = envelope.site.map { .served($0) } ?? claim(of: hit, in: datagram)
            if case .rejected(let reason) = line {
                counts[.records] += 1
                counts.refuse(reason, of: claim.site)
            } else {
                admitOrRefuse(hit, of: claim, in: datagram, arrival, into: &frame)
            }
        }
        counts[.unknownKeys] += UInt64(beacons.unknownKeys)
        counts[.droppedFields] += UInt64(beacons.malformedFields)
    }

    /// The signature of a datagram, for the journal. Nil if none is needed: the sender is trusted, and the site has no
    /// key.
    private mutating func verify(
        _ beacons: Beacons, of datagram: Span<UInt8>, _ arrival: Arrival, against seen: SeenSignatures
    ) throws(DatagramRejection) -> Signatures.Verified? {
        let site = beacons.beacon[.site].flatMap { claim(named: datagram.extracting($0)).site }
        if isTrusted(arrival.sender), !(site.map(signatures.hasKey) ?? false) { return nil }
        guard let site else { throw .signature }
        return try signatures.verify(beacons, of: datagram, site, arrival, against: seen)
    }
}

/// 1…64 of `a-z 0-9 . _ -`.
public func isSiteName(_ name: Span<UInt8>) -> Bool {
    guard (1...64).contains(name.count) else { return false }
    for i in name.indices {
        guard isLowerOrDigit(name[i]) || name[i] == .dot || name[i] == .underscore || name[i] == .dash else {
            return false
        }
    }
    return true
}
