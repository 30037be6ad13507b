/// The signatures of beacons that were believed lately, so that none is believed twice.
///
/// Kept by the second that the sender signed. What is forgotten raises a floor, and what was signed at or before the floor
/// is not believed any more: when the set is full, or the clock has jumped, it refuses and never repeats.
///
/// - Complexity: O(1) a signature; 262,144 of them at most, some 10 MiB.
public struct SeenSignatures: Sendable {
    /// Signatures kept.
    public static let countMax = 1 << 18
    /// A signature is believed this long before and after its second.
    public static let windowSeconds: Int64 = 120

    private var bySecond: [Int64: Set<UInt64>] = [:]
    private var count = 0
    private var oldest = Int64.max
    /// Seconds up to this one are forgotten.
    private(set) var floor: Int64

    /// None, and nothing signed up to `floor` is believed.
    public init(floor: Int64 = 0) { self.floor = floor }

    /// The signature was seen, or may have been.
    public func holds(_ signature: UInt64, signedAt second: Int64) -> Bool {
        second <= floor || bySecond[second]?.contains(signature) ?? false
    }

    /// Keeps a signature that was believed, and forgets those that the clock alone would refuse now.
    mutating func insert(_ signature: UInt64, signedAt second: Int64, now: Int64) {
        while oldest < now - Self.windowSeconds - 1 || count >= Self.countMax { forgetOldest() }
        guard second > floor, bySecond[second, default: []].insert(signature).inserted else { return }
        count += 1
        oldest = min(oldest, second)
    }

    private mutating func forgetOldest() {
        count -= bySecond.removeValue(forKey: oldest)?.count ?? 0
        floor = max(floor, oldest)
        oldest = bySecond.keys.min() ?? .max
    }

    // MARK: Bytes

    /// Floor, then n × (second, n × 8 B), all rising.
    func write(to writer: inout ByteWriter) {
        writer.number(UInt64(floor))
        writer.number(bySecond.count)
        for (second, signatures) in bySecond.sorted(by: { $0.key < $1.key }) {
            writer.number(UInt64(second))
            writer.number(signatures.count)
            for signature in signatures.sorted() { writer.word(signature) }
        }
    }

    init(restoring reader: inout ByteReader) throws(MalformedBytes) {
        self.init(floor: Int64(try reader.number(upTo: Int(UInt32.max))))
        for _ in 0..<(try reader.count(bytesEach: 2)) {
            let second = Int64(try reader.number(upTo: Int(UInt32.max)))
            guard second > floor, bySecond[second] == nil else { throw reader.malformed }
            var signatures: Set<UInt64> = []
            for _ in 0..<(try reader.count(bytesEach: 8)) { signatures.insert(try reader.word()) }
            guard !signatures.isEmpty else { throw reader.malformed }
            bySecond[second] = signatures
            count += signatures.count
            oldest = min(oldest, second)
        }
    }
}
