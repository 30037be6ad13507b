import Counting
import Glibc
import Platform
import Storage
import Synchronization
import Wire

/// What the counting thread does, over and over: receive a batch, answer what is asked, do what is due, rest.
///
/// The parts own their state: `SocketReceiver` the sockets and the ring, `CheckpointSchedule` when a checkpoint is made,
/// `ReportPublisher` what readers see.
struct CountingLoop: ~Copyable {
    var pipeline: IngestPipeline
    var receiver: SocketReceiver
    let requests: RequestQueue
    /// Nil where nothing is kept.
    var checkpoints: CheckpointSchedule?
    var publisher: ReportPublisher
    let tell: @Sendable (CountingThread.Event) -> Void

    /// Changes that are tried again until they have what they wait for.
    private var waitingChanges: [Change] = []
    /// The wall clock as it was last read, and up to where everything that came has been read, in milliseconds.
    private var wall: Int64 = 0
    private var heard: Int64 = 0
    private var tasksRunAt: Int64 = 0
    /// The quarter hour in which closed rows were last dropped.
    private var quarter: Int64 = 0

    /// A change of what is served: gives what to call when it is published, or nil to be tried again.
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
        var coalescer = BatchCoalescer()
        var stopBy: Int64?
        while true {
            let batch = receive()
            let isAsked = serveRequests()
            if batch == .empty, !isAsked { pipeline.advanceClock() }
            runPeriodicTasks(longestPause)
            if thread.isStopping {
                // A socket that outlives us keeps what waits in it. One of our own is read to its end, for a bounded time.
                if receiver.outlivesUs { break }
                let end = stopBy ?? Clocks.steady + CountingThread.drainMax
                if stopBy != nil && batch == .empty || Clocks.steady >= end { break }
                stopBy = end
            } else if batch == .empty {
                if !isAsked { wait(for: thread.wakeup) }
            } else if case .some(let count) = batch {
                coalescer.rest(after: count)
            }
        }
        end()
    }

    /// Everything is counted: the next start should find a checkpoint and nothing else.
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
            // The slots are empty; their sequence is what tells the next start how far the journal should go.
            receiver.arm(pipeline.journalNext)
        }
    }

    /// Receives one batch from every socket and counts it.
    private mutating func receive() -> SocketReceiver.Batch {
        // Time may pass to here if nothing waits; what comes later is not overtaken.
        readClocks()
        let begun = wall
        var newest = wall
        let tell = tell
        let batch = receiver.receive(into: &pipeline) { pipeline in
            // No stamp of this batch lies ahead of a clock that is read now.
            newest = Self.readClocks(&pipeline, tell)
        }
        wall = newest
        heard = batch == .full ? pipeline.reached : begun
        if batch != .empty { publisher.isChanged = true }
        // Also what the clocks did.
        pipeline.commit()
        return batch
    }

    /// Does what was asked; hits that came together are one frame. True if anything was.
    ///
    /// A hit waits for every datagram that came before it, or time would pass them by and count them when they did not come.
    private mutating func serveRequests() -> Bool {
        // A stamp that lies ahead is from before the clock was set back.
        let (requests, refused) = requests.dequeue { $0 <= heard || $0 > wall }
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
        // Whoever has changed something looks at once.
        pipeline.commit()
        publish()
        for answer in answers { answer() }
    }

    private mutating func publish() {
        publisher.publish(&pipeline, receiver.numbers)
        if checkpoints == nil, pipeline.now.quarter != quarter {
            // Nobody keeps history; its rows must not pile up.
            _ = pipeline.takeClosedRows()
            quarter = pipeline.now.quarter
        }
    }

    private mutating func readClocks() { wall = Self.readClocks(&pipeline, tell) }

    private static func readClocks(
        _ pipeline: inout IngestPipeline, _ tell: @Sendable (CountingThread.Event) -> Void
    ) -> Int64 {
        let wall = Clocks.wall
        if let event = pipeline.observe(wall: wall, steady: Clocks.steady) { tell(.clock(event)) }
        return wall
    }

    private mutating func runPeriodicTasks(_ longestPause: borrowing Atomic<Int64>) {
        let now = Clocks.steady
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
        // Who waits for something looks again soon.
        if !waitingChanges.isEmpty || checkpoints?.hasRequests ?? false { publisher.isChanged = true }
    }

    /// Sleeps until a datagram is there, somebody wants the thread to stop, or a report is due: what has changed within
    /// the interval, everything else at the next whole second.
    private func wait(for wakeup: Wakeup) {
        var descriptors = (receiver.descriptors + [wakeup.descriptor])
            .map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        let due = tasksRunAt + CountingThread.publishInterval - Clocks.steady
        let milliseconds = publisher.isDue(at: pipeline.now) ? max(due, 1) : 1000 - Clocks.wall % 1000
        _ = unsafe poll(&descriptors, nfds_t(descriptors.count), CInt(clamping: milliseconds))
    }
}
