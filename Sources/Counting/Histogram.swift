/// Counts values by a few upper bounds. For monitoring only; no state depends on it.
///
/// - Complexity: a value O(bounds).
public struct Histogram: Sendable {
    /// The bounds, lowest first.
    public let bounds: [Double]
    /// For each bound, the values at or below it and above the bound before. The last place is for values above all
    /// bounds.
    public private(set) var counts: [UInt64]
    /// The sum of all values.
    public private(set) var sum = 0.0

    /// No values yet.
    public init(_ bounds: [Double]) {
        self.bounds = bounds
        counts = [UInt64](repeating: 0, count: bounds.count + 1)
    }

    /// Adds a value.
    public mutating func add(_ value: Double) {
        counts[bounds.firstIndex { value <= $0 } ?? bounds.count] += 1
        sum += value
    }
}
