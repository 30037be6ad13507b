import Counting

/// The frames of a segment, and whether some of its bytes are neither frames nor empty.
struct SegmentContents {
    /// A frame and the place of its records.
    struct Frame {
        var header: FrameHeader
        var records: Range<Int>
    }

    /// In the order of their sequences.
    private(set) var frames: [Frame] = []
    /// True if something unreadable lies before a frame.
    private(set) var isDamaged = false
    private(set) var end = Segment.headerBytes
    /// Where an unreadable end begins; nil if the end is clean.
    private(set) var torn: Int?
    /// Frames in the unreadable end whose heads are plausible and follow each other.
    private(set) var tornFrames: [FrameHeader] = []

    /// Reads the frames of the incarnation whose CRC is `seed`.
    ///
    /// - Complexity: O(bytes), even if they are damaged.
    init(_ bytes: Span<UInt8>, seed: UInt32) {
        var at = Self.start(of: bytes, seed: seed)
        var isSorted = true
        while at < bytes.count {
            if let header = FrameHeader(bytes, at: at, seed: seed) {
                let start = at + FrameHeader.bytes
                isSorted = isSorted && header.sequence > (frames.last?.header.sequence ?? 0)
                frames.append(Frame(header: header, records: start..<start + header.length))
                at = start + header.length
                end = at
            } else if bytes[at] == 0, isZero(bytes, from: at) {
                break
            } else if let next = Self.nextFrame(in: bytes, after: at, seed: seed) {
                isDamaged = true
                at = next
            } else {
                torn = at
                readTorn(bytes, at: at)
                break
            }
        }
        if !isSorted { frames.sort { $0.header.sequence < $1.header.sequence } }
    }

    /// The sequence of the first complete frame; nil if there is none.
    static func firstSequence(in bytes: Span<UInt8>, seed: UInt32) -> UInt64? {
        if isZero(bytes, from: min(Segment.headerBytes, bytes.count)) { return nil }
        guard let at = nextFrame(in: bytes, after: start(of: bytes, seed: seed) - 1, seed: seed) else { return nil }
        return FrameHeader(bytes, at: at, seed: seed)?.sequence
    }

    /// Where the frames begin: after the head, or earlier if bytes of the head are missing and a frame has moved there.
    private static func start(of bytes: Span<UInt8>, seed: UInt32) -> Int {
        (0..<min(Segment.headerBytes, bytes.count)).first { FrameHeader(bytes, at: $0, seed: seed) != nil }
            ?? Segment.headerBytes
    }

    private static func nextFrame(in bytes: Span<UInt8>, after start: Int, seed: UInt32) -> Int? {
        var at = start + 1
        while at + FrameHeader.bytes <= bytes.count {
            // The first byte of the magic, then the rest.
            if bytes[at] == 0x46, FrameHeader(bytes, at: at, seed: seed) != nil { return at }
            at += 1
        }
        return nil
    }

    private mutating func readTorn(_ bytes: Span<UInt8>, at start: Int) {
        var at = start
        var before = frames.last?.header
        while let header = FrameHeader(plausible: bytes, at: at) {
            if let before, header.sequence != before.next || header.before != before.after { break }
            tornFrames.append(header)
            before = header
            at += FrameHeader.bytes + header.length
        }
    }
}
