public import Counting

/// Token buckets for browsers: one for each address, and one for each site.
public struct Rates: Sendable {
    private var visitors: AddressBuckets
    /// Ten times as many tokens: the open pages of an office behind one address send a ping a minute each. Only for known
    /// visitors. Any other ping takes a token of a view; otherwise one address could invent any number of people online.
    private var pings: AddressBuckets
    /// Visitors who have recently used a token of a view, each in one of four places given by its hash.
    private var known: [UInt64] = []
    private static let knownCount = 1 << 16
    private static let ways = 4
    private let seed: HashSeed
    private static let pingsForView = 10
    private var site: Rate
    /// By site index: when the bucket will be full, in microseconds.
    private var sites: [Int64] = []

    /// Full buckets, with the given tokens a second each.
    public init(visitorPerSecond: Int, sitePerSecond: Int, seed: HashSeed) {
        visitors = AddressBuckets(Rate(perSecond: visitorPerSecond), seed: seed)
        pings = AddressBuckets(Rate(perSecond: visitorPerSecond * Self.pingsForView), seed: seed)
        site = Rate(perSecond: sitePerSecond)
        self.seed = seed
    }

    /// Sets other rates. The buckets keep their level.
    mutating func set(visitorPerSecond: Int, sitePerSecond: Int) {
        visitors.rate = Rate(perSecond: visitorPerSecond)
        pings.rate = Rate(perSecond: visitorPerSecond * Self.pingsForView)
        site = Rate(perSecond: sitePerSecond)
    }

    /// Takes a token from both buckets. False if one of them is empty. `milliseconds` come from a clock that never
    /// jumps.
    mutating func consumeOne(
        from address: NetworkAddress, agent: Span<UInt8>, of site: SiteIndex, isPing: Bool, at milliseconds: Int64
    ) -> Bool {
        let now = milliseconds * 1000
        while sites.count <= site.number { sites.append(0) }
        let visitor = agent.fingerprint(seed) ^ address.fingerprint(seed)
        // Checked before the site's bucket, so that one visitor cannot empty it.
        if isPing, isKnown(visitor) {
            guard pings.consumeOne(from: address, at: now) else { return false }
        } else {
            guard visitors.consumeOne(from: address, at: now) else { return false }
            know(visitor)
        }
        return self.site.consume(&sites[site.number], at: now)
    }

    private func places(of visitor: UInt64) -> Range<Int> {
        let first = Int(truncatingIfNeeded: visitor) & (Self.knownCount - Self.ways)
        return first..<first + Self.ways
    }

    private func isKnown(_ visitor: UInt64) -> Bool {
        !known.isEmpty && known[places(of: visitor)].contains(visitor)
    }

    private mutating func know(_ visitor: UInt64) {
        if known.isEmpty { known = [UInt64](repeating: 0, count: Self.knownCount) }
        guard !isKnown(visitor) else { return }
        let places = places(of: visitor)
        let free = known[places].firstIndex(of: 0)
        known[free ?? places.lowerBound + Int(truncatingIfNeeded: visitor >> 32) & (Self.ways - 1)] = visitor
    }
}

/// The generic cell rate algorithm (ITU-T I.371): a bucket is stored as the moment at which it will be full again. It
/// holds a burst of three seconds' worth.
struct Rate: Sendable {
    private let interval: Int64
    private let tolerance: Int64
    private static let burst: Int64 = 3_000_000

    init(perSecond: Int) {
        interval = max(1, 1_000_000 / Int64(perSecond))
        tolerance = Self.burst - interval
    }

    /// Takes a token if there is one.
    @inline(__always)
    func consume(_ full: inout Int64, at now: Int64) -> Bool {
        guard has(full, at: now) else { return false }
        full = (full - now > Self.burst ? now : max(full, now)) + interval
        return true
    }

    /// True if there is a token. Also if the bucket is emptier than possible: then the clock was set back.
    @inline(__always)
    func has(_ full: Int64, at now: Int64) -> Bool { full - now <= tolerance || full - now > Self.burst }
}

/// A bucket for each address. An IPv6 address counts by its first 64 bits.
///
/// - Complexity: O(1), and 1 MiB after the first use, for any number of addresses. If four busy addresses share a place
///   in the table, a fifth replaces the one that has been quiet the longest, whose bucket is then full.
struct AddressBuckets: Sendable {
    var rate: Rate
    private let seed: HashSeed
    private var buckets: [Bucket] = []

    private struct Bucket {
        var name: UInt64 = 0
        /// When the bucket will be full, in microseconds.
        var full: Int64 = 0
    }

    private static let count = 1 << 16
    private static let ways = 4

    init(_ rate: Rate, seed: HashSeed) {
        self.rate = rate
        self.seed = seed
    }

    /// Takes a token. False if there is none. `now` is in microseconds of a clock that never jumps.
    mutating func consumeOne(from address: NetworkAddress, at now: Int64) -> Bool {
        let place = place(of: address)
        return rate.consume(&buckets[place].full, at: now)
    }

    /// True if there is a token.
    mutating func hasOne(for address: NetworkAddress, at now: Int64) -> Bool {
        let place = place(of: address)
        return rate.has(buckets[place].full, at: now)
    }

    private mutating func place(of address: NetworkAddress) -> Int {
        if buckets.isEmpty { buckets = [Bucket](repeating: Bucket(), count: Self.count) }
        let name = address.fingerprint(seed) | 1
        let first = Int(truncatingIfNeeded: name >> 1) & (Self.count - Self.ways)
        var quietest = first
        for place in first..<first + Self.ways {
            if buckets[place].name == name { return place }
            if buckets[place].full < buckets[quietest].full { quietest = place }
        }
        buckets[quietest] = Bucket(name: name)
        return quietest
    }
}

extension NetworkAddress {
    /// A hash of the address, for IPv6 of its first 64 bits.
    fileprivate func fingerprint(_ seed: HashSeed) -> UInt64 {
        var hash = TableHash(seed.k0, seed.k1)
        switch self {
        case .v4(let bits): hash.combine(UInt64(bits), count: 4)
        case .v6(let high, _): hash.combine(high, count: 8)
        }
        return hash.finalize()
    }
}
