public import Counting

/// What the metrics say about durability; Web asks for it on each scrape.
public struct DurabilityNumbers: Sendable {
    /// Bytes of frames written since this process began.
    public var journalWrittenBytes: UInt64
    /// Bytes written that a power cut would take.
    public var journalUnsyncedBytes: Int
    /// Bytes of frames in memory because the journal takes none.
    public var journalHeldBytes: Int
    /// Bytes of all segments on the disk.
    public var journalBytes: Int
    /// How long the last fdatasync took.
    public var journalSyncSeconds: Double
    /// When the newest checkpoint was complete; nil while there is none.
    public var checkpointLastSuccess: Moment?
    /// How long the last one took.
    public var checkpointSeconds: Double
    /// The longest one has kept the counting thread busy since the start.
    public var checkpointPauseSeconds: Double
    /// Checkpoints since the start that could not be saved.
    public var checkpointFailures: UInt64
    /// Records taken from the journal at the start.
    public var replayedRecords: UInt64
    /// How long that took.
    public var replaySeconds: Double
    /// Frames found missing or damaged at the start.
    public var lostFrames: UInt64
    /// Hits in them, as far as it can be known.
    public var lostHits: UInt64

    /// What is left out is zero, or has not happened yet.
    public init(
        journalWrittenBytes: UInt64 = 0, journalUnsyncedBytes: Int = 0, journalHeldBytes: Int = 0,
        journalBytes: Int = 0, journalSyncSeconds: Double = 0, checkpointLastSuccess: Moment? = nil,
        checkpointSeconds: Double = 0, checkpointPauseSeconds: Double = 0, checkpointFailures: UInt64 = 0,
        replayedRecords: UInt64 = 0, replaySeconds: Double = 0, lostFrames: UInt64 = 0, lostHits: UInt64 = 0
    ) {
        self.journalWrittenBytes = journalWrittenBytes
        self.journalUnsyncedBytes = journalUnsyncedBytes
        self.journalHeldBytes = journalHeldBytes
        self.journalBytes = journalBytes
        self.journalSyncSeconds = journalSyncSeconds
        self.checkpointLastSuccess = checkpointLastSuccess
        self.checkpointSeconds = checkpointSeconds
        self.checkpointPauseSeconds = checkpointPauseSeconds
        self.checkpointFailures = checkpointFailures
        self.replayedRecords = replayedRecords
        self.replaySeconds = replaySeconds
        self.lostFrames = lostFrames
        self.lostHits = lostHits
    }
}
