import Counting

/// Finds the bytes that part fields (`&`) and records (LF), 16 bytes at a time.
///
/// - Complexity: about 1 instruction a byte.
struct FieldScanner: ~Escapable {
    private let bytes: Span<UInt8>
    /// One byte of ones per hit: of the 8 bytes at `base`, and of the 8 bytes behind them.
    private var hits: UInt64 = 0
    private var hitsBehind: UInt64 = 0
    private var base = -16

    @_lifetime(copy bytes)
    init(_ bytes: Span<UInt8>) { self.bytes = bytes }

    /// The place of the next `&` or LF; the end of the bytes where there is none.
    @inline(__always)
    mutating func next() -> Int {
        while hits == 0 {
            if hitsBehind != 0 {
                hits = hitsBehind
                hitsBehind = 0
                base &+= 8
            } else if !load() {
                return bytes.count
            }
        }
        let shift = hits.trailingZeroBitCount & ~7
        hits &= ~(0xff &<< UInt64(shift))
        return base &+ shift &>> 3
    }

    /// Takes in the next 16 bytes; false at the end.
    @inline(__always)
    private mutating func load() -> Bool {
        base = (base &+ 16) & ~15
        if base &+ 16 <= bytes.count {
            set(bytes.vector(at: base))
            return true
        }
        guard base < bytes.count else { return false }
        var rest = SIMD16<UInt8>(repeating: 0)
        for i in base..<bytes.count { rest[i &- base] = bytes[i] }
        set(rest)
        return true
    }

    @inline(__always)
    private mutating func set(_ block: SIMD16<UInt8>) {
        let ampersand = words(block .== SIMD16<UInt8>(repeating: 0x26))
        let lineFeed = words(block .== SIMD16<UInt8>(repeating: 0x0a))
        hits = ampersand[0] | lineFeed[0]
        hitsBehind = ampersand[1] | lineFeed[1]
    }
}

/// What `Text` must do with the bytes of a value before they can be used.
enum Spelling {
    /// Printable ASCII without an escape: the bytes are the text.
    case plain
    /// Escapes, controls or bytes past ASCII.
    case other
}

/// Looks at `bytes` once: plain means neither `%`, `+`, a control, DEL, nor any byte past ASCII.
@inline(__always)
func spelling(of bytes: Span<UInt8>) -> Spelling {
    var i = 0
    while i &+ 16 <= bytes.count {
        if isOther(bytes.vector(at: i)) { return .other }
        i &+= 16
    }
    while i < bytes.count {
        let byte = bytes[i]
        if byte < 0x20 || byte >= 0x7f || byte == 0x25 || byte == 0x2b { return .other }
        i &+= 1
    }
    return .plain
}

@inline(__always)
private func isOther(_ block: SIMD16<UInt8>) -> Bool {
    // Moved down by 0x20, the printable range is 0…0x5e and everything else lies above it.
    let outside = words((block &- SIMD16<UInt8>(repeating: 0x20)) .> SIMD16<UInt8>(repeating: 0x5e))
    let percent = words(block .== SIMD16<UInt8>(repeating: 0x25))
    let plus = words(block .== SIMD16<UInt8>(repeating: 0x2b))
    return (outside[0] | outside[1] | percent[0] | percent[1] | plus[0] | plus[1]) != 0
}
