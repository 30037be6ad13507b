public import Counting

/// The records of one native datagram, `f1 key=value&key=value…`, one a line.
///
/// Splits and does not decode: a `Beacon` holds places in the datagram. It never traps, allocates nothing, and looks at
/// each byte once.
public struct Beacons: ~Escapable {
    /// Records in one datagram that are looked at; the others are rejected `limit`.
    public static let recordsMax = 64

    private let bytes: Span<UInt8>
    private var scanner: FieldScanner
    /// Where the next line begins; past the end when all are read.
    private var start: Int
    private var count = 0
    /// What later records take over from the first.
    private var defaults = Beacon()
    /// The first record, until it is handed out.
    private var pending: Beacon?
    /// The datagram ends in `&z=` and 32 hex digits.
    public let isSigned: Bool
    /// Fields whose key means nothing here.
    public private(set) var unknownKeys: UInt64 = 0
    /// Fields that are not `key=value`.
    public private(set) var malformedFields: UInt64 = 0

    /// What stands on a line.
    public enum Line {
        /// A record with a page or an event.
        case beacon(Beacon)
        /// A record that cannot be counted; its site may still be known.
        case rejected(BeaconRejection, Beacon)
    }

    /// Reads up to the first record: an empty datagram, one with nothing but a header, and other versions are refused.
    @_lifetime(copy datagram)
    public init(_ datagram: Span<UInt8>) throws(DatagramRejection) {
        guard datagram.count > 0 else { throw .empty }
        let isNative = datagram.count >= 3 && datagram[0] == 0x66 && isDigit(datagram[1]) && datagram[2] == 0x20
        if isNative, datagram[1] != 0x31 { throw .version }
        let end = Self.end(of: datagram)
        bytes = datagram.extracting(0..<end)
        isSigned = end < datagram.count
        scanner = FieldScanner(bytes)
        start = 3
        guard isNative else {
            // No kind that is known: one record of junk.
            start = bytes.count
            pending = Beacon()
            return
        }
        while start < bytes.count, pending == nil { pending = readLine() }
        guard let first = pending else { throw .empty }
        defaults = first
        if first.isHeader, first.hasField {
            pending = nil
            while start < bytes.count, bytes[start] == 0x0a || bytes[start] == 0x0d { start += 1 }
            if start >= bytes.count { throw .empty }
        }
    }

    /// The next record, with what it takes over from the first; nil at the end.
    @inline(__always)
    public mutating func next() -> Line? {
        if let first = pending {
            pending = nil
            return line(first)
        }
        while start < bytes.count {
            if var beacon = readLine() {
                beacon.inherit(from: defaults)
                return line(beacon)
            }
        }
        return nil
    }

    @inline(__always)
    private mutating func line(_ beacon: Beacon) -> Line {
        count += 1
        if count > Self.recordsMax { return .rejected(.limit, beacon) }
        return beacon.isHeader ? .rejected(.syntax, beacon) : .beacon(beacon)
    }

    /// Reads the fields up to the next LF; nil for a blank line.
    private mutating func readLine() -> Beacon? {
        var beacon = Beacon()
        var field = start
        var isBlank = true
        while field <= bytes.count {
            let stop = scanner.next()
            let isLast = stop == bytes.count || bytes[stop] == 0x0a
            let end = isLast && stop > field && bytes[stop &- 1] == 0x0d ? stop &- 1 : stop
            if end > field {
                isBlank = false
                switch beacon.take(bytes, field, end) {
                case .known: break
                case .unknown: unknownKeys += 1
                case .malformed: malformedFields += 1
                }
            }
            field = stop &+ 1
            if isLast { break }
        }
        start = field
        return isBlank ? nil : beacon
    }

    /// Where the records end: before a signature `&z=` + 32 hex digits, which is always last.
    private static func end(of datagram: Span<UInt8>) -> Int {
        let end = datagram[datagram.count - 1] == 0x0a ? datagram.count - 1 : datagram.count
        let tag = end - 35
        guard tag >= 3, datagram[tag] == 0x26, datagram[tag + 1] == 0x7a, datagram[tag + 2] == 0x3d else {
            return datagram.count
        }
        for i in tag + 3..<end where hexValue(datagram[i]) == nil { return datagram.count }
        return tag
    }
}
