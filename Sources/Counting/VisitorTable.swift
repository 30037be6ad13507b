/// Every visitor of every site seen in the last half hour: when last seen, and whether a visit is open.
///
/// ```
/// slot   63 ........ 13   12 ......... 1   0
///        fingerprint 51   second mod 4096  a visit is open in this run
/// ```
/// Open addressing over 1024 segments. The top 10 bits of the visitor key name the segment. The next bits give the home
/// slot (by multiplication, so a segment may have any capacity). Both are inside the fingerprint, so a segment can be
/// rebuilt at another size from its slots alone. A segment is rebuilt when it is 4/5 full, to 7/10 full: about 10.7
/// bytes a visitor at any size, and no step is longer than one segment. Two visitors are confused with probability n² /
/// 2⁵²: 0.02 expected pairs among 10 million.
///
/// A slot older than 1800 s is *stale*: it may be reused, and a walk over all segments every 1800 s removes it before
/// its second could be misread (4096 s). A copy of the table costs one reference a segment. A later write to either
/// copies one segment.
///
/// - Complexity: O(1) a hit; a second rebuilds at most one segment in 1800 s × 1024.
struct VisitorTable: Sendable {
    private var segments = [[UInt64]](repeating: [], count: segmentCount)
    /// Used slots of each segment, stale ones included.
    private var used = [Int32](repeating: 0, count: segmentCount)
    /// All visitors in the table by second; `live` is their number.
    private var everybody: Presence

    private static let segmentCount = 1024
    private static let capacityMin = 16
    private static let secondMask: UInt64 = 4095
    private static let fingerprintMask: UInt64 = ~0 << 13

    /// What a live slot holds.
    struct Entry {
        /// The second of the last hit, at most 1800 s ago.
        var lastSecond: Int64
        /// A visit has begun in this run of hits.
        var isVisitOpen: Bool
    }

    init(at second: Int64) { everybody = Presence(window: visitGapSecondsMax, at: second) }

    var live: Int { everybody.live }

    /// Bytes of all slots, used or free.
    var bytes: Int { segments.reduce(0) { $0 + $1.count * 8 } }

    /// Advances the time and removes stale slots, a part of the segments at a time.
    mutating func advance(to now: Int64) {
        if now - everybody.second > visitGapSecondsMax { clear(at: now) }
        while everybody.second < now { step(to: min(now, everybody.second + Self.stepMax)) }
    }

    /// A slot is at most 1800 s stale when its segment is swept, and its second can be read for 4096 s.
    private static let stepMax: Int64 = 256

    private mutating func step(to now: Int64) {
        let before = everybody.second
        everybody.advance(to: now)
        if everybody.live == 0 {
            clear(at: now)
            return
        }
        let count = Int64(Self.segmentCount)
        for step in (before * count / visitGapSecondsMax)..<(now * count / visitGapSecondsMax) {
            sweep(Int(step % count))
        }
    }

    /// Forgets everybody and stands at `second`, which may lie in the past.
    mutating func clear(at second: Int64) {
        everybody.clear(at: second)
        for s in segments.indices where used[s] > 0 {
            segments[s] = []
            used[s] = 0
        }
    }

    /// Reads the slot where the search for a visitor begins, so that it is in the cache afterwards.
    @inline(__always)
    func touch(_ key: UInt64) -> UInt64 {
        let s = Self.segment(key)
        let capacity = segments[s].count
        return capacity == 0 ? 0 : segments[s][Self.home(Self.fingerprint(key), capacity: capacity)]
    }

    /// Marks the visitor as seen now if a run of hits is open. Returns what was known before.
    @inline(__always)
    mutating func renew(_ key: UInt64, isView: Bool) -> Entry? {
        let s = Self.segment(key)
        guard let i = find(key, in: s) else { return nil }
        let entry = entry(segments[s][i])
        segments[s][i] = slot(key, isVisitOpen: entry.isVisitOpen || isView)
        everybody.move(from: entry.lastSecond)
        return entry
    }

    /// Moves a live visitor to a new key, seen now. Returns what was known before. The old slot is marked dead.
    mutating func rename(_ old: UInt64, to new: UInt64, isView: Bool) -> Entry? {
        let s = Self.segment(old)
        guard let i = find(old, in: s) else { return nil }
        let entry = entry(segments[s][i])
        segments[s][i] = dead(segments[s][i])
        place(slot(new, isVisitOpen: entry.isVisitOpen || isView))
        everybody.move(from: entry.lastSecond)
        return entry
    }

    /// Adds a visitor without a live slot, seen now.
    mutating func insert(_ key: UInt64, isView: Bool) {
        place(slot(key, isVisitOpen: isView))
        everybody.appear()
    }

    // MARK: Snapshot

    /// The number of chunks in which the table is written. Each has the same number of segments, with the same top bits
    /// of keys.
    static let chunkCount = 64
    private static let chunkSegments = segmentCount / chunkCount

    /// The live slots of a chunk, with rising fingerprints.
    func slots(ofChunk chunk: Int) -> [UInt64] {
        segments[chunk * Self.chunkSegments..<(chunk + 1) * Self.chunkSegments].flatMap { slots in
            slots.filter { $0 != 0 && isLive($0) }.sorted()
        }
    }

    /// Restores a chunk that was written at this same second.
    mutating func restore(chunk: Int, _ bytes: [UInt8]) throws(MalformedBytes) {
        var reader = ByteReader(bytes.span)
        var before: UInt64 = 0
        var kept: [UInt64] = []
        while true {
            let slot = reader.isAtEnd ? nil : try reader.word()
            if let last = kept.last, slot.map(Self.segment) != Self.segment(last) {
                var slots = [UInt64](repeating: 0, count: Self.capacity(for: kept.count))
                for slot in kept { Self.enter(slot, in: &slots) }
                segments[Self.segment(last)] = slots
                used[Self.segment(last)] = Int32(kept.count)
                kept.removeAll(keepingCapacity: true)
            }
            guard let slot else { return }
            let (fingerprint, age) = (slot & Self.fingerprintMask, age(slot))
            guard fingerprint > before, Self.segment(slot) / Self.chunkSegments == chunk, age <= visitGapSecondsMax
            else { throw reader.malformed }
            before = fingerprint
            everybody.add(1, at: everybody.second - age)
            kept.append(slot)
        }
    }

    // MARK: Slots

    private static func segment(_ key: UInt64) -> Int { Int(truncatingIfNeeded: key >> 54) }

    /// The 51 high bits. Never zero, so that a used slot never looks empty.
    @inline(__always)
    private static func fingerprint(_ key: UInt64) -> UInt64 {
        let high = key & fingerprintMask
        return high == 0 ? 1 << 13 : high
    }

    @inline(__always)
    private static func home(_ slot: UInt64, capacity: Int) -> Int {
        Int(truncatingIfNeeded: ((slot & fingerprintMask) << 10).multipliedFullWidth(by: UInt64(capacity)).high)
    }

    @inline(__always)
    private func slot(_ key: UInt64, isVisitOpen: Bool) -> UInt64 {
        Self.fingerprint(key) | (UInt64(everybody.second) & Self.secondMask) << 1 | (isVisitOpen ? 1 : 0)
    }

    @inline(__always)
    private func age(_ slot: UInt64) -> Int64 {
        Int64((UInt64(everybody.second) &- (slot >> 1)) & Self.secondMask)
    }

    @inline(__always)
    private func isLive(_ slot: UInt64) -> Bool { age(slot) <= visitGapSecondsMax }

    private func entry(_ slot: UInt64) -> Entry {
        Entry(lastSecond: everybody.second - age(slot), isVisitOpen: slot & 1 == 1)
    }

    /// The same fingerprint, last seen just too long ago to be found or kept.
    private func dead(_ slot: UInt64) -> UInt64 {
        slot & Self.fingerprintMask
            | (UInt64(bitPattern: everybody.second &- visitGapSecondsMax &- 1) & Self.secondMask) << 1
    }

    @inline(__always)
    private func find(_ key: UInt64, in s: Int) -> Int? {
        let capacity = segments[s].count
        guard capacity > 0 else { return nil }
        let wanted = Self.fingerprint(key)
        var i = Self.home(wanted, capacity: capacity)
        while true {
            let slot = segments[s][i]
            if slot == 0 { return nil }
            if slot & Self.fingerprintMask == wanted { return isLive(slot) ? i : nil }
            i &+= 1
            if i == capacity { i = 0 }
        }
    }

    /// Writes a slot whose fingerprint is not live anywhere.
    private mutating func place(_ slot: UInt64) {
        let s = Self.segment(slot)
        if Int(used[s] + 1) * 5 > segments[s].count * 4 { rebuild(s) }
        let capacity = segments[s].count
        var i = Self.home(slot, capacity: capacity)
        var reusable: Int?
        while segments[s][i] != 0 {
            if (segments[s][i] ^ slot) & Self.fingerprintMask == 0 {
                segments[s][i] = slot
                return
            }
            if reusable == nil, !isLive(segments[s][i]) { reusable = i }
            i += 1
            if i == capacity { i = 0 }
        }
        if let reusable {
            segments[s][reusable] = slot
        } else {
            segments[s][i] = slot
            used[s] += 1
        }
    }

    private mutating func sweep(_ s: Int) {
        if segments[s].contains(where: { $0 != 0 && !isLive($0) }) { rebuild(s) }
    }

    /// Drops the stale slots and makes room for growth.
    private mutating func rebuild(_ s: Int) {
        let old = segments[s]
        var kept = 0
        for slot in old where slot != 0 && isLive(slot) { kept += 1 }
        let capacity = Self.capacity(for: kept)
        var slots = [UInt64](repeating: 0, count: capacity)
        // The order of the old home slots is that of the new ones, so both arrays are walked once.
        for slot in old where slot != 0 && isLive(slot) { Self.enter(slot, in: &slots) }
        segments[s] = slots
        used[s] = Int32(kept)
    }

    private static func capacity(for kept: Int) -> Int { max(capacityMin, (kept + 1) * 10 / 7) }

    @inline(__always)
    private static func enter(_ slot: UInt64, in slots: inout [UInt64]) {
        var i = home(slot, capacity: slots.count)
        while slots[i] != 0 {
            i &+= 1
            if i == slots.count { i = 0 }
        }
        slots[i] = slot
    }
}
