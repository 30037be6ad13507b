import Counting

/// The secret for hashing a site's visitors during one local day.
public struct Salt: Sendable {
    /// The number that frames use for it.
    public let number: UInt32
    fileprivate let words: SIMD4<UInt64>

    /// 32 random bytes with a number.
    public init(number: UInt32, using random: inout some RandomNumberGenerator) {
        self.number = number
        words = SIMD4(random.next(), random.next(), random.next(), random.next())
    }

    /// A stored salt: 32 bytes.
    public init(number: UInt32, bytes: [UInt8]) {
        precondition(bytes.count == 32, "a salt has 32 bytes")
        let span = bytes.span
        self.number = number
        words = SIMD4(span.word(at: 0), span.word(at: 8), span.word(at: 16), span.word(at: 24))
    }

    /// The secret. Store it before the first use, and only in the database.
    public var bytes: [UInt8] {
        (0..<32).map { UInt8(truncatingIfNeeded: words[$0 / 8] >> UInt64($0 % 8 * 8)) }
    }
}

/// Makes the visitor keys of one site with one salt.
///
/// SipHash-2-4 with the first half of the salt as key, over: the second half of the salt, the site, and then either
/// address and agent, or the mark 0xffff and the sender's own visitor id. Every text has its length in two bytes before
/// it, so that no two visitors give the same bytes. IPv4 addresses are whole, IPv6 addresses cut to their first 64
/// bits.
public struct VisitorHasher: Sendable {
    /// The hash after salt and site.
    private let begun: StrongHash

    /// A hasher for `site` with `salt`.
    public init(_ salt: Salt, site: Span<UInt8>) {
        var hash = StrongHash(salt.words[0], salt.words[1])
        hash.combine(salt.words[2], count: 8)
        hash.combine(salt.words[3], count: 8)
        hash.combine(UInt64(site.count), count: 2)
        hash.combine(site)
        begun = hash
    }

    /// The visitor with this address and agent; never 0.
    @inline(__always)
    public func key(_ address: NetworkAddress, agent: Span<UInt8>) -> UInt64 {
        var hash = begun
        switch address {
        case .v4(let bits):
            hash.combine(4 | UInt64(bits.byteSwapped) &<< 16, count: 6)
        case .v6(let high, _):
            hash.combine(8, count: 2)
            hash.combine(high.byteSwapped, count: 8)
        }
        hash.combine(UInt64(truncatingIfNeeded: agent.count), count: 2)
        hash.combine(agent)
        return max(1, hash.finalize())
    }

    /// The visitor with the id `id` of the sender; never 0.
    public func key(id: Span<UInt8>) -> UInt64 {
        var hash = begun
        hash.combine(0xffff, count: 2)
        hash.combine(UInt64(id.count), count: 2)
        hash.combine(id)
        return max(1, hash.finalize())
    }
}
