/// Writes bytes one after another: little-endian words, and LEB128 for numbers that are mostly small.
struct ByteWriter {
    var bytes: [UInt8] = []

    @inline(__always)
    mutating func byte(_ value: UInt8) { bytes.append(value) }

    @inline(__always)
    mutating func word(_ value: UInt64) {
        for shift in stride(from: 0, to: 64, by: 8) as StrideTo<UInt64> {
            bytes.append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }

    /// 7 bits a byte, lowest first. The high bit says that more bytes follow.
    @inline(__always)
    mutating func number(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    mutating func number(_ value: Int) { number(UInt64(value)) }

    /// A signed number, zigzag-coded so that small amounts of either sign stay short.
    mutating func signed(_ value: Int64) { number(UInt64(bitPattern: value << 1 ^ value >> 63)) }

    @inline(__always)
    mutating func text(_ value: Span<UInt8>) {
        number(UInt64(value.count))
        for i in value.indices { bytes.append(value[i]) }
    }

    mutating func text(_ value: String) { text(Array(value.utf8).span) }
    mutating func moment(_ value: Moment) { number(UInt64(value.milliseconds)) }
}

/// The bytes end too early, or hold something that our writers never write.
public struct MalformedBytes: Error, Equatable, CustomStringConvertible {
    /// Where the reader stood in the bytes.
    public let offset: Int
    /// For a log or an error message.
    public var description: String { "malformed at byte \(offset)" }
}

/// Reads what `ByteWriter` wrote. Never reads past the end and never trusts a length.
struct ByteReader: ~Escapable {
    let bytes: Span<UInt8>
    var offset = 0

    @_lifetime(copy bytes)
    init(_ bytes: Span<UInt8>) { self.bytes = bytes }

    var isAtEnd: Bool { offset == bytes.count }
    var malformed: MalformedBytes { MalformedBytes(offset: offset) }

    @inline(__always)
    mutating func byte() throws(MalformedBytes) -> UInt8 {
        guard offset < bytes.count else { throw malformed }
        defer { offset += 1 }
        return bytes[offset]
    }

    @inline(__always)
    mutating func word() throws(MalformedBytes) -> UInt64 {
        guard bytes.count - offset >= 8 else { throw malformed }
        defer { offset += 8 }
        return bytes.word(at: offset)
    }

    @inline(__always)
    mutating func number() throws(MalformedBytes) -> UInt64 {
        guard bytes.count - offset >= 8 else { return try numberByBytes() }
        let word = bytes.word(at: offset)
        let ends = ~word & 0x8080_8080_8080_8080
        guard ends != 0 else { return try numberByBytes() }
        // Keep the bytes up to the last one of this number, then join their groups of 7 bits in pairs.
        let last = ends & (0 &- ends)
        var value = word & (last &- 1 | last) & 0x7f7f_7f7f_7f7f_7f7f
        value = value & 0x007f_007f_007f_007f | (value & 0x7f00_7f00_7f00_7f00) &>> 1
        value = value & 0x0000_3fff_0000_3fff | (value & 0x3fff_0000_3fff_0000) &>> 2
        value = value & 0x0000_0000_0fff_ffff | (value & 0x0fff_ffff_0000_0000) &>> 4
        offset &+= ends.trailingZeroBitCount &>> 3 &+ 1
        return value
    }

    @inline(never)
    private mutating func numberByBytes() throws(MalformedBytes) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let byte = try byte()
            guard shift < 63 || byte < 2 else { throw malformed }
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
    }

    @inline(__always)
    mutating func number(upTo limit: Int) throws(MalformedBytes) -> Int {
        let value = try number()
        guard value <= UInt64(limit) else { throw malformed }
        return Int(value)
    }

    /// A count of hits, bounded so that sums of several still fit.
    @inline(__always)
    mutating func counter() throws(MalformedBytes) -> UInt64 { UInt64(try number(upTo: countMax)) }

    /// A signed amount, bounded in the same way.
    mutating func signed() throws(MalformedBytes) -> Int64 {
        let value = UInt64(try number(upTo: countMax))
        return Int64(bitPattern: value >> 1) ^ -Int64(value & 1)
    }

    /// A number of items that need at least `bytesEach` bytes each: never more than the remaining bytes can hold.
    mutating func count(bytesEach: Int) throws(MalformedBytes) -> Int {
        let count = try number(upTo: bytes.count)
        guard count <= (bytes.count - offset) / bytesEach else { throw malformed }
        return count
    }

    @inline(__always)
    @_lifetime(copy self)
    mutating func text(upTo limit: Int) throws(MalformedBytes) -> Span<UInt8> {
        let count = try number(upTo: limit)
        // Checked only now, because the number itself used bytes as well.
        guard count <= bytes.count - offset else { throw malformed }
        defer { offset += count }
        return bytes.extracting(offset..<offset + count)
    }

    mutating func string(upTo limit: Int) throws(MalformedBytes) -> String {
        let text = try text(upTo: limit)
        guard let valid = try? UTF8Span(validating: text) else { throw malformed }
        return String(copying: valid)
    }

    @inline(__always)
    mutating func moment() throws(MalformedBytes) -> Moment {
        Moment(milliseconds: Int64(try number(upTo: Int(Moment.millisecondsMax))))
    }

    /// A raw value of a stored enumeration.
    @inline(__always)
    mutating func value<T: RawRepresentable>(_: T.Type) throws(MalformedBytes) -> T where T.RawValue == UInt8 {
        guard let value = T(rawValue: try byte()) else { throw malformed }
        return value
    }

    mutating func flag() throws(MalformedBytes) -> Bool {
        let value = try byte()
        guard value <= 1 else { throw malformed }
        return value == 1
    }
}

/// The greatest count of hits that is written or read.
private let countMax = 1 << 60
/// The greatest signed amount in either direction: one bit less, because zigzag needs one.
private let amountMax: Int64 = 1 << 59

/// The sum of two counts that were read, at most the greatest count.
func boundedSum(_ a: UInt64, _ b: UInt64) -> UInt64 { min(a &+ b, UInt64(countMax)) }

/// The sum of two amounts, or of a count and an amount, limited to the greatest amount in either direction.
func boundedSum(_ a: Int64, _ b: Int64) -> Int64 {
    let (sum, overflow) = a.addingReportingOverflow(b)
    return overflow ? (a < 0 ? -amountMax : amountMax) : min(max(sum, -amountMax), amountMax)
}
