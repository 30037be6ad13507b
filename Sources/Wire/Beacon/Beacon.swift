import Counting

/// The fields of one record, as places in its datagram: not decoded and not trusted yet.
///
/// Every known key is one letter, so finding a field is an index, not a search.
public struct Beacon: Sendable {
    /// A key, as the number of its letter: a is 0.
    enum Key: Int {
        case agent = 0
        case status = 2
        case host = 7
        case address = 8
        case method = 12
        case event = 13
        case referrer = 17
        case site = 18
        case time = 19
        case url = 20
        case visitor = 21

        var bit: UInt32 { 1 &<< UInt32(truncatingIfNeeded: rawValue) }
    }

    /// By letter: first byte in the high half, end in the low half. A datagram has fewer than 65,536 bytes.
    private var places = [26 of UInt32](repeating: 0)
    /// The letters that were sent, one bit each.
    private var sent: UInt32 = 0
    /// Fields with a longer, unknown key.
    private var longKeys: UInt32 = 0
    /// The bit in `sent` for all longer keys.
    private static let longKey: UInt32 = 1 << 31

    /// The known letters, `t` and `z` of signatures, and the reserved `d e l o q w`.
    private static let known: UInt32 = 0b10_0111_1111_0111_1001_1001_1101
    /// Address, agent and visitor id: a record that sends one of them inherits none of them.
    private static let group = Key.address.bit | Key.agent.bit | Key.visitor.bit

    /// True if a key was sent.
    @inline(__always)
    func sends(_ key: Key) -> Bool { sent & key.bit != 0 }

    /// The place of a key's value, first byte in the high half and end in the low half; 0 if it was not sent.
    @inline(__always)
    func packed(_ key: Key) -> UInt32 { sends(key) ? places[key.rawValue] : 0 }

    /// The place of a key's value; nil if it was not sent.
    @inline(__always)
    subscript(_ key: Key) -> Range<Int>? {
        guard sends(key) else { return nil }
        let place = places[key.rawValue]
        return Int(place &>> 16)..<Int(UInt16(truncatingIfNeeded: place))
    }

    /// True if at least one field was `key=value`.
    var hasField: Bool { sent != 0 }

    /// True if it has neither a page nor an event.
    var isHeader: Bool { sent & (Key.url.bit | Key.event.bit) == 0 }

    @inline(__always)
    mutating func removeAll() {
        sent = 0
        longKeys = 0
    }

    /// Reads the field between two places. If a key occurs twice, the first counts. False if it is not a field.
    @inline(__always)
    mutating func parse(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
        guard end &- start >= 2 else { return false }
        // One letter and `=`, compared together: anything else gives a number greater than z.
        let letter = Int(bytes.pair(at: start) &- pair("a", "="))
        guard letter < 26 else { return parseLongKey(bytes, start, end) }
        let bit: UInt32 = 1 &<< UInt32(truncatingIfNeeded: letter)
        if sent & bit == 0 {
            sent |= bit
            places[letter] = UInt32(truncatingIfNeeded: (start &+ 2) &<< 16 | end)
        }
        return true
    }

    /// Distinguishes unknown keys, 1…16 of `a-z 0-9 _ .`, from text that is not a field.
    private mutating func parseLongKey(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
        var i = start
        while i < end, bytes[i] != .equals {
            guard i - start < 16, isLowerOrDigit(bytes[i]) || bytes[i] == .underscore || bytes[i] == .dot else {
                return false
            }
            i += 1
        }
        guard i < end, i > start else { return false }
        let isReserved = i - start >= 2 && bytes[start] == UInt8(ascii: "x") && bytes[start + 1] == .dot
        longKeys &+= isReserved ? 0 : 1
        sent |= Self.longKey
        return true
    }

    /// Fields with an unknown key.
    @inline(__always)
    var unknownKeys: UInt32 {
        let unknown = sent & ~Self.known & ~Self.longKey
        return unknown == 0 ? longKeys : longKeys &+ UInt32(unknown.nonzeroBitCount)
    }

    /// What later records inherit from the first.
    struct Defaults: Sendable {
        fileprivate var sent: UInt32 = 0, site: UInt32 = 0, host: UInt32 = 0
        fileprivate var address: UInt32 = 0, agent: UInt32 = 0, visitor: UInt32 = 0
    }

    /// The fields that later records inherit unless they send their own.
    var defaults: Defaults {
        Defaults(
            sent: sent & (Self.group | Key.site.bit | Key.host.bit), site: places[Key.site.rawValue],
            host: places[Key.host.rawValue], address: places[Key.address.rawValue], agent: places[Key.agent.rawValue],
            visitor: places[Key.visitor.rawValue])
    }

    /// Inherits site, host and visitor of the first record, unless this record sends its own.
    @inline(__always)
    mutating func inherit(_ first: Defaults) {
        inherit(.site, first.site, first.sent)
        inherit(.host, first.host, first.sent)
        guard sent & Self.group == 0 else { return }
        inherit(.address, first.address, first.sent)
        inherit(.agent, first.agent, first.sent)
        inherit(.visitor, first.visitor, first.sent)
    }

    @inline(__always)
    private mutating func inherit(_ key: Key, _ place: UInt32, _ given: UInt32) {
        guard given & key.bit & ~sent != 0 else { return }
        sent |= key.bit
        places[key.rawValue] = place
    }
}
