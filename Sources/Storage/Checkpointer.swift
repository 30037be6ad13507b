public import Counting
import Glibc
import Platform
import Synchronization

/// Makes the counts durable from time to time, and salts at once, on a thread of its own.
///
/// The order is the promise: the file of visitors, then everything else in one transaction that names it, and only then
/// are segments of the journal taken away.
public final class Checkpointer: Sendable {
    /// What is known of checkpoints, for those who watch.
    public struct Status: Sendable {
        /// The checkpoints in numbers, without their pauses, which the counting thread knows.
        public var numbers = CheckpointNumbers()
        /// The last frame in the last one.
        public var sequence: UInt64 = 0
        /// Why the last one failed, if it did.
        public var failure: StorageError?
        /// What is deleted may still be read in the database's log.
        public var logFailure: StorageError?
        /// Since when one has been running, in milliseconds of the steady clock.
        public var runningSince: Int64?
    }

    private let database: Database
    /// What the counts since the last checkpoint are kept in.
    public let journal: Journal
    private let directory: String
    private let lock: OpenFile
    private let incarnation: [UInt8]
    private let giveUp: @Sendable (StorageError) -> Void
    private let work: Mutex<Work>
    private let status_ = Mutex(Status())
    private let saltsStored_: Atomic<UInt32>
    private let isBusy_ = Atomic(false)
    /// The file that the database names.
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

    /// What the counting thread asks to be made durable.
    public struct Request: Sendable {
        /// The counts.
        public var capture: Capture
        /// The last frame in them, and the hits up to it.
        public var sequence: UInt64, hits: UInt64
        /// Salts up to `saltsThrough` that are none of these are deleted.
        public var saltsKept: Set<UInt32>
        /// The highest number that was given out when the counts were captured.
        public var saltsThrough: UInt32

        /// Counts with the frame they stand at.
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

    /// A request is waiting or being worked on; a further one would have to wait.
    public var isBusy: Bool { isBusy_.load(ordering: .acquiring) }
    /// The highest number of a salt that is stored and may be used.
    public var saltsStored: UInt32 { saltsStored_.load(ordering: .acquiring) }
    /// For those who watch.
    public var status: Status {
        var status = status_.withLock { $0 }
        status.logFailure = database.logError
        return status
    }

    /// Asks for a checkpoint; only while none is busy.
    public func submit(_ request: Request) {
        isBusy_.store(true, ordering: .releasing)
        work.withLock { $0.request = request }
        thread.wakeup.signal()
    }

    /// Asks for salts to be stored; `saltsStored` says when they are.
    public func store(_ salts: [StoredSalt]) {
        work.withLock { $0.salts += salts }
        thread.wakeup.signal()
    }

    /// Rows that have left the engine and may not be in the tables, and the newest batch there is. To be asked on the thread that
    /// captures, which alone makes batches; `KeptHistory.batch` says which of them the tables hold.
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

    /// Stores salts before it returns: for the start, when nothing counts yet.
    public func storeNow(_ salts: [StoredSalt]) throws(StorageError) {
        guard let last = salts.map(\.number).max() else { return }
        CrashPoint.reach(.saltDrawn)
        try database.save(salts)
        CrashPoint.reach(.saltStored)
        saltsStored_.store(last, ordering: .releasing)
    }

    /// Makes a checkpoint before it returns: for the start, when nothing counts yet.
    public func saveNow(_ request: Request) throws(StorageError) { try save(request) }

    /// Finishes what is asked for, makes a last checkpoint and ends the thread and the journal. The error is what the
    /// next start will have to replay the journal for.
    public func stop(_ last: Request) throws(StorageError) {
        thread.stop()
        storeSalts()
        work.withLock { work in
            // Asked for too late to be done; `last` holds its counts, but not what it took out of the engine.
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
            // Salts that could not be stored are tried again, and a log that could not be emptied.
            let isDone = work.withLock { $0.salts.isEmpty } && database.logError == nil
            thread.wakeup.wait(milliseconds: isDone ? -1 : 1000)
            storeSalts()
            emptyLog()
            guard let request = work.withLock({ $0.request }) else { continue }
            do throws(StorageError) {
                try save(request)
            } catch {
                // Neither the journal nor the database can be relied on: what is there must be read again. Not while counts
                // are in memory and nowhere else.
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
            // From here on it is durable, whatever becomes of the files it has made superfluous.
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

    /// Returns when the disk has the checkpoint: the name of its file of visitors.
    private func write(_ request: Request, _ unsaved: Unsaved) throws(StorageError) -> String {
        // What a failed one has left takes room that this one may need.
        try VisitorsFile.sweep(directory, keeping: visitorsName.withLock { $0 })
        let name = VisitorsFile.name(request.sequence)
        try VisitorsFile.write(request.capture, sequence: request.sequence, incarnation: incarnation, in: directory)
        CrashPoint.reach(.visitorsWritten)
        try database.save(request, unsaved, visitors: name, incarnation: incarnation)
        return name
    }
}
