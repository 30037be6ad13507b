/// How many distinct visitors: exact up to 1536, then an estimate with a standard error of 0.81 %.
///
/// *Sparse*, it is the set of the 64-bit visitor keys themselves (open addressing, at most 16 KiB). The 1537th key
/// makes it *dense*: 2¹⁴ registers of one byte. The top 14 bits of a key select a register, which stores the greatest
/// *rank* seen (1 + the leading zeros of the other 50 bits).
///
/// The estimate is Ertl's improved raw estimator ("New cardinality estimation algorithms for HyperLogLog sketches",
/// 2017, algorithm 6): with C[k] registers of rank k and m = 2¹⁴,
/// z = m·τ(1 − C[51]/m), then z = (z + C[k])/2 for k = 50…1, then z += m·σ(C[0]/m); n ≈ m² / (2 ln 2 · z).
/// No bias table, no switch between ranges. A histogram of the registers is kept up to date, so an estimate takes 52
/// steps.
public struct HyperLogLog: Sendable {
    /// Distinct keys stored exactly before the sketch becomes dense.
    public static let sparseMax = 1536
    /// Standard error of a dense estimate, as a fraction: 1.04 / √m.
    public static let standardError = 0.0081

    private static let precision: UInt64 = 14
    private static let registerCount = 1 << 14
    private static let rankMax = 51

    /// Keys, 0 for a free slot; empty when dense.
    private var keys: [UInt64] = []
    private var keyCount = 0
    /// Ranks; empty while sparse.
    private var registers: [UInt8] = []
    private var histogram: [Int32] = []

    /// No visitors.
    public init() {}

    /// True if the count is exact, not an estimate.
    public var isExact: Bool { registers.isEmpty }

    /// Adds a visitor's key. It must not be 0 and must be uniformly distributed.
    public mutating func insert(_ key: UInt64) {
        if isExact { insertSparse(key) } else { raise(key) }
    }

    /// Distinct visitors: exact while sparse.
    public var count: Int {
        guard !isExact else { return keyCount }
        let m = Double(Self.registerCount)
        var z = m * Self.tau(1 - Double(histogram[Self.rankMax]) / m)
        for k in stride(from: Self.rankMax - 1, through: 1, by: -1) { z = 0.5 * (z + Double(histogram[k])) }
        z += m * Self.sigma(Double(histogram[0]) / m)
        // Damaged bytes may hold registers that no visitors could fill; their estimate is greater than any count.
        return Int(min((m * m / (2 * 0.693_147_180_559_945_3 * z)).rounded(), Double(Int32.max)))
    }

    private mutating func insertSparse(_ key: UInt64) {
        if keys.isEmpty { keys = [UInt64](repeating: 0, count: 8) }
        if !place(key) { return }
        keyCount += 1
        if keyCount > Self.sparseMax {
            turnDense()
        } else if keyCount * 4 > keys.count * 3 {
            let old = keys
            keys = [UInt64](repeating: 0, count: old.count * 2)
            for key in old where key != 0 { _ = place(key) }
        }
    }

    /// False if the key was already there.
    private mutating func place(_ key: UInt64) -> Bool {
        var i = Int(truncatingIfNeeded: key) & (keys.count - 1)
        while keys[i] != 0 {
            if keys[i] == key { return false }
            i = (i + 1) & (keys.count - 1)
        }
        keys[i] = key
        return true
    }

    private mutating func turnDense() {
        registers = [UInt8](repeating: 0, count: Self.registerCount)
        histogram = [Int32](repeating: 0, count: Self.rankMax + 1)
        histogram[0] = Int32(Self.registerCount)
        for key in keys where key != 0 { raise(key) }
        keys = []
        keyCount = 0
    }

    private mutating func raise(_ key: UInt64) {
        let register = Int(key >> (64 - Self.precision))
        // The bit behind the 50 limits the rank to 51.
        let rank = UInt8((key << Self.precision | 1 << (Self.precision - 1)).leadingZeroBitCount + 1)
        let old = registers[register]
        guard rank > old else { return }
        registers[register] = rank
        histogram[Int(old)] -= 1
        histogram[Int(rank)] += 1
    }

    private static func sigma(_ start: Double) -> Double {
        guard start < 1 else { return .infinity }
        var x = start, y = 1.0, z = start, before = -1.0
        while z != before {
            x *= x
            before = z
            z += x * y
            y += y
        }
        return z
    }

    private static func tau(_ start: Double) -> Double {
        guard start > 0, start < 1 else { return 0 }
        var x = start, y = 1.0, z = 1 - start, before = -1.0
        while z != before {
            x = x.squareRoot()
            before = z
            y *= 0.5
            z -= (1 - x) * (1 - x) * y
        }
        return z / 3
    }

    // MARK: Snapshot

    /// The content of a snapshot: the sorted keys, or the registers.
    enum Content {
        case sparse([UInt64])
        case dense([UInt8])
    }

    var content: Content { isExact ? .sparse(keys.filter { $0 != 0 }.sorted()) : .dense(registers) }

    /// Nil if no sketch could have this content.
    init?(_ content: Content) {
        switch content {
        case .sparse(let keys):
            guard keys.count <= Self.sparseMax, !keys.contains(0) else { return nil }
            for key in keys { insertSparse(key) }
            guard keyCount == keys.count else { return nil }
        case .dense(let ranks):
            guard ranks.count == Self.registerCount, ranks.allSatisfy({ $0 <= Self.rankMax }) else { return nil }
            registers = ranks
            histogram = [Int32](repeating: 0, count: Self.rankMax + 1)
            for rank in ranks { histogram[Int(rank)] += 1 }
        }
    }
}
