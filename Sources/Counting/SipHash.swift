/// SipHash-c-d: a keyed 64-bit hash. Without the key nobody can construct collisions.
///
/// Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012), with `c` rounds a word and `d` at the end. Add the
/// bytes in any number of pieces: the result depends only on the bytes. About 4 instructions a byte with c = 2.
@frozen
public struct SipHash<let c: Int, let d: Int>: Sendable {
    @usableFromInline var v0: UInt64, v1: UInt64, v2: UInt64, v3: UInt64
    /// Bytes not yet part of a whole word, lowest first.
    @usableFromInline var tail: UInt64 = 0
    @usableFromInline var length: UInt64 = 0

    /// A hash under a 128-bit key.
    @inlinable @inline(__always)
    public init(_ k0: UInt64, _ k1: UInt64) {
        v0 = k0 ^ 0x736f_6d65_7073_6575
        v1 = k1 ^ 0x646f_7261_6e64_6f6d
        v2 = k0 ^ 0x6c79_6765_6e65_7261
        v3 = k1 ^ 0x7465_6462_7974_6573
    }

    /// Adds the lowest `count` bytes of `word`, at most 8, lowest first. The others must be zero.
    @inlinable @inline(__always)
    public mutating func combine(_ word: UInt64, count: UInt64) {
        let used = length & 7
        tail |= word &<< (used &* 8)
        length &+= count
        if used &+ count >= 8 {
            compress(tail)
            // The bytes that did not fit. A shift by 64 must give zero; the masked shift would not.
            tail = used == 0 ? 0 : word &>> ((8 &- used) &* 8)
        }
    }

    /// Adds the 8 bytes of `word`, lowest first. The bytes so far must be whole words.
    @inlinable @inline(__always)
    public mutating func combine(whole word: UInt64) {
        compress(word)
        length &+= 8
    }

    /// Adds the bytes in their order.
    @inlinable @inline(__always)
    public mutating func combine(_ bytes: Span<UInt8>) {
        let shift = (length & 7) &* 8
        var i = 0
        if shift == 0 {
            while i &+ 8 <= bytes.count {
                compress(bytes.word(at: i))
                i &+= 8
            }
        } else {
            while i &+ 8 <= bytes.count {
                let word = bytes.word(at: i)
                compress(tail | word &<< shift)
                tail = word &>> (64 &- shift)
                i &+= 8
            }
        }
        length &+= UInt64(truncatingIfNeeded: i)
        let rest = bytes.count &- i
        if rest > 0 { combine(bytes.lastBytes(rest), count: UInt64(truncatingIfNeeded: rest)) }
    }

    /// The hash of all that was added.
    @inlinable @inline(__always)
    public consuming func finalize() -> UInt64 {
        compress(tail | length &<< 56)
        v2 ^= 0xff
        for _ in 0..<d { round() }
        return v0 ^ v1 ^ v2 ^ v3
    }

    @inlinable @inline(__always)
    mutating func compress(_ word: UInt64) {
        v3 ^= word
        for _ in 0..<c { round() }
        v0 ^= word
    }

    @inlinable @inline(__always)
    mutating func round() {
        v0 &+= v1
        v1 = v1 &<< 13 | v1 &>> 51
        v1 ^= v0
        v0 = v0 &<< 32 | v0 &>> 32
        v2 &+= v3
        v3 = v3 &<< 16 | v3 &>> 48
        v3 ^= v2
        v0 &+= v3
        v3 = v3 &<< 21 | v3 &>> 43
        v3 ^= v0
        v2 &+= v1
        v1 = v1 &<< 17 | v1 &>> 47
        v1 ^= v2
        v2 = v2 &<< 32 | v2 &>> 32
    }
}

/// For stored values and for values that stand for a person.
public typealias StrongHash = SipHash<2, 4>
/// For tables in memory. Every process has its own key.
public typealias TableHash = SipHash<1, 3>
