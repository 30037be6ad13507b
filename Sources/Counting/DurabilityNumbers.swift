/// How durable the counts are, in numbers: the journal, the checkpoints, and the last start.
public struct DurabilityNumbers: Sendable {
    /// The journal now.
    public var journal = JournalNumbers()
    /// The checkpoints now.
    public var checkpoints = CheckpointNumbers()
    /// What the last start found in the state.
    public var recovery = RecoveryNumbers()

    /// All zero: nothing has happened yet.
    public init() {}
}

/// The journal in numbers.
public struct JournalNumbers: Sendable {
    /// Bytes of frames written since this process began.
    public var writtenBytes: UInt64 = 0
    /// Bytes of frames that a power cut would lose now.
    public var unsyncedBytes = 0
    /// Bytes of frames in memory because they cannot be written to the journal.
    public var bufferedBytes = 0
    /// Bytes of all segments on the disk.
    public var bytes = 0
    /// How long the last fdatasync took.
    public var syncSeconds = 0.0

    /// All zero: nothing has happened yet.
    public init() {}
}

/// The checkpoints in numbers.
public struct CheckpointNumbers: Sendable {
    /// When the newest checkpoint was complete; nil if there is none.
    public var lastSuccess: Moment?
    /// How long the last checkpoint took.
    public var seconds = 0.0
    /// The longest time that a checkpoint has kept the counting thread busy since the start.
    public var longestPauseSeconds = 0.0
    /// How many checkpoints could not be saved since the start.
    public var failures: UInt64 = 0

    /// All zero: nothing has happened yet.
    public init() {}
}

/// What the last start found in the state, in numbers.
public struct RecoveryNumbers: Sendable {
    /// Records that were replayed from the journal.
    public var replayedRecords: UInt64 = 0
    /// How long it took to read the state and the journal.
    public var seconds = 0.0
    /// Frames of the journal found missing or damaged.
    public var lostFrames: UInt64 = 0
    /// Hits in those frames, as far as it can be known.
    public var lostHits: UInt64 = 0

    /// All zero: nothing has happened yet.
    public init() {}
}
