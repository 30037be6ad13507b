import Counting

/// The head of a frame. `FORMAT.md` has the layout.
struct FrameHeader {
    var sequence: UInt64
    /// Hit records in the frame, and in all frames before it.
    var hits: Int
    var before: UInt64
    /// Bytes of the records after the head.
    var length: Int

    static let bytes = 32
    /// The longest possible records. No batch can make longer ones, and a damaged length must not be trusted.
    static let lengthMax = 64 << 20
    static let magic: UInt32 = 0x3152_4646

    /// The sequence of the next frame.
    var next: UInt64 { sequence + 1 }
    /// Hits in all frames up to this one, included.
    var after: UInt64 { before + UInt64(hits) }

    /// The head as bytes; `seed` is the CRC of the incarnation.
    func encoded(_ records: Span<UInt8>, seed: UInt32) -> [32 of UInt8] {
        var head = Self.head([UInt64(Self.magic), UInt64(length) | UInt64(hits) << 32, sequence, before])
        let checked = crc32c(head.span.extracting(8..<Self.bytes), from: seed)
        let crc = crc32c(records, from: checked)
        for i in 0..<4 { head[4 + i] = UInt8(truncatingIfNeeded: crc >> UInt32(8 * i)) }
        return head
    }

    /// Four words as bytes, the lowest byte first.
    private static func head(_ words: [4 of UInt64]) -> [32 of UInt8] {
        InlineArray { UInt8(truncatingIfNeeded: words[$0 &>> 3] &>> UInt64($0 &* 8)) }
    }
}

extension FrameHeader {
    /// The bytes at `offset`, if they look like a head. The CRC is not checked yet.
    ///
    /// The top bytes of both numbers are zero in every real frame. No path or host holds a zero byte, so nobody can
    /// send text that looks like a head and is expensive to check.
    init?(plausible bytes: Span<UInt8>, at offset: Int) {
        guard bytes.count - offset >= Self.bytes, bytes.half(at: offset) == Self.magic else { return nil }
        sequence = bytes.word(at: offset + 16)
        before = bytes.word(at: offset + 24)
        length = Int(bytes.half(at: offset + 8))
        hits = Int(bytes.half(at: offset + 12))
        guard length <= Self.lengthMax, hits <= length, sequence > 0, sequence < 1 << 56, before < 1 << 56 else {
            return nil
        }
    }

    /// The frame at `offset`, if it is complete and undamaged.
    init?(_ bytes: Span<UInt8>, at offset: Int, seed: UInt32) {
        self.init(plausible: bytes, at: offset)
        guard length <= bytes.count - offset - Self.bytes else { return nil }
        let checked = bytes.extracting(offset + 8..<offset + Self.bytes + length)
        guard crc32c(checked, from: seed) == bytes.half(at: offset + 4) else { return nil }
    }
}
