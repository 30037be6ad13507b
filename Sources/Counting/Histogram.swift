/// How many of the values seen so far lie at or below each of a few bounds. For those who watch; no state depends on it.
///
/// - Complexity: a value O(bounds).
public struct Histogram: Sendable {
    /// The bounds, lowest first.
    public let bounds: [Double]
    /// The values that lie above the bound before and not above this one; the last place is for those above all.
    public private(set) var counts: [UInt64]
    /// All values added up.
    public private(set) var sum = 0.0

    /// Nothing seen yet.
    public init(_ bounds: [Double]) {
        self.bounds = bounds
        counts = [UInt64](repeating: 0, count: bounds.count + 1)
    }

    /// Takes a value.
    public mutating func add(_ value: Double) {
        counts[bounds.firstIndex { value <= $0 } ?? bounds.count] += 1
        sum += value
    }
}
