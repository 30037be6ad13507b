/// How well the counts are kept, in numbers: of the journal, of the checkpoints, and of the last start.
public struct DurabilityNumbers: Sendable {
    /// The journal as it is.
    public var journal = JournalNumbers()
    /// The checkpoints as they are.
    public var checkpoints = CheckpointNumbers()
    /// What the start found in the state.
    public var recovery = RecoveryNumbers()

    /// Zero, and nothing has happened yet.
    public init() {}
}

/// The journal in numbers.
public struct JournalNumbers: Sendable {
    /// Bytes of frames written since this process began.
    public var writtenBytes: UInt64 = 0
    /// Bytes of frames that a power cut would lose now.
    public var unsyncedBytes = 0
    /// Bytes of frames in memory because the journal takes none.
    public var bufferedBytes = 0
    /// Bytes of all segments on the disk.
    public var bytes = 0
    /// How long the last fdatasync took.
    public var syncSeconds = 0.0

    /// Zero, and nothing has happened yet.
    public init() {}
}

/// The checkpoints in numbers.
public struct CheckpointNumbers: Sendable {
    /// When the newest one was complete; nil while there is none.
    public var lastSuccess: Moment?
    /// How long the last one took.
    public var seconds = 0.0
    /// The longest time that one has kept the counting thread busy since the start.
    public var longestPauseSeconds = 0.0
    /// How many could not be saved since the start.
    public var failures: UInt64 = 0

    /// Zero, and nothing has happened yet.
    public init() {}
}

/// What a start found in the state, in numbers.
public struct RecoveryNumbers: Sendable {
    /// Records that were replayed from the journal.
    public var replayedRecords: UInt64 = 0
    /// How long it took to read the state and the journal.
    public var seconds = 0.0
    /// Frames of the journal found missing or damaged.
    public var lostFrames: UInt64 = 0
    /// Hits in them, as far as it can be known.
    public var lostHits: UInt64 = 0

    /// Zero, and nothing has happened yet.
    public init() {}
}
