import Counting

/// What a segment's bytes hold: the frames that are whole, and what is neither a frame nor empty.
struct SegmentContents {
    /// A frame and where its records stand.
    struct Frame {
        var header: FrameHeader
        var records: Range<Int>
    }

    /// In the order of their sequences.
    private(set) var frames: [Frame] = []
    /// Something unreadable stands before a frame.
    private(set) var isDamaged = false
    private(set) var end = Segment.headerBytes
    /// Where an unreadable end begins; nil at a clean end.
    private(set) var torn: Int?
    /// Frames of the unreadable end whose heads are still plausible, following one upon the other.
    private(set) var tornFrames: [FrameHeader] = []

    /// Reads frames of the incarnation whose CRC is `seed`.
    ///
    /// - Complexity: O(bytes), also where they are damaged.
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

    /// The sequence of the first frame that is whole; nil where there is none.
    static func firstSequence(in bytes: Span<UInt8>, seed: UInt32) -> UInt64? {
        if isZero(bytes, from: min(Segment.headerBytes, bytes.count)) { return nil }
        guard let at = nextFrame(in: bytes, after: start(of: bytes, seed: seed) - 1, seed: seed) else { return nil }
        return FrameHeader(bytes, at: at, seed: seed)?.sequence
    }

    /// Where the frames begin: behind the head, unless bytes of the head are gone and a frame has moved into its place.
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
