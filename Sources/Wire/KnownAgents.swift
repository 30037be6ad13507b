import Counting

/// What is known of an agent.
struct AgentTraits {
    /// True for a declared bot.
    var isBot: Bool
    /// `VisitorHasher.digest`
    var digest: UInt64

    /// Reads the text of an agent.
    init(of agent: Span<UInt8>) {
        isBot = Bots.hasWord(agent)
        digest = VisitorHasher.digest(of: agent)
    }

    /// The traits of the empty text.
    static let none = AgentTraits(of: Span())

    fileprivate init(isBot: Bool, digest: UInt64) { (self.isBot, self.digest) = (isBot, digest) }
}

/// Remembers recent agents: that their bytes are their text, and their traits.
///
/// An agent is recognised by a keyed fingerprint of 63 bits, so of 10¹² agents 10⁻⁷ are taken for another one.
///
/// - Complexity: O(1) besides the fingerprint; 128 KiB.
struct KnownAgents: Sendable {
    /// An agent's fingerprint, with the verdict in the lowest bit, and its digest.
    private struct Entry {
        var name: UInt64 = 0
        var digest: UInt64 = 0
    }

    private let seed: HashSeed
    /// Direct-mapped.
    private var entries = [Entry](repeating: Entry(), count: count)
    private static let count = 8192

    init(seed: HashSeed) { self.seed = seed }

    /// The traits of an agent that had to be decoded.
    mutating func find(decoded agent: borrowing FieldText) -> AgentTraits {
        let text = agent.decoded
        guard text.count > 0 else { return .none }
        return find(text, .unescaped) ?? AgentTraits(of: text)
    }

    /// The traits of an agent that was written like this, if it needs no decoding. It must not be empty.
    @inline(__always)
    mutating func find(_ raw: Span<UInt8>, _ escaping: Escaping) -> AgentTraits? {
        // What needs no decoding depends on how it is escaped.
        let name = raw.fingerprint(HashSeed(seed.k0 &+ UInt64(escaping.rawValue), seed.k1)) | 1
        let place = Int(truncatingIfNeeded: name &>> 1) & (Self.count &- 1)
        let entry = entries[place]
        if entry.name | 1 == name { return AgentTraits(isBot: entry.name & 1 == 1, digest: entry.digest) }
        guard escaping.leaves(raw) else { return nil }
        let traits = AgentTraits(of: raw)
        entries[place] = Entry(name: traits.isBot ? name : name & ~1, digest: traits.digest)
        return traits
    }
}
