public import Counting

/// The records of one native datagram, `f1 key=value&key=value…`, one a line.
///
/// It splits and does not decode: a `Beacon` holds places in the datagram. It never traps, allocates nothing, and reads
/// each byte once.
public struct Beacons: ~Escapable {
    /// The most records that are read in one datagram. The others are refused as `limit`.
    public static let recordsMax = 64
    /// The longest datagram that is read: the daemon's receive slot. A longer one is refused as `oversize`.
    public static let bytesMax = 8192

    /// The record of the last line.
    public private(set) var beacon = Beacon()
    /// True if the datagram ends in `&z=` and 32 hex digits. They are no longer part of the records.
    public private(set) var isSigned = false
    /// All bytes before the signature of a signed datagram.
    var signedBytes: Span<UInt8> {
        @_lifetime(copy self) get { bytes }
    }
    /// Fields with an unknown key.
    public private(set) var unknownKeys: UInt32 = 0
    /// Fields that are not `key=value`.
    public private(set) var malformedFields: UInt32 = 0

    private var bytes: Span<UInt8>
    private var scanner = FieldScanner(.ampersand, .lineFeed)
    /// Where the next line begins; past the end when all lines are read.
    private var start = 3
    private var count = 0
    /// True if `beacon` is the first record and not returned yet.
    private var isFirstPending = true
    /// What later records inherit; set if there is a second line.
    private var defaults = Beacon.Defaults()

    /// The content of a line.
    public enum Line: Sendable {
        /// A record with a page or an event: `beacon`.
        case record
        /// A record that cannot be counted. Its site may still be known.
        case rejected(BeaconRejection)
        /// No more lines.
        case end
    }

    /// The records of `datagram`. None is read yet.
    @_lifetime(copy datagram)
    public init(_ datagram: Span<UInt8>) {
        bytes = datagram
    }

    /// True if the datagram is empty, or begins like native beacons of any version.
    @inline(__always)
    static func isNative(_ datagram: Span<UInt8>) -> Bool {
        datagram.count >= 3
            ? datagram[0] == UInt8(ascii: "f") && isDigit(datagram[1]) && datagram[2] == .space : datagram.count == 0
    }

    /// Reads the first record; call it once. Throws for an empty datagram, a datagram with only a header, one that is
    /// too long, and other versions.
    public mutating func begin() throws(DatagramRejection) {
        guard bytes.count <= Self.bytesMax else { throw .oversize }
        guard bytes.count >= 3, bytes.holds("f", "1", at: 0), bytes[2] == .space else {
            throw bytes.count == 0 ? .empty : .version
        }
        cutSignature()
        repeat {
            guard start < bytes.count else { throw .empty }
        } while !readLine()
        if start < bytes.count { defaults = beacon.defaults }
        guard beacon.isHeader, beacon.hasField else { return }
        isFirstPending = false
        if onlyBlankLines(from: start) { throw .empty }
    }

    /// Makes `beacon` the next record, with the fields that it inherits from the first.
    @inline(__always)
    public mutating func next() -> Line {
        if isFirstPending {
            isFirstPending = false
        } else {
            repeat {
                guard start < bytes.count else { return .end }
            } while !readLine()
            beacon.inherit(defaults)
        }
        count &+= 1
        if count > Self.recordsMax { return .rejected(.limit) }
        return beacon.isHeader ? .rejected(.syntax) : .record
    }

    /// Reads the fields up to the next LF. False for a blank line.
    private mutating func readLine() -> Bool {
        // A local copy stays in registers.
        var scanner = scanner
        var field = start
        var stop: Int
        beacon.removeAll()
        while true {
            stop = scanner.next(in: bytes)
            if stop >= bytes.count || bytes[stop] == .lineFeed { break }
            parse(field, stop)
            field = stop &+ 1
        }
        let end = stop > field && bytes[stop &- 1] == .carriageReturn ? stop &- 1 : stop
        let isBlank = field == start && end == field
        parse(field, end)
        start = stop &+ 1
        self.scanner = scanner
        unknownKeys &+= beacon.unknownKeys
        return !isBlank
    }

    @inline(__always)
    private mutating func parse(_ field: Int, _ end: Int) {
        if !beacon.parse(bytes, field, end), end > field { malformedFields &+= 1 }
    }

    private func onlyBlankLines(from start: Int) -> Bool {
        var i = start
        while i < bytes.count {
            if bytes[i] == .carriageReturn, i + 1 == bytes.count || bytes[i + 1] == .lineFeed { i += 1 }
            guard i == bytes.count || bytes[i] == .lineFeed else { return false }
            i += 1
        }
        return true
    }

    /// Ends the records before a signature `&z=` + 32 hex digits, which is always the last field.
    @inline(__always)
    private mutating func cutSignature() {
        let end = bytes[bytes.count &- 1] == .lineFeed ? bytes.count &- 1 : bytes.count
        let tag = end &- 35
        guard tag >= 3, bytes[tag] == .ampersand, bytes[tag &+ 1] == UInt8(ascii: "z"), bytes[tag &+ 2] == .equals
        else { return }
        for i in tag + 3..<end where hexValue(bytes[i]) == nil { return }
        bytes = bytes.extracting(0..<tag)
        isSigned = true
    }
}
