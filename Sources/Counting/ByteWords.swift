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

    /// The bytes at `place`, lowest address lowest, with zeros above them; 0 if there are more than 8 or none.
    @inlinable @inline(__always)
    public func word(at place: Range<Int>) -> UInt64 {
        let n = place.count
        guard n &- 1 < 8, n > 0 else { return 0 }
        guard place.lowerBound &+ 8 <= count else { return extracting(place).lastBytes(Swift.min(n, 7)) }
        return word(at: place.lowerBound) & ~0 &>> UInt64(truncatingIfNeeded: 64 &- n &* 8)
    }

    /// The 16 bytes from `offset`. All must lie inside the span.
    @inlinable @inline(__always)
    public func vector(at offset: Int) -> SIMD16<UInt8> {
        return unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: SIMD16<UInt8>.self)
    }
}

extension Array where Element == UInt8 {
    /// Appends three or four words, lowest byte first, and two texts, in one step. `fourth` is left out if it is 0.
    @inline(__always)
    mutating func append(
        _ words: (UInt64, UInt64, UInt64), _ fourth: UInt64, _ first: Span<UInt8>, _ second: Span<UInt8>
    ) {
        let head = fourth == 0 ? 24 : 32
        append(addingCapacity: head &+ first.count &+ second.count) { output in
            unsafe output.withUnsafeMutableBufferPointer { buffer, count in
                // The capacity was just made: nothing below goes past it.
                var place = unsafe UnsafeMutableRawPointer(buffer.baseAddress.unsafelyUnwrapped) + count
                unsafe place.storeBytes(of: words.0.littleEndian, as: UInt64.self)
                unsafe place.storeBytes(of: words.1.littleEndian, toByteOffset: 8, as: UInt64.self)
                unsafe place.storeBytes(of: words.2.littleEndian, toByteOffset: 16, as: UInt64.self)
                if fourth != 0 { unsafe place.storeBytes(of: fourth.littleEndian, toByteOffset: 24, as: UInt64.self) }
                unsafe place += head
                unsafe first.copy(to: place)
                unsafe second.copy(to: place + first.count)
                count &+= head &+ first.count &+ second.count
            }
        }
    }
}

extension Span where Element == UInt8 {
    /// Copies all bytes to `place`, 8 at a time; short texts cost less than a call of `memcpy`.
    @unsafe @inline(__always)
    fileprivate func copy(to place: UnsafeMutableRawPointer) {
        guard count >= 8 else {
            for i in indices { unsafe place.storeBytes(of: self[i], toByteOffset: i, as: UInt8.self) }
            return
        }
        var i = 0
        while i &+ 8 < count {
            unsafe place.storeBytes(of: word(at: i).littleEndian, toByteOffset: i, as: UInt64.self)
            i &+= 8
        }
        unsafe place.storeBytes(of: word(at: count &- 8).littleEndian, toByteOffset: count &- 8, as: UInt64.self)
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
    guard a.count >= 8 else { return a.lastBytes(a.count) == b.lastBytes(a.count) }
    var i = 0
    while i &+ 8 < a.count {
        if a.word(at: i) != b.word(at: i) { return false }
        i &+= 8
    }
    // The last 8 bytes, some of them once more.
    return a.word(at: a.count &- 8) == b.word(at: a.count &- 8)
}
