import CBytes
import Counting

/// Finds two separators, 64 bytes at a time: `&` between fields and LF between records, or quotes.
///
/// - Complexity: less than an instruction a byte.
struct FieldScanner {
    /// One bit for each of the 64 bytes at `base`: it is one of the two, and not returned yet.
    private var hits: UInt64 = 0
    private var base = 0
    /// Where the unread bytes begin.
    private var unread = 0
    private let one: UInt8, other: UInt8

    /// Searches for these two bytes.
    @inline(__always)
    init(_ one: UInt8, _ other: UInt8) {
        self.one = one
        self.other = other
    }

    /// The place of the next separator in `bytes`, or their end. `bytes` must be the same at every call.
    @inline(__always)
    mutating func next(in bytes: Span<UInt8>) -> Int {
        while hits == 0 {
            guard unread < bytes.count else { return bytes.count }
            look(at: bytes)
        }
        let place = base &+ hits.trailingZeroBitCount
        hits &= hits &- 1
        return place
    }

    @inline(__always)
    private mutating func look(at bytes: Span<UInt8>) {
        base = unread
        if bytes.count &- unread >= 64 {
            unread &+= 64
            hits = hits(bytes, base)
        } else {
            unread = bytes.count
            lookAtRest(of: bytes)
        }
    }

    /// Fewer than 64 bytes are left: reads some bytes again and ignores the matches in them.
    @inline(__always)
    private mutating func lookAtRest(of bytes: Span<UInt8>) {
        if bytes.count >= 64 {
            let left = bytes.count &- base
            base = bytes.count &- 64
            hits = hits(bytes, base) & ~0 &<< UInt64(truncatingIfNeeded: 64 &- left)
        } else if bytes.count >= 16 {
            var place = 0
            while place &+ 16 <= bytes.count {
                hits |= hits16(bytes, place)
                place &+= 16
            }
            hits |= hits16(bytes, bytes.count &- 16)
        } else {
            for i in bytes.indices where bytes[i] == one || bytes[i] == other { hits |= 1 &<< UInt64(i) }
        }
    }

    /// One bit for each of the 16 bytes at `place`, at its place among 64.
    @inline(__always)
    private func hits16(_ bytes: Span<UInt8>, _ place: Int) -> UInt64 {
        let block = bytes.extracting(place..<place &+ 16)
        let hits = unsafe block.withUnsafeBufferPointer { unsafe cb_find16($0.baseAddress, one, other) }
        return UInt64(hits) &<< UInt64(truncatingIfNeeded: place)
    }

    /// One bit for each of the 64 bytes at `place`.
    @inline(__always)
    private func hits(_ bytes: Span<UInt8>, _ place: Int) -> UInt64 {
        let block = bytes.extracting(place..<place &+ 64)
        return unsafe block.withUnsafeBufferPointer { unsafe cb_find64($0.baseAddress, one, other) }
    }
}

/// What `Text` must do with the bytes of a value before they can be used.
enum Spelling {
    /// Printable ASCII without an escape: the bytes are the text.
    case plain
    /// Escapes, controls or bytes past ASCII.
    case other
}

/// Reads `bytes` once. Plain means no `%`, `+`, control, DEL or byte beyond ASCII.
@inline(__always)
func spelling(of bytes: Span<UInt8>) -> Spelling {
    var i = 0
    while i &+ 16 <= bytes.count {
        if isOther(bytes.vector(at: i)) { return .other }
        i &+= 16
    }
    if i < bytes.count, bytes.count >= 16 { return isOther(bytes.vector(at: bytes.count &- 16)) ? .other : .plain }
    while i < bytes.count {
        let byte = bytes[i]
        if !isPrintable(byte) || byte == .percent || byte == .plus { return .other }
        i &+= 1
    }
    return .plain
}

@inline(__always)
private func isOther(_ block: SIMD16<UInt8>) -> Bool {
    // Shifted down to 0, the printable range ends at `~` minus the space. Everything else lies above it.
    let outside = (block &- SIMD16<UInt8>(repeating: .space)) .> SIMD16<UInt8>(repeating: UInt8(ascii: "~") &- .space)
    let isEscape = block .== SIMD16<UInt8>(repeating: .percent) .| (block .== SIMD16<UInt8>(repeating: .plus))
    let others = words(outside .| isEscape)
    return others[0] | others[1] != 0
}
