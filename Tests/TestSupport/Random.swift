public import Counting

extension SplitMix {
    /// One of the numbers of a range.
    @inlinable
    public mutating func number<Number: FixedWidthInteger>(_ range: ClosedRange<Number>) -> Number {
        Number.random(in: range, using: &self)
    }

    /// A number from 0 to just below `bound`.
    public mutating func below(_ bound: Int) -> Int { number(0...bound - 1) }

    /// One of the values.
    @inlinable
    public mutating func one<Value>(of values: [Value]) -> Value { values[number(0...values.count - 1)] }

    /// True in so many of a hundred cases.
    @inlinable
    public mutating func percent(_ share: Int) -> Bool { number(0...99) < share }

    /// So many bytes out of an alphabet.
    public mutating func bytes(_ count: Int, of alphabet: [UInt8]) -> [UInt8] {
        (0..<count).map { _ in one(of: alphabet) }
    }
}
