import Counting

/// The secret for hashing a site's visitors during one local day.
public struct Salt: Sendable {
    /// The number that frames use for it.
    public let number: UInt32
    fileprivate let words: SIMD4<UInt64>
    fileprivate let scheme: Scheme

    /// How the keys of visitors are made. A salt keeps its scheme, so that an upgrade changes nobody's key before the
    /// next midnight.
    enum Scheme: UInt8 {
        /// Over the bytes of the agent. For salts of version 0.1, which are stored without a scheme.
        case agent
        /// Over the agent's digest, which is known for a recent agent.
        case agentDigest
    }

    /// 32 random bytes with a number.
    public init(number: UInt32, using random: inout some RandomNumberGenerator) {
        self.number = number
        words = SIMD4(random.next(), random.next(), random.next(), random.next())
        scheme = .agentDigest
    }

    /// A stored salt: 32 bytes, and one of the scheme, 1.
    public init(number: UInt32, bytes: [UInt8]) {
        precondition(bytes.count == 32 || bytes.count == 33 && bytes[32] == 1, "a salt has 32 bytes and its scheme")
        let span = bytes.span
        self.number = number
        words = SIMD4(span.word(at: 0), span.word(at: 8), span.word(at: 16), span.word(at: 24))
        scheme = bytes.count == 32 ? .agent : .agentDigest
    }

    /// The secret with its scheme. Store it before the first use, and only in the database.
    public var bytes: [UInt8] {
        (0..<32).map { UInt8(truncatingIfNeeded: words[$0 / 8] >> UInt64($0 % 8 * 8)) }
            + (scheme == .agent ? [] : [scheme.rawValue])
    }
}

/// Makes the visitor keys of one site with one salt.
///
/// SipHash-2-4 with the first half of the salt as key, over words of 8 bytes: the second half of the salt; the length of the
/// site's name, and the name; and then either 4 with the IPv4 address, or 8 and the first 64 bits of the IPv6 address, and
/// the agent's digest; or 0xffff with the length of the sender's own visitor id, and the id. So no two visitors give the
/// same bytes. Salts of version 0.1 have the same in the same order without padding to words, and the agent after its
/// length in the place of its digest.
public struct VisitorHasher: Sendable {
    /// The hash after salt and site.
    private let begun: StrongHash
    private let scheme: Salt.Scheme

    /// A hasher for `site` with `salt`.
    public init(_ salt: Salt, site: Span<UInt8>) {
        var hash = StrongHash(salt.words[0], salt.words[1])
        hash.combine(salt.words[2], count: 8)
        hash.combine(salt.words[3], count: 8)
        switch salt.scheme {
        case .agent:
            hash.combine(UInt64(site.count), count: 2)
            hash.combine(site)
        case .agentDigest:
            hash.combine(whole: UInt64(site.count))
            hash.combine(site)
            hash.combine(0, count: UInt64(-site.count & 7))
        }
        begun = hash
        scheme = salt.scheme
    }

    /// A hash of an agent, 64 bits. It has no secret: who finds two agents with the same digest can only appear as one
    /// visitor instead of two.
    static func digest(of agent: Span<UInt8>) -> UInt64 {
        var hash = StrongHash(0, 0)
        hash.combine(agent)
        return hash.finalize()
    }

    /// The visitor with this address and agent; never 0.
    public func key(_ address: NetworkAddress, agent: Span<UInt8>) -> UInt64 {
        key(address, agent: agent, digest: Self.digest(of: agent))
    }

    /// The same if the agent's digest is known.
    @inline(__always)
    func key(_ address: NetworkAddress, agent: Span<UInt8>, digest: UInt64) -> UInt64 {
        guard scheme == .agentDigest else { return formerKey(address, agent) }
        var hash = begun
        switch address {
        case .v4(let bits): hash.combine(whole: 4 | UInt64(bits) &<< 16)
        case .v6(let high, _):
            hash.combine(whole: 8)
            hash.combine(whole: high)
        }
        hash.combine(whole: digest)
        return max(1, hash.finalize())
    }

    @inline(never)
    private func formerKey(_ address: NetworkAddress, _ agent: Span<UInt8>) -> UInt64 {
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
        let mark = 0xffff | UInt64(id.count) << 16
        if scheme == .agentDigest { hash.combine(whole: mark) } else { hash.combine(mark, count: 4) }
        hash.combine(id)
        return max(1, hash.finalize())
    }
}
