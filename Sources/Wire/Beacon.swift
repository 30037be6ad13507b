import Counting

/// The fields of one record, as places in its datagram. Not decoded, not yet believed.
public struct Beacon: Sendable {
    /// Where a value stands; absent values have none.
    struct Place: Sendable {
        var start: UInt16 = 0
        var end: UInt16 = 0

        static let absent = Place()
        /// A field always stands behind `f1 ` and its own key, so no value begins at 0.
        var isPresent: Bool { start != 0 }
        var range: Range<Int> { Int(start)..<Int(end) }
    }

    var site = Place.absent
    var url = Place.absent
    var host = Place.absent
    var referrer = Place.absent
    var event = Place.absent
    var method = Place.absent
    var status = Place.absent
    var address = Place.absent
    var agent = Place.absent
    var visitor = Place.absent
    /// At least one field was `key=value`.
    private(set) var hasField = false

    init() {}

    /// Neither a page nor an event.
    var isHeader: Bool { !url.isPresent && !event.isPresent }

    /// What became of a field.
    enum Outcome { case known, unknown, malformed }

    /// Takes in the field between two places; of several with one key the first counts.
    @inline(__always)
    mutating func take(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> Outcome {
        guard end &- start >= 2, bytes[start &+ 1] == 0x3d else { return takeLongKey(bytes, start, end) }
        let value = Place(start: UInt16(truncatingIfNeeded: start &+ 2), end: UInt16(truncatingIfNeeded: end))
        switch bytes[start] {
        case UInt8(ascii: "s"): if !site.isPresent { site = value }
        case UInt8(ascii: "u"): if !url.isPresent { url = value }
        case UInt8(ascii: "h"): if !host.isPresent { host = value }
        case UInt8(ascii: "r"): if !referrer.isPresent { referrer = value }
        case UInt8(ascii: "n"): if !event.isPresent { event = value }
        case UInt8(ascii: "m"): if !method.isPresent { method = value }
        case UInt8(ascii: "c"): if !status.isPresent { status = value }
        case UInt8(ascii: "i"): if !address.isPresent { address = value }
        case UInt8(ascii: "a"): if !agent.isPresent { agent = value }
        case UInt8(ascii: "v"): if !visitor.isPresent { visitor = value }
        case UInt8(ascii: "t"), UInt8(ascii: "z"): break
        // Reserved.
        case UInt8(ascii: "d"), UInt8(ascii: "o"), UInt8(ascii: "q"), UInt8(ascii: "w"), UInt8(ascii: "l"),
            UInt8(ascii: "e"):
            break
        default: return takeLongKey(bytes, start, end)
        }
        hasField = true
        return .known
    }

    /// Tells unknown keys, 1…16 of `a-z 0-9 _ .`, from what is no field at all.
    private mutating func takeLongKey(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> Outcome {
        var i = start
        while i < end, bytes[i] != 0x3d {
            guard i - start < 16, isLowerOrDigit(bytes[i]) || bytes[i] == 0x5f || bytes[i] == 0x2e else {
                return .malformed
            }
            i += 1
        }
        guard i < end, i > start else { return .malformed }
        hasField = true
        let isReserved = i - start >= 2 && bytes[start] == 0x78 && bytes[start + 1] == 0x2e
        return isReserved ? .known : .unknown
    }

    /// Takes site, host and visitor of the first record where this one does not send its own. Address, agent and visitor
    /// id are a group: a record that sends any of them takes none.
    @inline(__always)
    mutating func inherit(from first: Beacon) {
        if !site.isPresent { site = first.site }
        if !host.isPresent { host = first.host }
        if !address.isPresent, !agent.isPresent, !visitor.isPresent {
            address = first.address
            agent = first.agent
            visitor = first.visitor
        }
    }
}

@inline(__always)
func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

@inline(__always)
func isLowerOrDigit(_ byte: UInt8) -> Bool { byte &- 0x61 < 26 || byte &- 0x30 < 10 }

/// 0…15 for a hexadecimal digit of either case.
@inline(__always)
func hexValue(_ byte: UInt8) -> UInt8? {
    if byte &- 0x30 < 10 { return byte &- 0x30 }
    let letter = (byte | 0x20) &- 0x61
    return letter < 6 ? letter &+ 10 : nil
}
