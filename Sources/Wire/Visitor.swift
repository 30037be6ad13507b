import Counting

/// The secret that a site's visitors are hashed with during one local day.
public struct Salt: Sendable {
    /// What frames call it by.
    public let number: UInt32
    fileprivate let words: SIMD4<UInt64>

    /// 32 random bytes under a number.
    public init(number: UInt32, using random: inout some RandomNumberGenerator) {
        self.number = number
        words = SIMD4(random.next(), random.next(), random.next(), random.next())
    }
}

/// Makes visitor keys of one site under one salt.
///
/// SipHash-2-4 with the first half of the salt as key, over: the second half of the salt, the site, and then either
/// address and agent, or the mark 0xffff and the sender's own visitor id. Every text is preceded by its length in two
/// bytes, so that no two visitors spell the same bytes. IPv4 is whole, IPv6 cut to its first 64 bits.
public struct VisitorHasher: Sendable {
    /// Salt and site taken in already.
    private let begun: SipHash

    /// A hasher for `site` under `salt`.
    public init(_ salt: Salt, site: Span<UInt8>) {
        var hash = SipHash(salt.words[0], salt.words[1])
        hash.combine(word: salt.words[2])
        hash.combine(word: salt.words[3])
        hash.combine(length: site.count)
        hash.combine(site)
        begun = hash
    }

    /// The visitor with this address and agent; never 0.
    @inline(__always)
    public func key(_ address: NetworkAddress, agent: Span<UInt8>) -> UInt64 {
        var hash = begun
        switch address {
        case .v4(let bits):
            hash.combine(length: 4)
            hash.combine(UInt8(truncatingIfNeeded: bits >> 24))
            hash.combine(UInt8(truncatingIfNeeded: bits >> 16))
            hash.combine(UInt8(truncatingIfNeeded: bits >> 8))
            hash.combine(UInt8(truncatingIfNeeded: bits))
        case .v6(let high, _):
            hash.combine(length: 8)
            hash.combine(word: high.byteSwapped)
        }
        hash.combine(length: agent.count)
        hash.combine(agent)
        return max(1, hash.finalize())
    }

    /// The visitor the sender calls `id`; never 0.
    public func key(id: Span<UInt8>) -> UInt64 {
        var hash = begun
        hash.combine(length: 0xffff)
        hash.combine(length: id.count)
        hash.combine(id)
        return max(1, hash.finalize())
    }
}

extension SipHash {
    @inline(__always)
    fileprivate mutating func combine(length: Int) {
        combine(UInt8(truncatingIfNeeded: length))
        combine(UInt8(truncatingIfNeeded: length >> 8))
    }

    @inline(__always)
    fileprivate mutating func combine(word: UInt64) {
        for shift in stride(from: 0, to: 64, by: 8) as StrideTo<UInt64> {
            combine(UInt8(truncatingIfNeeded: word >> shift))
        }
    }
}
