public import Counting
import Glibc
import Platform
public import Storage
import Synchronization
import Wire

/// The thread that owns the engine: receives, writes the journal, counts and publishes, and shares nothing else.
///
/// It drains the sockets, and while beacons come quickly rests between batches that are not full (`StreamNap`). A lone
/// beacon is counted at once. Time passes to the wall clock only after a read that found every socket empty.
public final class CountingThread: Sendable {
    /// The numbers, renewed within 100 ms of a change and at every second.
    public let publication: Publication
    private let requests: Requests
    private let thread = OSThread()
    private let pause = Atomic<Int64>(0)

    /// Milliseconds between two reports while numbers change.
    static let publishInterval: Int64 = 100
    /// How long `stop` reads on what had arrived already, in milliseconds.
    static let drainMax: Int64 = 1000

    /// What it tells those who keep the log, on its own thread.
    public enum Event: Sendable {
        /// The wall clock did something.
        case clock(ClockEvent)
        /// The last checkpoint could not be made: the next start replays the journal, which lacks so many bytes that
        /// were held in memory.
        case unsaved(StorageError, heldBytes: Int)
        /// It goes on; told at least every other second.
        case alive
    }

    /// Starts the thread: `intake` counts what comes in at `sockets` and lands in `ring`. Checkpoints are so many
    /// milliseconds apart while something changes; without a checkpointer the counts end with the process.
    public init(
        _ intake: Intake, sockets: [BeaconSocket], ring: LandingRing, checkpointer: Checkpointer? = nil,
        checkpointMilliseconds: Int64 = 10_000,
        tell: @escaping @Sendable (Event) -> Void = { _ in }
    ) {
        var intake = intake
        intake.comeUp()
        publication = Publication(intake.report())
        requests = Requests(thread.wakeup)
        let started = intake
        thread.start { [self] in
            var loop = CountingLoop(
                intake: started, sockets: sockets, wakeup: thread.wakeup, requests: requests, publication: publication,
                tell: tell, ring: ring, checkpointer: checkpointer, checkpointMilliseconds: checkpointMilliseconds)
            loop.run(on: thread, pause)
        }
    }

    /// The longest that a checkpoint has kept the thread busy, in nanoseconds of its own.
    public var longestPauseNanoseconds: Int64 { pause.load(ordering: .relaxed) }

    /// Hands a request over; false where too many wait already or the thread is ending, and then no answer comes.
    public func ask(_ request: Request) -> Bool { requests.add(request) }

    /// Counts what has arrived, makes a last checkpoint, publishes once more and ends the thread.
    public func stop() { thread.stop() }
}

private struct CountingLoop: ~Copyable {
    var intake: Intake
    let sockets: [BeaconSocket]
    let wakeup: Wakeup
    let requests: Requests
    let publication: Publication
    let tell: @Sendable (CountingThread.Event) -> Void
    let ring: LandingRing
    let checkpointer: Checkpointer?
    let checkpointMilliseconds: Int64
    var checkpointedAt: Int64 = 0
    /// The sequence the last checkpoint was asked for at.
    var checkpointed: UInt64 = 0
    /// Salts of former days that were forgotten by then: they must go from the disk as well.
    var saltsForgotten = 0
    var isChanged = false
    /// When what has to be looked after now and then was last looked after.
    var tendedAt: Int64 = 0
    var publishedSecond: Int64 = 0
    var publishedQuarter: Int64 = 0
    var drops: [UInt32] = []
    /// The wall clock as it was last read, and up to where everything that came has been read, in milliseconds.
    var wall: Int64 = 0
    var heard: Int64 = 0
    var numbers = IngestNumbers()
    var publishedNumbers = IngestNumbers()
    /// Changes that wait for something.
    var changes: [Change] = []
    /// Checkpoints that were asked for, each with the frame it has to hold.
    var checkpointsAsked: [(sequence: UInt64, answer: @Sendable (Bool) -> Void)] = []

    mutating func run(on thread: OSThread, _ pause: borrowing Atomic<Int64>) {
        drops = sockets.map { _ in 0 }
        numbers.listeners = sockets.map { IngestNumbers.Listener(name: $0.name) }
        var nap = StreamNap()
        var stopBy: Int64?
        while true {
            let batch = receive()
            let isAsked = serveRequests()
            if batch == .empty, !isAsked { intake.pass() }
            tendIfDue(pause)
            if thread.isStopping {
                // A socket that outlives us keeps what waits in it. One of our own is read to its end, for a bounded time.
                if sockets.allSatisfy(\.isInherited) { break }
                let end = stopBy ?? Clocks.steady + CountingThread.drainMax
                if stopBy != nil && batch == .empty || Clocks.steady >= end { break }
                stopBy = end
            } else if batch == .empty {
                if !isAsked { wait() }
            } else if case .some(let count) = batch {
                nap.rest(after: count)
            }
        }
        requests.end()
        for (_, abandon) in changes { abandon() }
        for (_, answer) in checkpointsAsked { answer(false) }
        watchSockets()
        intake.add(.down(intake.now))
        intake.commit()
        publish()
        end()
    }

    /// Everything is counted: the next start should find a checkpoint and nothing else.
    private mutating func end() {
        if let checkpointer {
            do throws(StorageError) {
                try checkpointer.stop(request(checkpointer.journal))
            } catch {
                tell(.unsaved(error, heldBytes: checkpointer.journal.status.heldBytes))
                // The slot is empty; its sequence is what tells the next start how far the journal should go.
                ring.arm(checkpointer.journal.next)
                return
            }
        }
        ring.clear()
    }

    /// What a look at all sockets found.
    private enum Batch: Equatable { case empty, some(Int), full }

    /// Takes one batch from every socket and counts it.
    private mutating func receive() -> Batch {
        // Time may pass to here if nothing waits; what comes later is not overtaken.
        readClocks()
        let begun = wall
        var batch = Batch.empty
        for (i, socket) in sockets.enumerated() {
            ring.arm(checkpointer?.journal.next ?? (0, 0))
            let count = ring.receive(from: socket.descriptor)
            guard count > 0 else { continue }
            // No stamp of this batch lies ahead of a clock that is read now.
            readClocks()
            let stamp = ring.withDatagram(0) { $1.stamp }
            if stamp > 0 { numbers.delays.add(Double(max(0, Clocks.wallNanoseconds - stamp)) / 1e9) }
            numbers.batches.add(Double(count))
            let parsed = intake.parsedDatagrams
            takeBatch()
            numbers.listeners[i].datagrams += UInt64(count)
            numbers.listeners[i].parsed += intake.parsedDatagrams - parsed
            if count == LandingRing.batchMax { batch = .full } else if batch == .empty { batch = .some(count) }
        }
        heard = batch == .full ? intake.reached : begun
        if batch != .empty { isChanged = true }
        // Also what the clocks did.
        intake.commit()
        return batch
    }

    /// One batch, one frame; the slot is free again when the frame is written.
    private mutating func takeBatch() {
        intake.takeBatch(of: ring)
        intake.commit()
        ring.release()
        // At once: the armed sequence is what names a frame that was held when the process is killed in its rest.
        if let checkpointer { ring.arm(checkpointer.journal.next) }
    }

    /// Does what was asked; hits that came together are one frame. True if anything was.
    ///
    /// A hit waits for every datagram that came before it, or time would pass them by and count them when they did not come.
    private mutating func serveRequests() -> Bool {
        // A stamp that lies ahead is from before the clock was set back.
        let (requests, refused) = requests.take { $0 <= heard || $0 > wall }
        intake.refuse(refused)
        guard !requests.isEmpty else { return false }
        readClocks()
        var hits: [BrowserHit] = []
        var answers: [@Sendable (Result<SiteReport, BeaconRejection>) -> Void] = []
        for request in requests {
            switch request {
            case .hit(let hit, let answer):
                hits.append(hit)
                answers.append(answer)
            case .record(let make, let answer):
                let record = make(intake.engine)
                let isWritten = intake.addOrRefuse(record)
                publishCommitted()
                answer(isWritten ? record : nil)
            case .change(let attempt, let abandon):
                tryChanges([(attempt, abandon)])
            case .look(let body, _): body(intake.engine)
            case .checkpoint(let answer):
                // Of what is counted by now, and written.
                guard let checkpointer else {
                    answer(false)
                    continue
                }
                checkpointsAsked.append((checkpointer.journal.next.sequence - 1, answer))
            }
        }
        for (result, answer) in zip(intake.count(hits), answers) { answer(result.map { intake.report(of: $0) }) }
        if let checkpointer { ring.arm(checkpointer.journal.next) }
        isChanged = true
        return true
    }

    typealias Change = (
        attempt: @Sendable (inout Intake) -> (@Sendable () -> Void)?, abandon: @Sendable () -> Void
    )

    private mutating func tryChanges(_ tried: [Change]) {
        var answers: [@Sendable () -> Void] = []
        for change in tried {
            if let answer = change.attempt(&intake) { answers.append(answer) } else { changes.append(change) }
        }
        publishCommitted()
        for answer in answers { answer() }
    }

    /// Whoever has changed something looks at once.
    private mutating func publishCommitted() {
        intake.commit()
        publish()
    }

    private mutating func readClocks() {
        wall = Clocks.wall
        if let event = intake.observe(wall: wall, steady: Clocks.steady) { tell(.clock(event)) }
    }

    private mutating func tendIfDue(_ pause: borrowing Atomic<Int64>) {
        let now = Clocks.steady
        guard now - tendedAt >= CountingThread.publishInterval || tendedAt == 0 else { return }
        tendedAt = now
        watchSockets()
        intake.forgetSalts()
        if isReportDue { publish() }
        if let checkpointer {
            keepSalts(checkpointer)
            checkpointIfDue(checkpointer, pause)
            answerCheckpoints(checkpointer)
        }
        if !changes.isEmpty {
            let waiting = changes
            changes = []
            tryChanges(waiting)
        }
        // Who waits for something looks again soon.
        isChanged = isChanged || !changes.isEmpty || !checkpointsAsked.isEmpty
    }

    private mutating func answerCheckpoints(_ checkpointer: Checkpointer) {
        guard !checkpointsAsked.isEmpty, !checkpointer.isBusy else { return }
        let status = checkpointer.status
        let isOver = status.failure != nil
        for (sequence, answer) in checkpointsAsked where isOver || status.sequence >= sequence {
            answer(status.sequence >= sequence)
        }
        checkpointsAsked.removeAll { isOver || status.sequence >= $0.sequence }
    }

    private mutating func keepSalts(_ checkpointer: Checkpointer) {
        let drawn = intake.takeDrawnSalts()
        if !drawn.isEmpty { checkpointer.store(drawn) }
        intake.saltsStored(through: checkpointer.saltsStored)
    }

    private mutating func checkpointIfDue(_ checkpointer: Checkpointer, _ pause: borrowing Atomic<Int64>) {
        let now = Clocks.steady
        guard !checkpointer.isBusy, now - checkpointedAt >= Self.checkpointIntervalMin || checkpointedAt == 0 else {
            return
        }
        let isDue = now - checkpointedAt >= checkpointMilliseconds || checkpointedAt == 0
        // One that failed is tried again soon, and one stands in for a sync that failed.
        let hasFailed = checkpointer.status.failure != nil || checkpointer.journal.status.syncFailure != nil
        guard isDue || hasFailed || checkpointer.journal.wantsCheckpoint || !checkpointsAsked.isEmpty else { return }
        let sequence = checkpointer.journal.next.sequence - 1
        let isForgetting = intake.saltsForgotten != saltsForgotten
        guard sequence != checkpointed || isForgetting || hasFailed else { return }
        let begun = Clocks.threadNanoseconds
        checkpointer.submit(request(checkpointer.journal))
        pause.max(Clocks.threadNanoseconds - begun, ordering: .relaxed)
        checkpointedAt = now
        checkpointed = sequence
        saltsForgotten = intake.saltsForgotten
    }

    /// However much a checkpoint is wanted.
    private static let checkpointIntervalMin: Int64 = 1000

    private mutating func request(_ journal: Journal) -> Checkpointer.Request {
        let next = journal.next
        let salts = intake.saltsKept
        return Checkpointer.Request(
            intake.capture(), sequence: next.sequence - 1, hits: next.before, saltsKept: salts.numbers,
            saltsThrough: salts.through)
    }

    /// The last report is no longer what there is to say.
    private var isReportDue: Bool { isChanged || intake.now.second != publishedSecond }

    private mutating func publish() {
        if intake.now.second != publishedSecond { tell(.alive) }
        // What is taken and not committed is in no other number either.
        if intake.isCommitted { publishedNumbers = numbers }
        var report = intake.report()
        report.ingest = publishedNumbers
        publication.publish(report)
        if checkpointer == nil, intake.now.quarter != publishedQuarter {
            // Nobody keeps history; the rows must not pile up.
            _ = intake.takeClosedRows()
            publishedQuarter = intake.now.quarter
        }
        publishedSecond = intake.now.second
        isChanged = false
    }

    private mutating func watchSockets() {
        for (i, socket) in sockets.enumerated() {
            let memory = socket.memory
            numbers.listeners[i].queuedBytes = memory.queuedBytes
            numbers.listeners[i].drops = UInt64(memory.drops)
            guard memory.drops != drops[i] else { continue }
            drops[i] = memory.drops
            intake.noteDrops(cookie: socket.cookie, total: memory.drops)
            isChanged = true
        }
    }

    /// Sleeps until a datagram is there, somebody wants the thread to stop, or a report is due: what has changed within
    /// the interval, everything else at the next whole second.
    private func wait() {
        var descriptors = (sockets.map(\.descriptor) + [wakeup.descriptor])
            .map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        let due = tendedAt + CountingThread.publishInterval - Clocks.steady
        let milliseconds = isReportDue ? max(due, 1) : 1000 - Clocks.wall % 1000
        _ = unsafe poll(&descriptors, nfds_t(descriptors.count), CInt(clamping: milliseconds))
    }
}
