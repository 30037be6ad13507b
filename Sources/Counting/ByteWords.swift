// Several bytes of a span at once: the only unsafe reads of the counting core and of the parsers. Each is one line
// behind an explicit bounds check. Byte by byte, SipHash and the field scanner took 3 to 4 times the instructions.

extension Span where Element == UInt8 {
    /// The 8 bytes from `offset`, lowest address lowest; they must all lie inside the span.
    @inline(__always)
    public func word(at offset: Int) -> UInt64 {
        precondition(offset >= 0 && offset &+ 8 <= count, "read past the span")
        return unsafe UInt64(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    /// The 16 bytes from `offset`; they must all lie inside the span.
    @inline(__always)
    public func vector(at offset: Int) -> SIMD16<UInt8> {
        precondition(offset >= 0 && offset &+ 16 <= count, "read past the span")
        return unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: SIMD16<UInt8>.self)
    }
}

/// A byte of ones for every lane that is true, as two words, the lower lanes in the first.
@inline(__always)
public func words(_ mask: SIMDMask<SIMD16<Int8>>) -> SIMD2<UInt64> {
    unsafe unsafeBitCast(mask, to: SIMD2<UInt64>.self)
}

/// True where both hold the same bytes.
@inline(__always)
public func equal(_ a: Span<UInt8>, _ b: Span<UInt8>) -> Bool {
    guard a.count == b.count else { return false }
    var i = 0
    while i &+ 8 <= a.count {
        if a.word(at: i) != b.word(at: i) { return false }
        i &+= 8
    }
    while i < a.count {
        if a[i] != b[i] { return false }
        i &+= 1
    }
    return true
}
