/// How many visitors of a site were last seen in each second: everything that *online* needs.
///
/// A ring of 2048 counts, one a second. A hit moves one unit from the visitor's old second to the new one, so
/// *online(W)* is the sum of the newest W slots: exact for every W up to 1800 s, without a timer per visitor.
///
/// - Complexity: a hit O(1); a second O(1). 8 KiB if anybody was here in the last 30 minutes, otherwise nothing.
struct Presence: Sendable {
    /// Visitors last seen within `window`.
    private(set) var online = 0
    /// Visitors last seen at most 1800 s ago: their run of hits is still open.
    private(set) var live = 0
    /// The second at which the ring stands.
    private(set) var second: Int64
    /// The headline's window in seconds: 60…1800.
    private(set) var window: Int64
    /// Empty while `live` is 0.
    private var lastSeen: [UInt32] = []

    private static let slots = 2048
    private static func slot(_ second: Int64) -> Int { Int(truncatingIfNeeded: second) & (slots - 1) }

    init(window: Int64, at second: Int64) {
        self.window = window
        self.second = second
    }

    /// Advances the time to `now`. An earlier second changes nothing.
    mutating func advance(to now: Int64) {
        guard now > second else { return }
        if now - second > visitGapSecondsMax || live == 0 {
            clear(at: now)
            return
        }
        while second < now {
            second += 1
            online -= Int(lastSeen[Self.slot(second - window)])
            let expired = Self.slot(second - visitGapSecondsMax - 1)
            live -= Int(lastSeen[expired])
            lastSeen[expired] = 0
        }
        if live == 0 { lastSeen = [] }
    }

    /// Forgets everybody and stands at `second`, which may lie in the past.
    mutating func clear(at second: Int64) {
        self.second = second
        online = 0
        live = 0
        lastSeen = []
    }

    /// A visitor without an open run is seen now.
    @inline(__always)
    mutating func appear() { add(1, at: second) }

    /// `count` visitors were last seen at `seen`, at most 1800 s ago. Fills a restored ring.
    mutating func add(_ count: Int, at seen: Int64) {
        precondition(seen <= second && second - seen <= visitGapSecondsMax, "the second is outside the presence ring")
        if lastSeen.isEmpty { lastSeen = [UInt32](repeating: 0, count: Self.slots) }
        lastSeen[Self.slot(seen)] += UInt32(count)
        live += count
        if second - seen < window { online += count }
    }

    /// A visitor last seen at `previous`, at most 1800 s ago, is seen now.
    @inline(__always)
    mutating func move(from previous: Int64) {
        guard previous != second else { return }
        // The table confused two visitors of different sites: this site has never seen the other visitor.
        guard live > 0, lastSeen[Self.slot(previous)] > 0 else { return appear() }
        lastSeen[Self.slot(previous)] -= 1
        lastSeen[Self.slot(second)] += 1
        if second - previous >= window { online += 1 }
    }

    /// Visitors whose last hit lies in the newest `window` seconds, for any window of 0…1800 s.
    func online(within window: Int64) -> Int {
        precondition((0...visitGapSecondsMax).contains(window), "presence is known for 1800 s")
        guard live > 0 else { return 0 }
        return (0..<window).reduce(0) { $0 + Int(lastSeen[Self.slot(second - $1)]) }
    }

    /// Sets the headline's window.
    mutating func setWindow(_ window: Int64) {
        self.window = window
        online = online(within: window)
    }

    /// The seconds in which visitors were last seen, oldest first, with the number of visitors.
    var occupied: [(second: Int64, visitors: Int)] {
        guard live > 0 else { return [] }
        return (second - visitGapSecondsMax...second).compactMap {
            let count = lastSeen[Self.slot($0)]
            return count == 0 ? nil : ($0, Int(count))
        }
    }
}

/// The greatest number of visitors online at once, and the first moment it was reached.
public struct Peak: Equatable, Sendable {
    /// The number of visitors, online(W).
    public var visitors: Int
    /// When that many were first online.
    public var at: Moment

    /// Keeps the greater value. An equal number later changes nothing.
    @inline(__always)
    mutating func raise(to visitors: Int, at moment: Moment) {
        if visitors > self.visitors { self = Peak(visitors: visitors, at: moment) }
    }
}
