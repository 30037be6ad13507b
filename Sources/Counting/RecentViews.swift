/// The views of the last moments. A second view of the same visitor and path is recognised as a duplicate.
///
/// A queue of (identity, moment) in the order of time, with a hash index over it. Views older than `retention` leave at
/// the front. Past `limit` the oldest view leaves early, and `remember` reports it. A counted view of a known identity
/// gets a new place at the end and leaves a hole. When the queue is full, it is rebuilt without holes.
///
/// - Complexity: O(1) a view. At most 48 bytes a view (the ring doubles), and nothing while there are no visitors.
struct RecentViews: Sendable {
    /// Milliseconds for which a view is remembered: the longest duplicate window of any site.
    private(set) var retention: Int64 = 0
    private(set) var count = 0
    private let limit: Int

    struct View: Sendable {
        /// 0 for a hole.
        var identity: UInt64
        /// When it was counted, in milliseconds.
        var moment: Int64
    }
    /// Ring of views. `head` is the oldest; `length` includes holes.
    private var queue: [View] = []
    private var head = 0
    private var length = 0
    /// Open addressing: place in `queue` + 1, or 0.
    private var index: [UInt32] = []

    init(limit: Int) { self.limit = max(1, limit) }

    /// When the identity was last counted, if it is still remembered.
    mutating func lastCounted(_ identity: UInt64, at now: Moment) -> Moment? {
        expire(at: now)
        guard let i = position(of: identity) else { return nil }
        return Moment(milliseconds: queue[Int(index[i]) - 1].moment)
    }

    /// Remembers that a view was counted now. True if the oldest view had to leave early.
    mutating func remember(_ identity: UInt64, at now: Moment) -> Bool {
        guard retention > 0 else { return false }
        if let i = position(of: identity) { remove(i) }
        let isFull = count == limit
        while count == limit { popFirst() }
        if length == queue.count { rebuild(capacity: max(64, nextPowerOfTwo(count * 2))) }
        let place = (head + length) & (queue.count - 1)
        queue[place] = View(identity: identity, moment: now.milliseconds)
        length += 1
        count += 1
        insert(place)
        return isFull
    }

    /// Sets how long views are remembered. A shorter time forgets older views; no site compares with them any more.
    mutating func setRetention(_ milliseconds: Int64, at now: Moment) {
        retention = milliseconds
        expire(at: now)
    }

    mutating func clear() {
        queue = []
        index = []
        head = 0
        length = 0
        count = 0
    }

    /// The views still remembered at `now`, in the order in which they were counted.
    func remembered(at now: Moment) -> [View] {
        var views: [View] = []
        views.reserveCapacity(count)
        for i in 0..<length {
            let view = queue[(head + i) & (queue.count - 1)]
            if view.identity != 0, now.milliseconds - view.moment < retention { views.append(view) }
        }
        return views
    }

    private mutating func expire(at now: Moment) {
        while length > 0, queue[head].identity == 0 || now.milliseconds - queue[head].moment >= retention {
            popFirst()
        }
        if count == 0, queue.count > 64 { clear() }
    }

    /// Removes the oldest place, whether it holds a view or a hole.
    private mutating func popFirst() {
        let view = queue[head]
        if view.identity != 0, let i = position(of: view.identity) { remove(i) }
        head = (head + 1) & (queue.count - 1)
        length -= 1
    }

    private mutating func rebuild(capacity: Int) {
        let kept = (0..<length).map { queue[(head + $0) & (queue.count - 1)] }.filter { $0.identity != 0 }
        queue = kept + [View](repeating: View(identity: 0, moment: 0), count: capacity - kept.count)
        index = [UInt32](repeating: 0, count: capacity * 2)
        head = 0
        length = kept.count
        for place in kept.indices { insert(place) }
    }

    // MARK: The index

    private func home(_ identity: UInt64) -> Int { Int(truncatingIfNeeded: identity) & (index.count - 1) }

    private func position(of identity: UInt64) -> Int? {
        guard count > 0 else { return nil }
        var i = home(identity)
        while index[i] != 0 {
            if queue[Int(index[i]) - 1].identity == identity { return i }
            i = (i + 1) & (index.count - 1)
        }
        return nil
    }

    private mutating func insert(_ place: Int) {
        var i = home(queue[place].identity)
        while index[i] != 0 { i = (i + 1) & (index.count - 1) }
        index[i] = UInt32(place + 1)
    }

    /// Empties an index position and the queue place in it, and closes the gap so that no search ends early.
    private mutating func remove(_ position: Int) {
        queue[Int(index[position]) - 1].identity = 0
        count -= 1
        var hole = position
        var i = (hole + 1) & (index.count - 1)
        while index[i] != 0 {
            let home = home(queue[Int(index[i]) - 1].identity)
            if (i - home) & (index.count - 1) >= (i - hole) & (index.count - 1) {
                index[hole] = index[i]
                hole = i
            }
            i = (i + 1) & (index.count - 1)
        }
        index[hole] = 0
    }
}

func nextPowerOfTwo(_ n: Int) -> Int { n <= 1 ? 1 : 1 << (Int.bitWidth - (n - 1).leadingZeroBitCount) }
