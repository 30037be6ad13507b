public import Counting

/// Token buckets of the browser door: one a visitor's address, one a site.
///
/// The generic cell rate algorithm (ITU-T I.371): a bucket is the one moment at which it will be full again. A burst of
/// three seconds' worth fits in.
///
/// - Complexity: O(1) and 1 MiB once somebody came, however many addresses come. Where four busy addresses share a place
///   in the table, a fifth takes the place of the one that has been quiet the longest, whose bucket is then full.
public struct Rates: Sendable {
    private var visitor: Rate
    private var site: Rate
    private let seed: HashSeed
    /// By site index: when the bucket will be full, in microseconds.
    private var sites: [Int64] = []
    private var visitors: [Bucket] = []

    private struct Bucket {
        var name: UInt64 = 0
        /// When the bucket will be full, in microseconds.
        var full: Int64 = 0
    }

    private struct Rate: Sendable {
        let interval: Int64
        let tolerance: Int64

        init(perSecond: Int) {
            interval = max(1, 1_000_000 / Int64(perSecond))
            tolerance = 3_000_000 - interval
        }

        /// Takes a token if one is there.
        @inline(__always)
        func take(_ full: inout Int64, at now: Int64) -> Bool {
            let begun = max(full, now)
            guard begun - now <= tolerance else { return false }
            full = begun + interval
            return true
        }
    }

    /// How many addresses are kept apart.
    private static let visitorBuckets = 1 << 16
    private static let ways = 4

    /// Full buckets, with so many tokens a second each.
    public init(visitorPerSecond: Int, sitePerSecond: Int, seed: HashSeed) {
        visitor = Rate(perSecond: visitorPerSecond)
        site = Rate(perSecond: sitePerSecond)
        self.seed = seed
    }

    /// Fills the buckets at other rates; they stay as full as they are.
    mutating func set(visitorPerSecond: Int, sitePerSecond: Int) {
        visitor = Rate(perSecond: visitorPerSecond)
        site = Rate(perSecond: sitePerSecond)
    }

    /// Takes a token from both buckets; false where one of them is empty. `milliseconds` are of a clock that never jumps.
    mutating func takeOne(from address: NetworkAddress, of site: SiteIndex, at milliseconds: Int64) -> Bool {
        let now = milliseconds * 1000
        while sites.count <= site.number { sites.append(0) }
        // Asked before the site's, so that one visitor cannot empty it.
        return takeOne(from: address, at: now) && self.site.take(&sites[site.number], at: now)
    }

    private mutating func takeOne(from address: NetworkAddress, at now: Int64) -> Bool {
        if visitors.isEmpty { visitors = [Bucket](repeating: Bucket(), count: Self.visitorBuckets) }
        var hash = TableHash(seed.k0, seed.k1)
        switch address {
        case .v4(let bits): hash.combine(UInt64(bits), count: 4)
        case .v6(let high, _): hash.combine(high, count: 8)
        }
        let name = hash.finalize() | 1
        let first = Int(truncatingIfNeeded: name >> 1) & (Self.visitorBuckets - Self.ways)
        var quietest = first
        for place in first..<first + Self.ways {
            if visitors[place].name == name { return visitor.take(&visitors[place].full, at: now) }
            if visitors[place].full < visitors[quietest].full { quietest = place }
        }
        visitors[quietest] = Bucket(name: name)
        return visitor.take(&visitors[quietest].full, at: now)
    }
}
