/// The views of the last moments. A second view of the same visitor and page is recognised as a duplicate.
///
/// ```
/// bucket   8 words of 8 B, one line of the cache
///          word 0      when a view last found the bucket full and went on, in milliseconds
///          words 1…7   63 ......... 15      14 ........... 0
///                      identity, 49 bits    ms mod 32,768
/// ```
/// The visitor's key names the first bucket. A view that finds it full goes on to the bucket that its own identity
/// names, and from there to the next ones, so the many pages of one visitor do not crowd each other. A search goes on
/// only where a view went on within `retention`.
///
/// A view is *live* for `retention`, at most 10 s; then another view may use its word. Nothing is deleted: a walk over all
/// buckets every 8.2 s, in steps of less than `retention`, clears the words whose milliseconds could be misread after
/// 32.8 s. Past `limit` the views of the oldest millisecond leave early, together.
///
/// Two live views are confused with probability 2⁻⁴⁹ in the first bucket, and with 2⁻³² in that of an identity, whose views
/// already have 17 bits in common if there are 2¹⁷ buckets. A search meets 2.4 words of the first kind and 0.001 of the
/// second (measured over 30 million views with 20 bits instead of 49), so of 10¹² views 0.2 are taken for another one.
///
/// - Complexity: O(1) a view, one or two lines of memory; 21…43 bytes a live view, and half of it each time that there
///   are none.
struct RecentViews: Sendable {
    /// Milliseconds for which a view is remembered: the longest duplicate window of any site.
    private(set) var retention: Int64 = 0
    /// Live views.
    private(set) var count = 0
    private let limit: Int

    private var words: [UInt64] = []
    /// The number of buckets, a power of two, less one.
    private var mask = -1
    private var now: Int64 = 0
    /// Views before this moment left early.
    private var floor: Int64 = 0
    /// Until then a search always goes on from its first bucket: the views of earlier buckets were placed by their
    /// identity alone.
    private var scatteredUntil: Int64 = 0
    /// The number of live views of each millisecond, at its place modulo their number.
    private var perMillisecond: [UInt32] = []

    /// Buckets are doubled when they hold more on average.
    private static let viewsPerBucket = 3
    private static let bucketsMin = 16
    private static let timeMask: UInt64 = 0x7fff
    /// The walk over all buckets takes 2¹³ ms.
    private static let walkBits = 13

    /// A remembered view.
    struct View: Comparable, Sendable {
        /// The bits of the identity, in their places in a word.
        let identity: UInt64
        /// When it was counted, in milliseconds.
        let moment: Int64

        /// The order of snapshots: earlier, and in the same millisecond by the identity.
        static func < (a: View, b: View) -> Bool { (a.moment, a.identity) < (b.moment, b.identity) }
    }

    /// What became of a view.
    enum Outcome {
        /// The same view was counted a moment ago.
        case duplicate
        /// It is remembered, and this number of views left early.
        case new(forgotten: UInt64)
    }

    init(limit: Int) { self.limit = max(1, limit) }

    /// True if a view with this hash was counted less than `interval` milliseconds ago.
    mutating func holds(_ hash: UInt64, of visitor: UInt64, within interval: Int64, at moment: Moment) -> Bool {
        advance(to: moment.milliseconds)
        guard count > 0, let place = search(Self.identity(hash), from: visitor) else { return false }
        return age(words[place]) < interval
    }

    /// Remembers a view, unless the same one was counted less than `interval` milliseconds ago. `hash` is of its visitor,
    /// page and source.
    @inline(__always)
    mutating func observe(_ hash: UInt64, of visitor: UInt64, within interval: Int64, at moment: Moment) -> Outcome {
        advance(to: moment.milliseconds)
        let identity = Self.identity(hash)
        if count > 0 {
            if let place = search(identity, from: visitor) {
                if age(words[place]) < interval { return .duplicate }
                // It is placed anew: the search for it must go on for as long as it is live from now on.
                add(-1, at: now - age(words[place]))
                words[place] = 0
                self.place(word(identity, now), from: visitor)
                add(1, at: now)
                return .new(forgotten: 0)
            }
            let start = (Int(truncatingIfNeeded: visitor) & mask) &* 8
            for i in start &+ 1..<start &+ 8 where count < limit && !isLive(words[i]) {
                words[i] = word(identity, now)
                add(1, at: now)
                return .new(forgotten: 0)
            }
        }
        return .new(forgotten: insert(identity, from: visitor))
    }

    /// Remembers a view of a snapshot. They come in the order of their moments. Returns how many left early.
    mutating func restore(_ view: View) -> UInt64 {
        advance(to: view.moment)
        scatteredUntil = now + retention
        let identity = Self.identity(view.identity)
        guard
            case .new(let forgotten) = observe(
                identity, of: Self.home(identity), within: 0, at: Moment(milliseconds: now))
        else { return 0 }
        return forgotten
    }

    /// Sets how long views are remembered. A shorter time forgets older views; no site compares with them any more.
    mutating func setRetention(_ milliseconds: Int64, at moment: Moment) {
        advance(to: moment.milliseconds)
        guard milliseconds != retention else { return }
        let views = remembered(at: moment).sorted()
        clear()
        retention = milliseconds
        perMillisecond = [UInt32](repeating: 0, count: retention == 0 ? 0 : nextPowerOfTwo(Int(retention)))
        for view in views where moment.milliseconds - view.moment < retention { _ = restore(view) }
    }

    /// Forgets everything. Time may continue from an earlier moment.
    mutating func clear() {
        empty()
        (words, mask, now) = ([], -1, 0)
    }

    /// The live views at `moment`, in no order.
    func remembered(at moment: Moment) -> [View] {
        var views: [View] = []
        views.reserveCapacity(count)
        for i in words.indices where i & 7 != 0 && isLive(words[i]) {
            let view = View(identity: words[i] & ~Self.timeMask, moment: now - age(words[i]))
            if moment.milliseconds - view.moment < retention { views.append(view) }
        }
        return views
    }

    // MARK: Time

    @inline(__always)
    private mutating func advance(to milliseconds: Int64) {
        if milliseconds > now { pass(to: milliseconds) }
    }

    private mutating func pass(to milliseconds: Int64) {
        let before = now
        if count > 0, milliseconds - before >= retention { empty() }
        now = milliseconds
        guard count > 0 else { return }
        for passed in before - retention + 1...now - retention {
            let place = Int(passed) & (perMillisecond.count - 1)
            count -= Int(perMillisecond[place])
            perMillisecond[place] = 0
        }
        if count > 0 { walk(from: before, to: now) } else { empty() }
    }

    /// Forgets all views. Half of the memory stays for the next ones, who may come as many.
    private mutating func empty() {
        if mask >= Self.bucketsMin {
            mask >>= 1
            words = [UInt64](repeating: 0, count: (mask + 1) * 8)
        } else {
            for i in words.indices { words[i] = 0 }
        }
        if count > 0 { for i in perMillisecond.indices { perMillisecond[i] = 0 } }
        (count, floor, scatteredUntil) = (0, 0, 0)
    }

    /// Clears the words that are not live in the buckets whose turn comes in this time.
    private mutating func walk(from: Int64, to: Int64) {
        let bits = (mask + 1).trailingZeroBitCount - Self.walkBits
        for bucket in from << bits..<to << bits {
            let start = (Int(bucket) & mask) * 8
            for i in start + 1..<start + 8 where !isLive(words[i]) { words[i] = 0 }
        }
    }

    @inline(__always)
    private func word(_ identity: UInt64, _ milliseconds: Int64) -> UInt64 {
        identity | UInt64(bitPattern: milliseconds) & Self.timeMask
    }

    /// Milliseconds since the view in a word was counted.
    @inline(__always)
    private func age(_ word: UInt64) -> Int64 { Int64((UInt64(bitPattern: now) &- word) & Self.timeMask) }

    @inline(__always)
    private func isLive(_ word: UInt64) -> Bool {
        let age = age(word)
        return word != 0 && age < retention && now - age >= floor
    }

    /// Adds to the live views of a millisecond.
    @inline(__always)
    private mutating func add(_ views: Int, at milliseconds: Int64) {
        let place = Int(milliseconds) & (perMillisecond.count - 1)
        perMillisecond[place] = UInt32(Int(perMillisecond[place]) + views)
        count += views
    }

    // MARK: Buckets

    /// The bits of an identity. Never 0.
    @inline(__always)
    private static func identity(_ hash: UInt64) -> UInt64 { max(hash & ~timeMask, timeMask + 1) }

    /// The bits that name the bucket of an identity.
    @inline(__always)
    private static func home(_ identity: UInt64) -> UInt64 { identity &>> 20 }

    /// The place of a live view.
    @inline(__always)
    private func search(_ identity: UInt64, from visitor: UInt64) -> Int? {
        let start = (Int(truncatingIfNeeded: visitor) & mask) &* 8
        for i in start &+ 1..<start &+ 8 where (words[i] ^ identity) <= Self.timeMask && isLive(words[i]) { return i }
        guard now &- Int64(bitPattern: words[start]) < retention || now < scatteredUntil else { return nil }
        return searchOn(identity)
    }

    private func searchOn(_ identity: UInt64) -> Int? {
        var bucket = Int(truncatingIfNeeded: Self.home(identity)) & mask
        for _ in 0...mask {
            let start = bucket * 8
            for i in start + 1..<start + 8 where (words[i] ^ identity) <= Self.timeMask && isLive(words[i]) { return i }
            guard now - Int64(bitPattern: words[start]) < retention else { return nil }
            bucket = (bucket + 1) & mask
        }
        return nil
    }

    /// Adds a view that is not live. Returns how many left early.
    @inline(never)
    private mutating func insert(_ identity: UInt64, from visitor: UInt64) -> UInt64 {
        guard retention > 0 else { return 0 }
        var forgotten: UInt64 = 0
        if count == limit {
            forgotten = forgetOldest()
            // All of them are of this millisecond, and so is this one.
            guard forgotten > 0 else { return 1 }
        }
        if count >= (mask + 1) * Self.viewsPerBucket { grow() }
        place(word(identity, now), from: visitor)
        add(1, at: now)
        return forgotten
    }

    /// Writes a live view into the first word that it may use, and notes where it went on.
    private mutating func place(_ word: UInt64, from visitor: UInt64) {
        var bucket = Int(truncatingIfNeeded: visitor) & mask
        var next = Int(truncatingIfNeeded: Self.home(word)) & mask
        while true {
            let start = bucket * 8
            for i in start + 1..<start + 8 where !isLive(words[i]) {
                words[i] = word
                return
            }
            words[start] = UInt64(now)
            (bucket, next) = (next, (next + 1) & mask)
        }
    }

    private mutating func grow() {
        let views = remembered(at: Moment(milliseconds: now))
        mask = max(Self.bucketsMin, (mask + 1) * 2) - 1
        words = [UInt64](repeating: 0, count: (mask + 1) * 8)
        scatteredUntil = now + retention
        for view in views { place(word(view.identity, view.moment), from: Self.home(view.identity)) }
    }

    /// Forgets the views of the oldest millisecond, unless that is now. Returns how many.
    private mutating func forgetOldest() -> UInt64 {
        var oldest = max(now - retention + 1, floor)
        while perMillisecond[Int(oldest) & (perMillisecond.count - 1)] == 0 { oldest += 1 }
        guard oldest < now else { return 0 }
        let forgotten = perMillisecond[Int(oldest) & (perMillisecond.count - 1)]
        add(-Int(forgotten), at: oldest)
        floor = oldest + 1
        return UInt64(forgotten)
    }
}

func nextPowerOfTwo(_ n: Int) -> Int { n <= 1 ? 1 : 1 << (Int.bitWidth - (n - 1).leadingZeroBitCount) }
