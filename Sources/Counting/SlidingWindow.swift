/// Views and visits in the last slots, for `n` spans at once.
///
/// Only slots in which something happened are stored, oldest first. So a quiet site costs nothing, and a busy one at
/// most 12 bytes for each slot of the longest span (more only past 4 billion views in one slot). The running slot is
/// counted separately, so that a hit touches no other memory. Each span has a running sum of the other slots, and a
/// tail that follows behind the newest slot.
///
/// - Complexity: a count O(1); advancing O(slots that expire).
struct SlidingWindow<let n: Int>: Sendable {
    private struct Slot {
        var number: UInt32
        var counts: SlotCounts
    }

    /// Lengths in slots, shortest first. The running slot is one of them.
    let spans: [n of Int64]
    private var now: Int64
    /// The running slot, or the last part of it if an earlier part is already closed.
    private var running = SlotCounts()
    private var slots: [Slot] = []
    /// Per span: the index in `slots` of its oldest slot, and the sums from there on.
    private var tails = [n of Int](repeating: 0)
    private var views = [n of Int](repeating: 0)
    private var visits = [n of Int](repeating: 0)

    init(spans: [n of Int64], at slot: Int64) {
        self.spans = spans
        now = slot
    }

    func views(in span: Int) -> Int { views[span] + Int(running.views) }
    func visits(in span: Int) -> Int { visits[span] + Int(running.visits) }
    /// True if all spans are empty.
    var isEmpty: Bool { slots.isEmpty && running.views == 0 }

    /// The newest slot of the longest span in which something happened.
    var newest: Int64? { running.views > 0 ? now : slots[tails[n - 1]...].last.map { Int64($0.number) } }

    /// Visits in the closed slots of `range` inside the longest span. O(log slots + slots in the range).
    func visits(in range: Range<Int64>) -> Int {
        var (low, high) = (tails[n - 1], slots.count)
        while low < high {
            let middle = (low + high) / 2
            if Int64(slots[middle].number) < range.lowerBound { low = middle + 1 } else { high = middle }
        }
        return slots[low...].prefix { Int64($0.number) < range.upperBound }.reduce(0) { $0 + Int($1.counts.visits) }
    }

    /// Advances the time to slot `slot`. An earlier one changes nothing.
    @inline(__always)
    mutating func advance(to slot: Int64) {
        if slot > now { expire(slot) }
    }

    private mutating func expire(_ slot: Int64) {
        closeRunning()
        now = slot
        guard !slots.isEmpty else { return }
        for i in spans.indices {
            while tails[i] < slots.count, Int64(slots[tails[i]].number) <= now - spans[i] {
                views[i] -= Int(slots[tails[i]].counts.views)
                visits[i] -= Int(slots[tails[i]].counts.visits)
                tails[i] += 1
            }
        }
        // The tail of the longest span is where memory ends. Move the slots only when half lies before it: that costs
        // O(1) a slot.
        let gone = tails[n - 1]
        if gone == slots.count {
            clear(at: now)
        } else if gone > slots.count / 2 {
            slots.removeFirst(gone)
            for i in tails.indices { tails[i] -= gone }
        }
    }

    private mutating func closeRunning() {
        guard running.views > 0 else { return }
        append(running, at: now)
        running = SlotCounts()
    }

    private mutating func append(_ counts: SlotCounts, at slot: Int64) {
        slots.append(Slot(number: UInt32(slot), counts: counts))
        for i in spans.indices {
            if slot > now - spans[i] {
                views[i] += Int(counts.views)
                visits[i] += Int(counts.visits)
            } else {
                tails[i] = slots.count
            }
        }
    }

    /// Counts into the running slot. Visits are never more than views.
    @inline(__always)
    mutating func add(views newViews: UInt32, visits newVisits: UInt32) {
        // More than 32 bits of views in one slot need another slot with the same number.
        if running.views > .max - newViews { closeRunning() }
        running.views += newViews
        running.visits += newVisits
    }

    /// Fills a restored window: `slot` lies in the longest span and not before any counted one.
    mutating func add(_ counts: SlotCounts, at slot: Int64) {
        if slot == now { add(views: counts.views, visits: counts.visits) } else { append(counts, at: slot) }
    }

    /// Forgets everything and stands at `slot`, which may lie in the past.
    mutating func clear(at slot: Int64) {
        self = SlidingWindow(spans: spans, at: slot)
    }

    /// The slots of the longest span in which something happened, oldest first.
    var occupied: [(slot: Int64, counts: SlotCounts)] {
        let closed = slots[tails[n - 1]...].map { (Int64($0.number), $0.counts) }
        return running.views == 0 ? closed : closed + [(now, running)]
    }
}

/// What happened in one slot of a window.
struct SlotCounts: Sendable {
    var views: UInt32 = 0
    var visits: UInt32 = 0
}

/// The six windows of a site: seconds up to an hour, minutes up to a day, quarter hours of UTC up to 30 days.
struct Windows: Sendable {
    var seconds: SlidingWindow<3>
    var minutes: SlidingWindow<1>
    var quarters: SlidingWindow<2>

    init(at moment: Moment) {
        seconds = SlidingWindow(spans: [60, 300, 3600], at: moment.second)
        minutes = SlidingWindow(spans: [1440], at: moment.minute)
        quarters = SlidingWindow(spans: [672, 2880], at: moment.quarter)
    }

    @inline(__always)
    mutating func advance(to moment: Moment) {
        seconds.advance(to: moment.second)
        minutes.advance(to: moment.minute)
        quarters.advance(to: moment.quarter)
    }

    @inline(__always)
    mutating func addView(startsVisit: Bool) {
        let visits: UInt32 = startsVisit ? 1 : 0
        seconds.add(views: 1, visits: visits)
        minutes.add(views: 1, visits: visits)
        quarters.add(views: 1, visits: visits)
    }

    mutating func clear(at moment: Moment) { self = Windows(at: moment) }
}
