public import Counting
import Glibc

/// Frames that are missing.
public struct Loss: Equatable, Sendable, CustomStringConvertible {
    /// Their sequences.
    public let frames: ClosedRange<UInt64>
    /// The hits in them; nil if nothing tells.
    public let hits: UInt64?

    /// For the log and the audit.
    public var description: String {
        let which =
            frames.count == 1 ? "frame \(frames.lowerBound)" : "frames \(frames.lowerBound)…\(frames.upperBound)"
        return "\(which) lost, with \(hits.map { "\($0) hits" } ?? "an unknown number of hits")"
    }
}

/// The state at the end of the last process: the checkpoint, with the journal after it applied again.
public struct Recovery: Sendable {
    /// The counts.
    public var engine: Engine
    /// Salts in use or ready for use.
    public let salts: [StoredSalt]
    /// The incarnation of the state.
    public let incarnation: [UInt8]
    /// The incarnation for a log: half of it in hexadecimal.
    public var incarnationName: String { Files.digits(incarnation.span.word(at: 0)) }
    /// The last frame in the counts.
    public private(set) var sequence: UInt64
    /// The hits in all frames up to it.
    public private(set) var hits: UInt64
    /// Hits from the journal.
    public private(set) var replayedHits: UInt64 = 0
    /// Frames from the journal.
    public private(set) var replayedFrames: UInt64 = 0
    /// The losses, oldest first.
    public private(set) var losses: [Loss] = []
    /// Files that were or will be moved away, each with the reason.
    public internal(set) var quarantined: [String] = []
    /// True if the state was created just now.
    public let isNew: Bool

    /// The last frame in the checkpoint, and the file of visitors that the checkpoint names.
    let checkpointed: UInt64
    var visitorsName = ""
    /// The newest batch of rows in the tables.
    var batch: UInt64 = 0
    var segments: [Journal.Sealed] = []
    var nextOrdinal: UInt64 = 1
    /// Unreadable frames at the very end.
    private var tornFrames: [FrameHeader] = []
    private var isTorn = false
    /// The last segment with a frame, and later ones that hold something: if the next frame is missing, it was in one
    /// of these.
    private var suspects: [Int] = []

    init(
        _ engine: Engine, salts: [StoredSalt], incarnation: [UInt8], sequence: UInt64, hits: UInt64, isNew: Bool
    ) {
        self.engine = engine
        self.salts = salts
        self.incarnation = incarnation
        self.sequence = sequence
        checkpointed = sequence
        self.hits = hits
        self.isNew = isNew
    }

    /// Applies the segments in `directory`, oldest first. Their numbers rise with their frames, unless somebody has
    /// renamed them.
    ///
    /// - Complexity: O(bytes), with one segment in memory at a time.
    mutating func replay(_ directory: String) throws(StorageError) {
        let ordinals = try Files.names(in: directory).compactMap(Segment.ordinal)
        nextOrdinal = (ordinals.max() ?? 0) + 1
        var order: [(first: UInt64, ordinal: UInt64)] = []
        for ordinal in ordinals {
            let file = try OpenFile(directory + "/" + Segment.name(ordinal), flags: O_RDONLY, doing: "open")
            let (bytes, _) = try file.readWhatIsLeft(first: 1 << 20)
            let first = SegmentContents.firstSequence(in: bytes.span, seed: crc32c(incarnation.span))
            order.append((first ?? order.last?.first ?? 0, ordinal))
        }
        for (_, ordinal) in order.sorted(by: <) { try replay(directory, ordinal) }
    }

    private mutating func replay(_ directory: String, _ ordinal: UInt64) throws(StorageError) {
        let path = directory + "/" + Segment.name(ordinal)
        let (bytes, unreadable) = try OpenFile(path, flags: O_RDONLY, doing: "open")
            .readWhatIsLeft(first: Self.segmentBytesMax)
        let header = Segment.header(of: bytes.span, incarnation: incarnation)
        switch header {
        case .foreign:
            try Files.move(path, into: directory + "/quarantine")
            quarantined.append("\(Segment.name(ordinal)) belongs to another state")
            return
        case .blank where unreadable == nil && isZero(bytes.span, from: 0):
            return try Files.delete(path)
        default: break
        }
        let contents = SegmentContents(bytes.span, seed: crc32c(incarnation.span))
        var isDamaged = contents.isDamaged || unreadable != nil
        var isCut = unreadable.map { $0 >= contents.end } ?? false
        if case .ours(let size) = header { isDamaged = isDamaged || size != bytes.count } else { isDamaged = true }
        for (i, frame) in contents.frames.enumerated() {
            if frame.header.sequence > sequence + 1 {
                if i == 0, !suspects.isEmpty { suspect() } else { isDamaged = true }
            }
            apply(frame.header, bytes.span.extracting(frame.records))
        }
        // Unreadable frames at the end of the segment before were written again in this segment, or are already counted
        // as lost.
        if !contents.frames.isEmpty {
            isTorn = false
            tornFrames = []
            suspects = []
        }
        isCut = isCut || contents.torn != nil
        if isCut {
            isTorn = true
            tornFrames = contents.tornFrames
        }
        if !contents.frames.isEmpty || isCut { suspects.append(segments.count) }
        let last = contents.frames.isEmpty ? 0 : sequence
        segments.append(Journal.Sealed(path: path, bytes: bytes.count, last: last, isDamaged: isDamaged))
    }

    private mutating func suspect() {
        for i in suspects { segments[i].isDamaged = true }
    }

    private mutating func apply(_ header: FrameHeader, _ records: Span<UInt8>) {
        guard header.sequence > sequence else { return }
        if header.sequence > sequence + 1 { lose(through: header.sequence - 1, before: header.before) }
        let before = engine.counters.counted
        do throws(MalformedBytes) {
            try engine.apply(records)
        } catch {
            // The frame needs a record from a lost frame: that of its site.
            let counted = min(engine.counters.counted - before, UInt64(header.hits))
            losses.append(Loss(frames: header.sequence...header.sequence, hits: UInt64(header.hits) - counted))
        }
        sequence = header.sequence
        hits = header.after
        replayedFrames += 1
        replayedHits += UInt64(header.hits)
    }

    private mutating func lose(through last: UInt64, before: UInt64) {
        losses.append(Loss(frames: sequence + 1...last, hits: before >= hits ? before - hits : nil))
        sequence = last
        hits = before
    }

    /// Settles the end of the journal. If the receive ring has survived the process, it was armed for frame
    /// `armed.sequence` with `armed.before` hits before it: all earlier frames had been written or buffered.
    public mutating func settle(armed: (sequence: UInt64, before: UInt64)?) {
        let known = losses.count
        if let armed {
            if armed.sequence > sequence + 1 { lose(through: armed.sequence - 1, before: armed.before) }
        } else if let first = tornFrames.first, let last = tornFrames.last, first.sequence == sequence + 1,
            first.before == hits
        {
            lose(through: last.sequence, before: last.after)
        } else if isTorn {
            losses.append(Loss(frames: sequence + 1...sequence + 1, hits: nil))
        }
        if losses.count > known { suspect() }
        tornFrames = []
        isTorn = false
        for segment in segments where segment.isDamaged {
            quarantined.append("\(Files.name(of: segment.path)) is damaged")
        }
    }

    /// The longest segment that the settings allow, and some room.
    private static let segmentBytesMax = 2 << 30
}

extension Recovery {
    /// The numbers of the recovery, after a start that took `seconds`.
    public func numbers(seconds: Double) -> RecoveryNumbers {
        var numbers = RecoveryNumbers()
        numbers.replayedRecords = replayedHits
        numbers.seconds = seconds
        numbers.lostFrames = losses.reduce(0) { $0 + UInt64($1.frames.count) }
        numbers.lostHits = losses.reduce(0) { $0 + ($1.hits ?? 0) }
        return numbers
    }
}
