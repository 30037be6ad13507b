/// SipHash: a keyed 64-bit hash that a stranger cannot steer into collisions.
///
/// Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012), with `c` rounds a word and `d` at the end.
/// Feed it in any number of pieces; the result depends only on the bytes. About 5 instructions a byte with c = 2.
public struct SipHash: Sendable {
    private var v0: UInt64, v1: UInt64, v2: UInt64, v3: UInt64
    /// Bytes not yet part of a whole word, lowest first.
    private var tail: UInt64 = 0
    private var length: UInt64 = 0
    private let c: Int
    private let d: Int

    /// SipHash-2-4 under a 128-bit key; SipHash-1-3 with `c: 1, d: 3`.
    public init(_ k0: UInt64, _ k1: UInt64, c: Int = 2, d: Int = 4) {
        v0 = k0 ^ 0x736f_6d65_7073_6575
        v1 = k1 ^ 0x646f_7261_6e64_6f6d
        v2 = k0 ^ 0x6c79_6765_6e65_7261
        v3 = k1 ^ 0x7465_6462_7974_6573
        self.c = c
        self.d = d
    }

    /// Adds one byte.
    @inline(__always)
    public mutating func combine(_ byte: UInt8) {
        tail |= UInt64(byte) &<< ((length & 7) &* 8)
        length &+= 1
        if length & 7 == 0 { flushTail() }
    }

    /// Adds the bytes in their order.
    @inline(__always)
    public mutating func combine(_ bytes: Span<UInt8>) {
        var i = 0
        let shift = (length & 7) &* 8
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
        while i < bytes.count {
            combine(bytes[i])
            i &+= 1
        }
    }

    /// The hash of all that was added.
    @inline(__always)
    public consuming func finalize() -> UInt64 {
        compress(tail | length &<< 56)
        v2 ^= 0xff
        for _ in 0..<d { round() }
        return v0 ^ v1 ^ v2 ^ v3
    }

    @inline(__always)
    private mutating func flushTail() {
        compress(tail)
        tail = 0
    }

    @inline(__always)
    private mutating func compress(_ word: UInt64) {
        v3 ^= word
        for _ in 0..<c { round() }
        v0 ^= word
    }

    @inline(__always)
    private mutating func round() {
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
