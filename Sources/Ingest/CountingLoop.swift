import Counting
import Glibc
import Platform
import Storage
import Synchronization
import Wire

/// The loop of the counting thread: receive a batch, serve requests, run periodic tasks, wait.
///
/// Each part owns its state: `SocketReceiver` the sockets and the ring, `CheckpointSchedule` the time of checkpoints,
/// `ReportPublisher` the published report.
struct CountingLoop: ~Copyable {
    var pipeline: IngestPipeline
    var receiver: SocketReceiver
    let requests: RequestQueue
    /// Nil if nothing is stored.
    var checkpoints: CheckpointSchedule?
    var publisher: ReportPublisher
    let tell: @Sendable (CountingThread.Event) -> Void

    /// Changes that are retried until they can be made.
    private var waitingChanges: [Change] = []
    /// The last reading of the clocks.
    private var clocks = Clocks.Reading()
    /// All datagrams up to this stamp have been read, in milliseconds.
    private var heard: Int64 = 0
    private var tasksRunAt: Int64 = 0
    /// The quarter hour in which closed rows were last dropped.
    private var quarter: Int64 = 0

    /// A change of the served sites. Returns the call to make when it is published, or nil to be retried.
    typealias Change = (
        attempt: @Sendable (inout IngestPipeline) -> (@Sendable () -> Void)?, abandon: @Sendable () -> Void
    )

    init(
        pipeline: IngestPipeline, receiver: SocketReceiver, requests: RequestQueue, checkpoints: CheckpointSchedule?,
        publisher: ReportPublisher, tell: @escaping @Sendable (CountingThread.Event) -> Void
    ) {
        (self.pipeline, self.receiver, self.requests) = (pipeline, receiver, requests)
        (self.checkpoints, self.publisher, self.tell) = (checkpoints, publisher, tell)
    }

    mutating func run(on thread: OSThread, longestPause: borrowing Atomic<Int64>) {
        var coalescer = BatchCoalescer(receiveBuffer: receiver.receiveBuffer)
        var stopBy: Int64?
        while true {
            let batch = receive()
            let isAsked = serveRequests()
            if batch.count == 0, !isAsked { pipeline.advanceClock() }
            runPeriodicTasks(longestPause)
            if thread.isStopping {
                // An inherited socket keeps its waiting datagrams for the next process. Our own socket is read until it
                // is empty, for a limited time.
                if receiver.outlivesUs { break }
                let end = stopBy ?? Clocks.steady + CountingThread.drainMax
                if stopBy != nil && batch.count == 0 || Clocks.steady >= end { break }
                stopBy = end
            } else if batch.count == 0 {
                if !isAsked { wait(for: thread.wakeup) }
            } else if let rest = coalescer.rest(
                after: batch.count, isFull: batch.isFull, at: clocks.steadyNanoseconds)
            {
                thread.wakeup.rest(nanoseconds: rest)
            }
        }
        end()
    }

    /// Everything is counted. The next start should find only a checkpoint.
    private mutating func end() {
        requests.end()
        for (_, abandon) in waitingChanges { abandon() }
        checkpoints?.abandonRequests()
        receiver.readDropCounts(into: &pipeline)
        pipeline.add(.down(pipeline.now))
        pipeline.commit()
        publish()
        do throws(StorageError) {
            try checkpoints?.finish(&pipeline)
            receiver.clear()
        } catch {
            tell(.unsaved(error, heldBytes: pipeline.heldBytes))
            // The slots are empty. Their sequence tells the next start how far the journal should go.
            receiver.arm(pipeline.journalNext)
        }
    }

    /// Receives one batch from every socket and counts it.
    private mutating func receive() -> SocketReceiver.Batch {
        // If nothing waits, time may advance to here without passing a datagram that arrives later.
        readClocks()
        let begun = clocks
        var newest = begun
        let tell = tell
        let batch = receiver.receive(into: &pipeline) { pipeline in
            // Read the clocks again, so that no stamp of this batch lies ahead of them.
            newest = Self.readClocks(&pipeline, tell)
            return newest
        }
        clocks = newest
        heard = batch.isFull ? pipeline.reached : begun.wall
        if batch.count > 0 { publisher.isChanged = true }
        // Commit clock events even if the batch is empty.
        pipeline.commit()
        return batch
    }

    /// Serves requests; hits that came together share one frame. True if there were any.
    ///
    /// A hit waits for every datagram that arrived before it. Otherwise time would pass them, and they would be counted
    /// at a wrong moment.
    private mutating func serveRequests() -> Bool {
        // A stamp ahead of the clock is from before the clock was set back.
        let (requests, refused) = requests.dequeue { $0 <= heard || $0 > clocks.wall }
        pipeline.refuse(refused)
        guard !requests.isEmpty else { return false }
        readClocks()
        var hits: [BrowserHit] = []
        var answers: [@Sendable (Result<SiteReport, BeaconRejection>) -> Void] = []
        for request in requests {
            switch request {
            case .hit(let hit, let answer):
                hits.append(hit)
                answers.append(answer)
            case .change(let attempt, let abandon):
                attemptChanges([(attempt, abandon)])
            case .look(let body, _): body(pipeline.engine)
            case .checkpoint(let answer):
                if checkpoints == nil { answer(false) } else { checkpoints?.request(answer) }
            }
        }
        for (result, answer) in zip(pipeline.count(hits), answers) { answer(result.map { pipeline.report(of: $0) }) }
        receiver.arm(pipeline.journalNext)
        publisher.isChanged = true
        return true
    }

    private mutating func attemptChanges(_ changes: [Change]) {
        var answers: [@Sendable () -> Void] = []
        for change in changes {
            if let answer = change.attempt(&pipeline) { answers.append(answer) } else { waitingChanges.append(change) }
        }
        // The requester reads the report at once.
        pipeline.commit()
        publish()
        for answer in answers { answer() }
    }

    private mutating func publish() {
        publisher.publish(&pipeline, receiver.numbers)
        if checkpoints == nil, pipeline.now.quarter != quarter {
            // Nobody stores history, so its rows must not accumulate.
            _ = pipeline.takeClosedRows()
            quarter = pipeline.now.quarter
        }
    }

    private mutating func readClocks() { clocks = Self.readClocks(&pipeline, tell) }

    private static func readClocks(
        _ pipeline: inout IngestPipeline, _ tell: @Sendable (CountingThread.Event) -> Void
    ) -> Clocks.Reading {
        let clocks = Clocks.Reading()
        if let event = pipeline.observe(wall: clocks.wall, steady: clocks.steady) { tell(.clock(event)) }
        return clocks
    }

    private mutating func runPeriodicTasks(_ longestPause: borrowing Atomic<Int64>) {
        let now = clocks.steady
        guard now - tasksRunAt >= CountingThread.publishInterval || tasksRunAt == 0 else { return }
        tasksRunAt = now
        if receiver.readDropCounts(into: &pipeline) { publisher.isChanged = true }
        pipeline.forgetSalts()
        if publisher.isDue(at: pipeline.now) { publish() }
        if let pause = checkpoints?.run(&pipeline) { longestPause.max(pause, ordering: .relaxed) }
        if !waitingChanges.isEmpty {
            let waiting = waitingChanges
            waitingChanges = []
            attemptChanges(waiting)
        }
        // Run again soon, because somebody waits.
        if !waitingChanges.isEmpty || checkpoints?.hasRequests ?? false { publisher.isChanged = true }
    }

    /// Sleeps until a datagram arrives, somebody wakes the thread, or a report is due: after a change within the
    /// interval, otherwise at the next whole second.
    private func wait(for wakeup: Wakeup) {
        var descriptors = (receiver.descriptors + [wakeup.descriptor])
            .map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        let due = tasksRunAt + CountingThread.publishInterval - Clocks.steady
        let milliseconds = publisher.isDue(at: pipeline.now) ? max(due, 1) : 1000 - Clocks.wall % 1000
        _ = unsafe poll(&descriptors, nfds_t(descriptors.count), CInt(clamping: milliseconds))
    }
}
