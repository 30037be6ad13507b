public import Counting
import Glibc
import Platform
import Synchronization

/// Makes the counts durable from time to time, and salts at once, on its own thread.
///
/// The order is the guarantee: first the file of visitors, then everything else in one transaction that names this
/// file. Only then are segments of the journal removed.
public final class Checkpointer: Sendable {
    /// The status of checkpoints, for monitoring.
    public struct Status: Sendable {
        /// The numbers without the pauses, which only the counting thread knows.
        public var numbers = CheckpointNumbers()
        /// The last frame in the last checkpoint.
        public var sequence: UInt64 = 0
        /// Why the last checkpoint failed, if it did.
        public var failure: StorageError?
        /// Why deleted rows may still be readable in the database's log.
        public var logFailure: StorageError?
        /// Since when a checkpoint has been running, in milliseconds of the steady clock.
        public var runningSince: Int64?
    }

    private let database: Database
    /// The journal of the counts since the last checkpoint.
    public let journal: Journal
    private let directory: String
    private let lock: OpenFile
    private let incarnation: [UInt8]
    private let giveUp: @Sendable (StorageError) -> Void
    private let work: Mutex<Work>
    private let status_ = Mutex(Status())
    private let saltsStored_: Atomic<UInt32>
    private let isBusy_ = Atomic(false)
    /// The file of visitors that the database names.
    private let visitorsName: Mutex<String>
    private let thread = OSThread()

    private struct Work {
        var request: Request?
        var salts: [StoredSalt] = []
        var unsaved = Unsaved()
        /// The newest batch of rows.
        var batch: UInt64

        mutating func adopt(_ request: Request) {
            batch += 1
            unsaved.add(request.capture, batch: batch)
        }
    }

    /// What the counting thread wants to make durable.
    public struct Request: Sendable {
        /// The counts.
        public var capture: Capture
        /// The last frame in the counts, and all hits up to it.
        public var sequence: UInt64, hits: UInt64
        /// Salts up to `saltsThrough` that are not in this set are deleted.
        public var saltsKept: Set<UInt32>
        /// The highest salt number that existed when the counts were captured.
        public var saltsThrough: UInt32

        /// Counts, and the frame at which they stand.
        public init(
            _ capture: Capture, sequence: UInt64, hits: UInt64, saltsKept: Set<UInt32>, saltsThrough: UInt32
        ) {
            self.capture = capture
            self.sequence = sequence
            self.hits = hits
            self.saltsKept = saltsKept
            self.saltsThrough = saltsThrough
        }
    }

    init(
        _ database: Database, _ journal: Journal, directory: String, lock: OpenFile, incarnation: [UInt8],
        saltsStored: UInt32, visitorsName: String, batch: UInt64,
        giveUp: @escaping @Sendable (StorageError) -> Void
    ) {
        self.database = database
        self.journal = journal
        self.directory = directory
        self.lock = lock
        self.visitorsName = Mutex(visitorsName)
        self.incarnation = incarnation
        self.giveUp = giveUp
        work = Mutex(Work(batch: batch))
        saltsStored_ = Atomic(saltsStored)
        thread.start(inBackground: true) { [self] in run() }
    }

    /// True while a request waits or runs. Another one would have to wait.
    public var isBusy: Bool { isBusy_.load(ordering: .acquiring) }
    /// The highest number of a salt that is stored and may be used.
    public var saltsStored: UInt32 { saltsStored_.load(ordering: .acquiring) }
    /// The status, for monitoring.
    public var status: Status {
        var status = status_.withLock { $0 }
        status.logFailure = database.logError
        return status
    }

    /// Requests a checkpoint. Only while `isBusy` is false.
    public func submit(_ request: Request) {
        isBusy_.store(true, ordering: .releasing)
        work.withLock { $0.request = request }
        thread.wakeup.signal()
    }

    /// Requests that salts be stored. `saltsStored` shows when they are.
    public func store(_ salts: [StoredSalt]) {
        work.withLock { $0.salts += salts }
        thread.wakeup.signal()
    }

    /// Rows that have left the engine and may not be in the tables yet, and the number of the newest batch. Call it on
    /// the thread that captures, because only this thread makes batches. `KeptHistory.batch` says which batches the
    /// tables hold.
    public var pendingRows: (batches: [(number: UInt64, rows: [HistoryRow])], newest: UInt64) {
        work.withLock { work in
            let waiting = work.request.map { [(number: work.batch + 1, rows: $0.capture.rows)] } ?? []
            return (work.unsaved.batches + waiting, work.batch + UInt64(waiting.count))
        }
    }

    /// Adds to the audit with the next checkpoint.
    public func note(_ kind: String, _ note: String, at moment: Moment) {
        work.withLock { $0.unsaved.notes.append((moment, kind, note)) }
    }

    /// Stores salts before it returns. For the start, before anything is counted.
    public func storeNow(_ salts: [StoredSalt]) throws(StorageError) {
        guard let last = salts.map(\.number).max() else { return }
        CrashPoint.reach(.saltDrawn)
        try database.save(salts)
        CrashPoint.reach(.saltStored)
        saltsStored_.store(last, ordering: .releasing)
    }

    /// Makes a checkpoint before it returns. For the start, before anything is counted.
    public func saveNow(_ request: Request) throws(StorageError) { try save(request) }

    /// Finishes what was requested, makes a last checkpoint and ends the thread and the journal. If it throws, the next
    /// start has to replay the journal.
    public func stop(_ last: Request) throws(StorageError) {
        thread.stop()
        storeSalts()
        work.withLock { work in
            // A request that came too late. `last` has its counts, but not the rows and sites that it took out of the
            // engine.
            if let request = work.request.take() { work.adopt(request) }
        }
        let saved = Result { () throws(StorageError) in try save(last) }
        let isSaved = if case .success = saved { true } else { false }
        try journal.stop(deletingUpTo: isSaved ? last.sequence : nil)
        try database.close()
        try saved.get()
    }

    // MARK: The thread

    private func run() {
        while !thread.isStopping {
            // Retry salts that could not be stored, and a log that could not be emptied.
            let isDone = work.withLock { $0.salts.isEmpty } && database.logError == nil
            thread.wakeup.wait(milliseconds: isDone ? -1 : 1000)
            storeSalts()
            emptyLog()
            guard let request = work.withLock({ $0.request }) else { continue }
            do throws(StorageError) {
                try save(request)
            } catch {
                // Neither the journal nor the database is reliable, so the process must restart and read them again.
                // Not while some counts exist only in memory.
                let journal = journal.status
                if journal.syncFailure != nil, journal.numbers.bufferedBytes == 0, error.isDiskFailing { giveUp(error) }
            }
            isBusy_.store(false, ordering: .releasing)
        }
    }

    private func storeSalts() {
        let salts = work.withLock { $0.salts }
        do throws(StorageError) {
            try storeNow(salts)
            work.withLock { $0.salts.removeFirst(salts.count) }
        } catch {
            status_.withLock { $0.failure = error }
        }
    }

    private func emptyLog() {
        guard database.logError != nil else { return }
        do throws(StorageError) {
            try database.write { _ in }
        } catch {
            status_.withLock { $0.failure = error }
        }
    }

    private func save(_ request: Request) throws(StorageError) {
        let begun = Clocks.steady
        status_.withLock { $0.runningSince = begun }
        defer { status_.withLock { $0.runningSince = nil } }
        let unsaved = work.withLock { work in
            work.request = nil
            work.adopt(request)
            return work.unsaved
        }
        do throws(StorageError) {
            let name = try write(request, unsaved)
            // From here on it is durable, even if removing superfluous files fails.
            work.withLock { work in
                work.unsaved.batches.removeFirst(unsaved.batches.count)
                work.unsaved.changed.removeAll()
                work.unsaved.notes.removeFirst(unsaved.notes.count)
            }
            status_.withLock { status in
                status.numbers.lastSuccess = Moment(milliseconds: Clocks.wall)
                status.sequence = request.sequence
                status.numbers.seconds = Double(Clocks.steady - begun) / 1e3
                status.failure = nil
            }
            CrashPoint.reach(.committed)
            visitorsName.withLock { $0 = name }
            try VisitorsFile.sweep(directory, keeping: name)
            try journal.reclaim(upTo: request.sequence)
        } catch {
            status_.withLock { status in
                status.numbers.failures += 1
                status.failure = error
            }
            throw error
        }
    }

    /// Returns the name of the file of visitors when the disk has the checkpoint.
    private func write(_ request: Request, _ unsaved: Unsaved) throws(StorageError) -> String {
        // Files of a failed checkpoint use space that this one may need.
        try VisitorsFile.sweep(directory, keeping: visitorsName.withLock { $0 })
        let name = VisitorsFile.name(request.sequence)
        try VisitorsFile.write(request.capture, sequence: request.sequence, incarnation: incarnation, in: directory)
        CrashPoint.reach(.visitorsWritten)
        try database.save(request, unsaved, visitors: name, incarnation: incarnation)
        return name
    }
}
