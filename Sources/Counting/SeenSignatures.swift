/// The signatures of recently accepted beacons, so that none is accepted twice.
///
/// They are stored by site and by the second that the sender signed. Forgetting a second raises the site's floor, and a
/// signature from the floor or earlier is not accepted any more: when the set is full, or the clock has jumped, it
/// refuses and never accepts a replay. The site with the most signatures loses its oldest, so a flooded site shuts out
/// no other.
///
/// - Complexity: O(1) a signature, and O(sites) for each second that is forgotten because the set is full. At most
///   262,144 signatures, about 10 MiB.
public struct SeenSignatures: Sendable {
    /// The most signatures stored, all sites together.
    public static let countMax = 1 << 18
    /// A signature is valid this long before and after its second.
    public static let windowSeconds: Int64 = 120

    private var sites: [Int: OfSite] = [:]
    private var count = 0
    /// Signatures up to this second are forgotten, for every site.
    private let floor: Int64

    private struct OfSite {
        var bySecond: [Int64: Set<UInt64>] = [:]
        var count = 0
        var floor: Int64 = 0

        var oldest: Int64 { bySecond.keys.min() ?? .max }

        /// Forgets the oldest second. Returns the number of its signatures.
        mutating func forgetOldest() -> Int {
            let oldest = oldest
            guard let forgotten = bySecond.removeValue(forKey: oldest)?.count else { return 0 }
            floor = max(floor, oldest)
            count -= forgotten
            return forgotten
        }
    }

    /// No signatures. Nothing signed at `floor` or before is accepted.
    public init(floor: Int64 = 0) { self.floor = floor }

    /// True if the signature was seen, or may have been.
    public func holds(_ signature: UInt64, of site: SiteIndex, signedAt second: Int64) -> Bool {
        guard second > floor else { return true }
        guard let kept = sites[site.number] else { return false }
        return second <= kept.floor || kept.bySecond[second]?.contains(signature) ?? false
    }

    /// Stores an accepted signature, and forgets seconds that the clock alone would refuse now.
    mutating func insert(_ signature: UInt64, of site: SiteIndex, signedAt second: Int64, now: Int64) {
        if count >= Self.countMax { makeRoom(now) }
        var kept = sites.removeValue(forKey: site.number) ?? OfSite()
        while kept.bySecond.count > 2 * Self.windowSeconds + 2 { count -= kept.forgetOldest() }
        if second > max(floor, kept.floor), kept.bySecond[second, default: []].insert(signature).inserted {
            kept.count += 1
            count += 1
        }
        sites[site.number] = kept
    }

    /// Forgets what the clock would refuse, on every site. If that is nothing, forgets the oldest second of the site
    /// with the most signatures.
    private mutating func makeRoom(_ now: Int64) {
        for site in sites.keys {
            while let oldest = sites[site]?.oldest, oldest < now - Self.windowSeconds - 1 {
                count -= sites[site]?.forgetOldest() ?? 0
            }
        }
        while count >= Self.countMax, let most = sites.max(by: { ($0.value.count, $1.key) < ($1.value.count, $0.key) })
        {
            count -= sites[most.key]?.forgetOldest() ?? 0
        }
    }

    // MARK: Bytes

    /// Floor, then n × (site, its floor, n × (second, n × 8 B)), all rising.
    func write(to writer: inout ByteWriter) {
        writer.number(UInt64(floor))
        writer.number(sites.count)
        for (site, kept) in sites.sorted(by: { $0.key < $1.key }) {
            writer.number(site)
            writer.number(UInt64(kept.floor))
            writer.number(kept.bySecond.count)
            for (second, signatures) in kept.bySecond.sorted(by: { $0.key < $1.key }) {
                writer.number(UInt64(second))
                writer.number(signatures.count)
                for signature in signatures.sorted() { writer.word(signature) }
            }
        }
    }

    init(restoring reader: inout ByteReader) throws(MalformedBytes) {
        self.init(floor: try Self.second(&reader))
        for _ in 0..<(try reader.count(bytesEach: 3)) {
            let site = try reader.number(upTo: 1 << 24)
            var kept = OfSite()
            kept.floor = try Self.second(&reader)
            for _ in 0..<(try reader.count(bytesEach: 2)) {
                let second = try Self.second(&reader)
                var signatures: Set<UInt64> = []
                for _ in 0..<(try reader.count(bytesEach: 8)) { signatures.insert(try reader.word()) }
                guard second > kept.floor, !signatures.isEmpty,
                    kept.bySecond.updateValue(signatures, forKey: second) == nil
                else { throw reader.malformed }
                kept.count += signatures.count
            }
            guard sites.updateValue(kept, forKey: site) == nil else { throw reader.malformed }
            count += kept.count
        }
    }

    private static func second(_ reader: inout ByteReader) throws(MalformedBytes) -> Int64 {
        Int64(try reader.number(upTo: Int(UInt32.max)))
    }
}
