public import Counting

/// Token buckets for browsers: one for each address, one for each site.
public struct Rates: Sendable {
    private var visitors: AddressBuckets
    /// Ten times as many: the pages that lie open in an office behind one address send a ping each minute. For visitors who
    /// are known; a ping of another takes a token of a view, else one address could make up any number of people online.
    private var pings: AddressBuckets
    /// Visitors who have taken a token of a view lately, each in one of four places that its hash says.
    private var known: [UInt64] = []
    private static let knownCount = 1 << 16
    private static let ways = 4
    private let seed: HashSeed
    private static let pingsForView = 10
    private var site: Rate
    /// By site index: when the bucket will be full, in microseconds.
    private var sites: [Int64] = []

    /// Full buckets, with so many tokens a second each.
    public init(visitorPerSecond: Int, sitePerSecond: Int, seed: HashSeed) {
        visitors = AddressBuckets(Rate(perSecond: visitorPerSecond), seed: seed)
        pings = AddressBuckets(Rate(perSecond: visitorPerSecond * Self.pingsForView), seed: seed)
        site = Rate(perSecond: sitePerSecond)
        self.seed = seed
    }

    /// Fills the buckets at other rates; they stay as full as they are.
    mutating func set(visitorPerSecond: Int, sitePerSecond: Int) {
        visitors.rate = Rate(perSecond: visitorPerSecond)
        pings.rate = Rate(perSecond: visitorPerSecond * Self.pingsForView)
        site = Rate(perSecond: sitePerSecond)
    }

    /// Takes a token from both buckets; false where one of them is empty. `milliseconds` are of a clock that never jumps.
    mutating func takeOne(
        from address: NetworkAddress, agent: Span<UInt8>, of site: SiteIndex, isPing: Bool, at milliseconds: Int64
    ) -> Bool {
        let now = milliseconds * 1000
        while sites.count <= site.number { sites.append(0) }
        let visitor = agent.fingerprint(seed) ^ address.fingerprint(seed)
        // Asked before the site's, so that one visitor cannot empty it.
        if isPing, isKnown(visitor) {
            guard pings.takeOne(from: address, at: now) else { return false }
        } else {
            guard visitors.takeOne(from: address, at: now) else { return false }
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

/// The generic cell rate algorithm (ITU-T I.371): a bucket is the one moment at which it will be full again. A burst of
/// three seconds' worth fits in.
struct Rate: Sendable {
    private let interval: Int64
    private let tolerance: Int64
    private static let burst: Int64 = 3_000_000

    init(perSecond: Int) {
        interval = max(1, 1_000_000 / Int64(perSecond))
        tolerance = Self.burst - interval
    }

    /// Takes a token if one is there.
    @inline(__always)
    func consume(_ full: inout Int64, at now: Int64) -> Bool {
        guard has(full, at: now) else { return false }
        full = (full - now > Self.burst ? now : max(full, now)) + interval
        return true
    }

    /// A token is there; also where the bucket is emptier than it can be, since then the clock was set back.
    @inline(__always)
    func has(_ full: Int64, at now: Int64) -> Bool { full - now <= tolerance || full - now > Self.burst }
}

/// A bucket for each address, an IPv6 one by its first 64 bits.
///
/// - Complexity: O(1) and 1 MiB once somebody came, however many addresses come. Where four busy addresses share a place
///   in the table, a fifth takes the place of the one that has been quiet the longest, whose bucket is then full.
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

    /// Takes a token; false where none is there. `now` is in microseconds of a clock that never jumps.
    mutating func takeOne(from address: NetworkAddress, at now: Int64) -> Bool {
        let place = place(of: address)
        return rate.consume(&buckets[place].full, at: now)
    }

    /// A token is there.
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
    /// A hash of the address, of an IPv6 one of its first 64 bits.
    fileprivate func fingerprint(_ seed: HashSeed) -> UInt64 {
        var hash = TableHash(seed.k0, seed.k1)
        switch self {
        case .v4(let bits): hash.combine(UInt64(bits), count: 4)
        case .v6(let high, _): hash.combine(high, count: 8)
        }
        return hash.finalize()
    }
}
