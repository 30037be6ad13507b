import Counting
import Crypto

/// Verifies remote senders, who sign with a key of their site.
///
/// A signed datagram ends in `&z=` and the first 128 bits of HMAC-SHA-256 over every byte before it, in hex. Its first
/// record names the site and, as `t`, the time of the signature. Cheap checks come first. An address with too many
/// wrong signatures is refused without verification for a while. The comparison always compares all 128 bits, so its
/// time reveals nothing.
struct Signatures: Sendable {
    /// By site: HMACs that have already read a key.
    private var keys: [SiteIndex: [HMAC<SHA256>]] = [:]
    private var failures: AddressBuckets
    /// Signatures accepted in the current frame. The engine does not have them yet.
    private var pending: [UInt64] = []

    /// The most keys of a site: the current one, and the one that replaces it.
    static let keysMax = 2
    /// The most wrong signatures a second from one /24 or /56. Each costs an HMAC.
    private static let failuresPerSecond = 1000

    init(seed: HashSeed) {
        failures = AddressBuckets(Rate(perSecond: Self.failuresPerSecond), seed: seed)
    }

    mutating func set(_ texts: [String], of site: SiteIndex) {
        keys[site] =
            texts.isEmpty
            ? nil : texts.prefix(Self.keysMax).map { HMAC<SHA256>(key: SymmetricKey(data: Array($0.utf8))) }
    }

    /// Call it when the engine has the signatures of the last frame.
    mutating func forgetPending() { pending.removeAll(keepingCapacity: true) }

    /// True if the site has a key.
    func hasKey(_ site: SiteIndex) -> Bool { keys[site] != nil }

    /// An accepted signature.
    struct Verified {
        let site: SiteIndex
        /// The record for the journal.
        let record: Record
    }

    /// Verifies the signature of a datagram with the keys of its site.
    mutating func verify(
        _ beacons: Beacons, of datagram: Span<UInt8>, _ site: SiteIndex, _ arrival: Admission.Arrival,
        against seen: SeenSignatures
    ) throws(DatagramRejection) -> Verified {
        guard let keys = keys[site], let time = beacons.beacon[.time],
            let signed = Self.milliseconds(datagram.extracting(time))
        else { throw .signature }
        let stamp = arrival.stamp
        guard abs(signed - stamp) <= SeenSignatures.windowSeconds * 1000 else { throw .clock }
        let network: NetworkAddress? = if case .address(let address) = arrival.sender { address.network } else { nil }
        if let network, !failures.hasOne(for: network, at: stamp * 1000) { throw .signature }
        let bytes = beacons.signedBytes
        let tag = Self.tag(datagram, at: bytes.count &+ 3)
        guard keys.contains(where: { Self.matches($0, bytes, tag) }) else {
            if let network { _ = failures.consumeOne(from: network, at: stamp * 1000) }
            throw .signature
        }
        let second = signed / 1000
        guard !seen.holds(tag.0, of: site, signedAt: second), !pending.contains(tag.0) else { throw .replayed }
        pending.append(tag.0)
        return Verified(site: site, record: .signed(site, tag.0, at: second, came: stamp / 1000))
    }

    private static func matches(_ key: HMAC<SHA256>, _ bytes: Span<UInt8>, _ tag: (UInt64, UInt64)) -> Bool {
        var hmac = key
        hmac.update(data: [UInt8](copying: bytes))
        var code: (UInt64, UInt64) = (0, 0)
        for (i, byte) in hmac.finalize().prefix(16).enumerated() {
            let shift = UInt64(56 - i % 8 * 8)
            if i < 8 { code.0 |= UInt64(byte) << shift } else { code.1 |= UInt64(byte) << shift }
        }
        return (code.0 ^ tag.0) | (code.1 ^ tag.1) == 0
    }

    /// The 32 hex digits from `start`.
    private static func tag(_ datagram: Span<UInt8>, at start: Int) -> (UInt64, UInt64) {
        func half(_ start: Int) -> UInt64 {
            (start..<start + 16).reduce(0) { $0 << 4 | UInt64(hexValue(datagram[$1]) ?? 0) }
        }
        return (half(start), half(start + 16))
    }

    /// Unix seconds with or without a fraction, as milliseconds.
    private static func milliseconds(_ text: Span<UInt8>) -> Int64? {
        guard let (stamp, hasZone) = RecordedLine.time(text), hasZone, text.count < 12 || text[10] == .dot else {
            return nil
        }
        return stamp
    }
}

extension NetworkAddress {
    /// The address's /24, or its /56.
    fileprivate var network: NetworkAddress {
        switch self {
        case .v4(let bits): .v4(bits & 0xffff_ff00)
        case .v6(let high, _): .v6(high & 0xffff_ffff_ffff_ff00, 0)
        }
    }
}
