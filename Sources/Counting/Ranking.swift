/// Views by key (a path, a referring host) in one day of a site.
///
/// At most `limit` keys have a name; the views of all others are exactly in `other`. When a new key finds the ranking
/// full, all keys with one view are swept into `other` to make room. If there are none, the new key itself goes to
/// `other`. The sum over keys and `other` is always the number of views counted.
///
/// - Complexity: O(1) a view; a sweep O(limit).
struct Ranking: Sendable {
    /// Views, and how many of them were the first page of a visit.
    struct Counts: Equatable, Sendable {
        var views: UInt64 = 0
        var entries: UInt64 = 0
    }

    private var table: KeyTable
    private var counts: [Counts] = []
    /// Keys with exactly one view.
    private var singles = 0
    private let limit: Int
    /// Counts of keys that are not ranked by name.
    private(set) var other = Counts()
    /// True if a key has lost its name, so a later count of it may be too low.
    private(set) var isApproximate = false

    init(limit: Int, seed: HashSeed) {
        self.limit = limit
        table = KeyTable(seed: seed)
    }

    /// Counts one view of `key`. True if keys were swept to make room.
    @inline(__always)
    mutating func count(_ key: Span<UInt8>, isEntry: Bool) -> Bool {
        var swept = false
        var found = table.findOrAdd(key, limit: limit)
        if found == nil, singles > 0 {
            sweep()
            swept = true
            found = table.findOrAdd(key, limit: limit)
        }
        guard let (place, isNew) = found else {
            isApproximate = true
            other.views += 1
            other.entries += isEntry ? 1 : 0
            return swept
        }
        if isNew { counts.append(Counts()) }
        counts[place].views += 1
        counts[place].entries += isEntry ? 1 : 0
        switch counts[place].views {
        case 1: singles += 1
        case 2: singles -= 1
        default: break
        }
        return swept
    }

    private mutating func sweep() {
        isApproximate = true
        var place = counts.count - 1
        while singles > 0 {
            if counts[place].views == 1 {
                other.views += 1
                other.entries += counts[place].entries
                singles -= 1
                table.remove(at: place)
                counts[place] = counts[counts.count - 1]
                counts.removeLast()
            }
            place -= 1
        }
    }

    /// The keys with the most views, most views first, then by their bytes.
    func top(_ rows: Int) -> [RankingRow] {
        let order = counts.indices.sorted { a, b in
            counts[a].views != counts[b].views
                ? counts[a].views > counts[b].views
                : table.keys[a].lexicographicallyPrecedes(table.keys[b])
        }
        return order.prefix(rows).map {
            RankingRow(key: table.keys[$0], views: counts[$0].views, entries: counts[$0].entries)
        }
    }

    /// Restores a row of a snapshot. False if the key is already there, has no view, or finds no room.
    mutating func restore(_ row: RankingRow) -> Bool {
        guard row.views > 0, let (_, isNew) = table.findOrAdd(row.key.span, limit: limit), isNew else { return false }
        counts.append(Counts(views: row.views, entries: row.entries))
        if row.views == 1 { singles += 1 }
        return true
    }

    /// Restores the rest of a snapshot's ranking.
    mutating func restore(other: Counts, isApproximate: Bool) {
        self.other = other
        self.isApproximate = isApproximate
    }
}

/// One line of a ranking.
public struct RankingRow: Equatable, Sendable {
    /// The path or referring host, valid UTF-8.
    public var key: [UInt8]
    /// Views with this key.
    public var views: UInt64
    /// Visits begun with this key; 0 for referrers.
    public var entries: UInt64

    /// A row.
    public init(key: [UInt8], views: UInt64, entries: UInt64) {
        self.key = key
        self.views = views
        self.entries = entries
    }
}
