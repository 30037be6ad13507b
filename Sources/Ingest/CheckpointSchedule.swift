import Counting
import Platform
import Storage

/// When a checkpoint is made, and what waits for one: salts on their way to the disk, and whoever asked.
struct CheckpointSchedule {
    private let checkpointer: Checkpointer
    /// Milliseconds between two while something changes.
    private let interval: Int64
    private var madeAt: Int64 = 0
    /// The sequence that the last one holds.
    private var sequence: UInt64 = 0
    /// Salts of former days that were forgotten by then: they must go from the disk as well.
    private var saltsForgotten = 0
    /// Who asked for one, each with the frame it has to hold.
    private var requests: [(sequence: UInt64, answer: @Sendable (Bool) -> Void)] = []

    /// Milliseconds between two, however much one is wanted.
    private static let intervalMin: Int64 = 1000

    init(_ checkpointer: Checkpointer, milliseconds: Int64) {
        self.checkpointer = checkpointer
        interval = milliseconds
    }

    /// Somebody waits for a checkpoint.
    var hasRequests: Bool { !requests.isEmpty }

    /// Asks for a checkpoint of what is counted by now, and written.
    mutating func request(_ answer: @escaping @Sendable (Bool) -> Void) {
        requests.append((checkpointer.journal.next.sequence - 1, answer))
    }

    /// Answers that no checkpoint comes.
    mutating func abandonRequests() {
        for (_, answer) in requests { answer(false) }
        requests = []
    }

    /// Does what is due; how long a capture kept the thread busy, in nanoseconds of its own, where one was made.
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
        // One that failed is tried again soon, and one stands in for a sync that failed.
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
