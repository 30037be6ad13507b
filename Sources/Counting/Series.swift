/// History in columns: what happened in each of several buckets of time.
///
/// A bucket has no numbers if the daemon was not up in it at all, or if it lies before the site or after now. That is
/// not the same as zeros.
public struct Series: Sendable {
    /// The first second of each bucket, and the end of the last one; rising.
    public let bounds: [Int64]
    /// By bucket: sums, and the greatest online.
    public private(set) var views: [Int64], visits: [Int64], pings: [Int64], bots: [Int64], online: [Int64]
    /// By bucket: unique visitors; nil if unknown.
    public private(set) var visitors: [Int64?]
    private var isUp: [Bool]

    /// The most buckets in a series.
    public static let countMax = 10_000

    /// Buckets without numbers.
    public init(bounds: [Int64]) {
        precondition(bounds.count > 1, "a series has a beginning and an end")
        self.bounds = bounds
        let zeros = [Int64](repeating: 0, count: bounds.count - 1)
        (views, visits, pings, bots, online) = (zeros, zeros, zeros, zeros, zeros)
        visitors = zeros.map { _ in nil }
        isUp = zeros.map { _ in false }
    }

    /// How many buckets there are.
    public var count: Int { bounds.count - 1 }

    /// True if a bucket has numbers.
    public func isKnown(_ bucket: Int) -> Bool { isUp[bucket] }

    /// The bucket of a second.
    public func bucket(at second: Int64) -> Int? {
        guard second >= bounds[0], second < bounds[count] else { return nil }
        var (low, high) = (0, count)
        while high - low > 1 {
            let middle = (low + high) / 2
            if bounds[middle] <= second { low = middle } else { high = middle }
        }
        return low
    }

    /// Adds a quarter hour, by its first second.
    public mutating func add(_ quarter: Quarter) {
        guard let i = bucket(at: quarter.number * 900) else { return }
        add(quarter, to: i)
    }

    /// Adds the packed quarter hours of a day. Faster than one by one: both quarter hours and buckets rise.
    public mutating func add(day: Int64, packed bytes: [UInt8]) throws(MalformedBytes) {
        var i = bucket(at: max(day * 86_400, bounds[0])) ?? 0
        try QuarterDay.forEach(in: bytes, of: day) { quarter in
            let second = quarter.number * 900
            guard second >= bounds[0], second < bounds[count] else { return }
            while second >= bounds[i + 1] { i += 1 }
            add(quarter, to: i)
        }
    }

    private mutating func add(_ quarter: Quarter, to i: Int) {
        views[i] += Int64(quarter.views)
        visits[i] += Int64(quarter.visits)
        pings[i] += Int64(quarter.pings)
        bots[i] += Int64(quarter.bots)
        online[i] = max(online[i], Int64(quarter.peak))
        // A count proves that the daemon was up.
        isUp[i] = true
    }

    /// The daemon was up from `from` to just before `to`.
    public mutating func addUptime(from: Int64, to: Int64) {
        let (from, to) = (max(from, bounds[0]), min(to, bounds[count]))
        guard from < to, let first = bucket(at: from), let last = bucket(at: to - 1) else { return }
        for i in first...last { isUp[i] = true }
    }

    /// A correction of the day that begins at `second`.
    public mutating func correct(at second: Int64, visits: Int64, views: Int64) {
        guard let i = bucket(at: second) else { return }
        self.visits[i] = boundedSum(self.visits[i], visits)
        self.views[i] = boundedSum(self.views[i], views)
        isUp[i] = true
    }

    /// Adds the unique visitors of the day that begins at `second`. Several days add up to visitor-days.
    public mutating func addVisitors(at second: Int64, _ count: Int) {
        guard let i = bucket(at: second) else { return }
        visitors[i] = (visitors[i] ?? 0) + Int64(count)
    }
}
