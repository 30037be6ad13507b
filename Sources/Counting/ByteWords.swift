// Several bytes of a span at once. The loads are marked unsafe because they could load any type. They check the bounds
// themselves and trap, and an integer may hold any bytes. Byte by byte, SipHash and the field scanner needed 3 to 4
// times the instructions.

extension Span where Element == UInt8 {
    /// The 8 bytes from `offset`, lowest address lowest. All must lie inside the span.
    @inlinable @inline(__always)
    public func word(at offset: Int) -> UInt64 {
        return unsafe UInt64(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    /// The two bytes from `offset`, the first one lowest. Both must lie inside the span.
    @inlinable @inline(__always)
    public func pair(at offset: Int) -> UInt16 {
        return unsafe UInt16(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt16.self))
    }

    /// The last `n` bytes (at most 7, and at most `count`), lowest address lowest, with zeros above them.
    @inlinable @inline(__always)
    public func lastBytes(_ n: Int) -> UInt64 {
        // One load that reaches back over earlier bytes, if the span has 8.
        if count >= 8 { return word(at: count &- 8) &>> UInt64(truncatingIfNeeded: (8 &- n) &* 8) }
        var word: UInt64 = 0
        for i in 0..<n { word |= UInt64(self[count &- n &+ i]) &<< UInt64(truncatingIfNeeded: i &* 8) }
        return word
    }

    /// The 16 bytes from `offset`. All must lie inside the span.
    @inlinable @inline(__always)
    public func vector(at offset: Int) -> SIMD16<UInt8> {
        return unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: SIMD16<UInt8>.self)
    }
}

extension OutputSpan where Element == UInt8 {
    /// Appends the 8 bytes of `word`, lowest first. There must be room for them.
    @inline(__always)
    mutating func append(word: UInt64) {
        precondition(freeCapacity >= 8, "no room for a word")
        unsafe withUnsafeMutableBufferPointer { bytes, count in
            unsafe UnsafeMutableRawBufferPointer(bytes).storeBytes(
                of: word.littleEndian, toByteOffset: count, as: UInt64.self)
            count &+= 8
        }
    }

    /// Appends a copy of `bytes`, a block at a time. There must be room for them.
    @inline(__always)
    mutating func append(copying bytes: Span<UInt8>) {
        precondition(freeCapacity >= bytes.count, "no room for the bytes")
        unsafe withUnsafeMutableBufferPointer { all, count in
            unsafe bytes.withUnsafeBytes { source in
                unsafe UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(all)[count...]).copyMemory(
                    from: source)
            }
            count &+= bytes.count
        }
    }
}

/// The mask as two words, the lower lanes in the first: a true lane is a byte of ones.
@inlinable @inline(__always)
public func words(_ mask: SIMDMask<SIMD16<Int8>>) -> SIMD2<UInt64> {
    unsafe unsafeBitCast(mask, to: SIMD2<UInt64>.self)
}

/// True if both spans hold the same bytes.
@inlinable @inline(__always)
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
