import Counting
import Storage
import Wire

/// Draws salts before their midnight, so that each is stored before it is used.
///
/// Every site has one salt ready. If nothing is stored, as in `footfall count`, a salt is drawn when it is needed.
struct SaltPool: Sendable {
    private var random: any RandomNumberGenerator & Sendable
    private let isKept: Bool
    private var last: UInt32
    /// Stored and not yet used, by site.
    private var ready: [SiteIndex: Salt] = [:]
    /// Drawn and not yet stored, oldest first.
    private var waiting: [(site: SiteIndex, salt: Salt)] = []
    /// The sites of `waiting`.
    private var expected: Set<SiteIndex> = []
    /// How many of `waiting` have been handed out for storage.
    private var asked = 0

    /// `stored` are the existing salts, nil if salts are not stored. Numbers up to `used` are not used again.
    init(stored: [StoredSalt]?, used: UInt32, random: any RandomNumberGenerator & Sendable) {
        self.random = random
        isKept = stored != nil
        last = max(used, stored?.map(\.number).max() ?? 0)
    }

    /// The highest number of a salt.
    var highest: UInt32 { last }

    /// Numbers of salts that must be kept although no hash uses them yet.
    var numbers: Set<UInt32> { Set(ready.values.map(\.number) + waiting.map(\.salt.number)) }

    /// Makes a stored salt ready for the next midnight of its site.
    mutating func keep(_ salt: Salt, for site: SiteIndex) { ready[site] = salt }

    /// True if `dequeue` would return a salt.
    func hasReady(for site: SiteIndex) -> Bool { !isKept || ready[site] != nil }

    /// A salt that may be used now; nil if none is stored yet. Another one is drawn for the next time.
    mutating func dequeue(for site: SiteIndex) -> Salt? {
        guard isKept else { return draw() }
        let salt = ready.removeValue(forKey: site)
        drawAhead(for: site)
        return salt
    }

    /// Draws a salt for a site, unless one is ready or being stored.
    mutating func drawAhead(for site: SiteIndex) {
        guard isKept, ready[site] == nil, expected.insert(site).inserted else { return }
        waiting.append((site, draw()))
    }

    mutating func dequeueDrawn() -> [StoredSalt] {
        defer { asked = waiting.count }
        return waiting[asked...].map { StoredSalt(number: $0.salt.number, site: $0.site, bytes: $0.salt.bytes) }
    }

    /// Marks the salts up to this number as stored.
    mutating func stored(through number: UInt32) {
        let stored = waiting.prefix { $0.salt.number <= number }
        for (site, salt) in stored {
            ready[site] = salt
            expected.remove(site)
        }
        asked -= stored.count
        waiting.removeFirst(stored.count)
    }

    private mutating func draw() -> Salt {
        last += 1
        return Salt(number: last, using: &random)
    }
}
