import Counting
import Platform
import Storage

/// When to make a checkpoint, and what waits for one: drawn salts, and requests.
struct CheckpointSchedule {
    private let checkpointer: Checkpointer
    /// Milliseconds between two checkpoints while something changes.
    private let interval: Int64
    private var madeAt: Int64 = 0
    /// The last frame in the last checkpoint.
    private var sequence: UInt64 = 0
    /// `pipeline.saltsForgotten` at the last checkpoint. If it has grown, salts must be deleted from the disk as well.
    private var saltsForgotten = 0
    /// Requests for a checkpoint, each with the frame it must hold.
    private var requests: [(sequence: UInt64, answer: @Sendable (Bool) -> Void)] = []

    /// The least milliseconds between two checkpoints, however urgent.
    private static let intervalMin: Int64 = 1000

    init(_ checkpointer: Checkpointer, milliseconds: Int64) {
        self.checkpointer = checkpointer
        interval = milliseconds
    }

    /// True if somebody waits for a checkpoint.
    var hasRequests: Bool { !requests.isEmpty }

    /// Requests a checkpoint of everything counted and written so far.
    mutating func request(_ answer: @escaping @Sendable (Bool) -> Void) {
        requests.append((checkpointer.journal.next.sequence - 1, answer))
    }

    /// Answers all requests: no checkpoint was made.
    mutating func abandonRequests() {
        for (_, answer) in requests { answer(false) }
        requests = []
    }

    /// Does what is due. If it captures, returns the thread's CPU time for the capture, in nanoseconds.
    mutating func run(_ pipeline: inout IngestPipeline) -> Int64? {
        storeSalts(of: &pipeline)
        defer { answerRequests() }
        guard !checkpointer.isBusy, isDue(pipeline) else { return nil }
        let begun = Clocks.threadNanoseconds
        sequence = checkpointer.journal.next.sequence - 1
        checkpointer.submit(Self.capture(&pipeline, checkpointer.journal))
        madeAt = Clocks.steady
        saltsForgotten = pipeline.saltsForgotten
        return Clocks.threadNanoseconds - begun
    }

    /// Makes the last checkpoint.
    mutating func finish(_ pipeline: inout IngestPipeline) throws(StorageError) {
        try checkpointer.stop(Self.capture(&pipeline, checkpointer.journal))
    }

    private func isDue(_ pipeline: IngestPipeline) -> Bool {
        let age = madeAt == 0 ? .max : Clocks.steady - madeAt
        guard age >= Self.intervalMin else { return false }
        // Retry a failed checkpoint soon. A checkpoint also replaces a failed sync.
        let hasFailed = checkpointer.status.failure != nil || checkpointer.journal.status.syncFailure != nil
        guard age >= interval || hasFailed || checkpointer.journal.wantsCheckpoint || hasRequests else { return false }
        return checkpointer.journal.next.sequence - 1 != sequence || pipeline.saltsForgotten != saltsForgotten
            || hasFailed
    }

    private func storeSalts(of pipeline: inout IngestPipeline) {
        let drawn = pipeline.dequeueDrawnSalts()
        if !drawn.isEmpty { checkpointer.store(drawn) }
        pipeline.saltsStored(through: checkpointer.saltsStored)
    }

    private mutating func answerRequests() {
        guard hasRequests, !checkpointer.isBusy else { return }
        let status = checkpointer.status
        let isOver = status.failure != nil
        for (sequence, answer) in requests where isOver || status.sequence >= sequence {
            answer(status.sequence >= sequence)
        }
        requests.removeAll { isOver || status.sequence >= $0.sequence }
    }

    private static func capture(_ pipeline: inout IngestPipeline, _ journal: Journal) -> Checkpointer.Request {
        let next = journal.next
        let salts = pipeline.saltsKept
        return Checkpointer.Request(
            pipeline.capture(), sequence: next.sequence - 1, hits: next.before, saltsKept: salts.numbers,
            saltsThrough: salts.through)
    }
}
