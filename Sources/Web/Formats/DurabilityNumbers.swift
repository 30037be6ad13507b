public import Counting

/// What the metrics say about durability; Web asks for it on each scrape.
public struct DurabilityNumbers: Sendable {
    /// Bytes of frames written since this process began.
    public var journalWrittenBytes: UInt64 = 0
    /// Bytes written that a power cut would take.
    public var journalUnsyncedBytes = 0
    /// Bytes of frames in memory because the journal takes none.
    public var journalHeldBytes = 0
    /// Bytes of all segments on the disk.
    public var journalBytes = 0
    /// How long the last fdatasync took.
    public var journalSyncSeconds = 0.0
    /// When the newest checkpoint was complete; nil while there is none.
    public var checkpointLastSuccess: Moment?
    /// How long the last one took.
    public var checkpointSeconds = 0.0
    /// The longest one has kept the counting thread busy since the start.
    public var checkpointPauseSeconds = 0.0
    /// Checkpoints since the start that could not be saved.
    public var checkpointFailures: UInt64 = 0
    /// Records taken from the journal at the start.
    public var replayedRecords: UInt64 = 0
    /// How long that took.
    public var replaySeconds = 0.0
    /// Frames found missing or damaged at the start.
    public var lostFrames: UInt64 = 0
    /// Hits in them, as far as it can be known.
    public var lostHits: UInt64 = 0

    /// Zero, and nothing has happened yet.
    public init() {}
}
