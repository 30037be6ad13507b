/// Views and visits in the last so many slots, for several spans at once.
///
/// Only the slots in which something happened are kept, oldest first, so a quiet site costs nothing and a busy one at
/// most 12 bytes a slot of the longest span (more only past 4 billion views in one slot). Each span has a running sum and a tail that trails behind the newest slot.
///
/// - Complexity: a count O(1); time passing O(slots that expire).
struct SlidingWindow: Sendable {
    private struct Slot {
        var number: UInt32
        var counts: Counts
    }

    /// What happened in a stretch of time.
    struct Counts: Equatable, Sendable {
        var views: UInt32 = 0
        var visits: UInt32 = 0
    }

    /// Lengths in slots, shortest first; the slot now running is one of them.
    let spans: [Int64]
    private var now: Int64
    private var slots: [Slot] = []
    /// Per span: the index in `slots` of the oldest slot inside it, and the sums from there on.
    private var tails: [Int]
    private var views: [Int]
    private var visits: [Int]

    init(spans: [Int64], at slot: Int64) {
        self.spans = spans
        now = slot
        tails = spans.map { _ in 0 }
        views = tails
        visits = tails
    }

    /// Views within `spans[span]`.
    func views(in span: Int) -> Int { views[span] }
    /// Visits begun within `spans[span]`.
    func visits(in span: Int) -> Int { visits[span] }
    /// Nothing lies in any span.
    var isEmpty: Bool { slots.isEmpty }

    /// Lets time pass to slot `slot`; an earlier one changes nothing.
    @inline(__always)
    mutating func advance(to slot: Int64) {
        if slot > now { expire(slot) }
    }

    private mutating func expire(_ slot: Int64) {
        now = slot
        guard !slots.isEmpty else { return }
        for i in spans.indices {
            while tails[i] < slots.count, Int64(slots[tails[i]].number) <= now - spans[i] {
                views[i] -= Int(slots[tails[i]].counts.views)
                visits[i] -= Int(slots[tails[i]].counts.visits)
                tails[i] += 1
            }
        }
        // The longest span's tail is where memory ends; move down only when half is behind it, so that it costs O(1) a slot.
        let gone = tails[spans.count - 1]
        if gone == slots.count {
            clear(at: now)
        } else if gone > slots.count / 2 {
            slots.removeFirst(gone)
            for i in tails.indices { tails[i] -= gone }
        }
    }

    /// Counts into the slot now running.
    @inline(__always)
    mutating func add(views newViews: UInt32, visits newVisits: UInt32) {
        add(Counts(views: newViews, visits: newVisits), at: now)
    }

    /// Counts into `slot`, which lies in the longest span and not before any counted one: also fills a restored window.
    mutating func add(_ counts: Counts, at slot: Int64) {
        // More than 32 bits of views in one slot take another slot of the same number. Visits are never more than views.
        if let last = slots.last, last.number == UInt32(slot), last.counts.views <= .max - counts.views {
            slots[slots.count - 1].counts.views += counts.views
            slots[slots.count - 1].counts.visits += counts.visits
        } else {
            slots.append(Slot(number: UInt32(slot), counts: counts))
        }
        for i in spans.indices {
            if slot > now - spans[i] {
                views[i] += Int(counts.views)
                visits[i] += Int(counts.visits)
            } else {
                tails[i] = slots.count
            }
        }
    }

    /// Forgets everything and stands at `slot`, which may lie in the past.
    mutating func clear(at slot: Int64) {
        self = SlidingWindow(spans: spans, at: slot)
    }

    /// The slots of the longest span in which something happened, oldest first.
    var occupied: [(slot: Int64, counts: Counts)] {
        slots[tails[spans.count - 1]...].map { (Int64($0.number), $0.counts) }
    }
}

/// The six windows of a site: whole seconds up to an hour, whole minutes up to a day, quarter hours of UTC up to 30 days.
struct Windows: Sendable {
    var seconds: SlidingWindow
    var minutes: SlidingWindow
    var quarters: SlidingWindow

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
