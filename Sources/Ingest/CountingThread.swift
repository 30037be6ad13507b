public import Counting
import Glibc
import Synchronization
import Wire

/// The thread that owns the engine: receives, counts and publishes, and shares nothing else.
///
/// It drains the sockets, and while beacons come quickly naps 50 µs after a batch that was not full: with plain senders
/// a wake-up for each datagram costs four times as much. A lone beacon is counted at once. Time passes to the wall
/// clock only after a read that found every socket empty.
public final class CountingThread: Sendable {
    /// The numbers, renewed within 100 ms of a change and at every second.
    public let publication: Publication
    private let isStopping = Atomic(false)
    private let wakeup = Wakeup()
    private let thread = Mutex<OSThread?>(nil)

    /// Milliseconds between two reports while numbers change.
    static let publishInterval: Int64 = 100
    /// How long `stop` reads on what had arrived already, in milliseconds.
    static let drainMax: Int64 = 1000

    /// Starts the thread: `intake` counts what comes in at `sockets`. `clockJumped` is called on the thread.
    public init(
        _ intake: Intake, sockets: [BeaconSocket], clockJumped: @escaping @Sendable (ClockEvent) -> Void = { _ in }
    ) {
        var intake = intake
        intake.add(.up(intake.now))
        intake.commit()
        publication = Publication(intake.report())
        let started = intake
        thread.withLock { thread in
            thread = OSThread { [self] in
                var loop = CountingLoop(started, sockets, wakeup, publication, clockJumped)
                loop.run(until: isStopping)
            }
        }
    }

    /// Counts what has arrived, publishes once more and ends the thread.
    public func stop() {
        isStopping.store(true, ordering: .releasing)
        wakeup.signal()
        thread.withLock { thread in
            thread?.join()
            thread = nil
        }
    }
}

/// What runs on the thread.
private struct CountingLoop: ~Copyable {
    private var intake: Intake
    private let sockets: [BeaconSocket]
    private let wakeup: Wakeup
    private let publication: Publication
    private let clockJumped: @Sendable (ClockEvent) -> Void
    private var receiver = DatagramReceiver()
    private var isChanged = false
    private var publishedAt: Int64 = 0
    private var publishedSecond: Int64 = 0
    private var publishedQuarter: Int64 = 0
    private var drops: [UInt32]

    private static let napNanoseconds = 50_000
    /// Batches closer than this are a stream, in which waiting a little saves wake-ups.
    private static let streamNanoseconds: Int64 = 1_000_000

    init(
        _ intake: Intake, _ sockets: [BeaconSocket], _ wakeup: Wakeup, _ publication: Publication,
        _ clockJumped: @escaping @Sendable (ClockEvent) -> Void
    ) {
        self.clockJumped = clockJumped
        self.intake = intake
        self.sockets = sockets
        self.wakeup = wakeup
        self.publication = publication
        drops = sockets.map { _ in 0 }
    }

    mutating func run(until isStopping: borrowing Atomic<Bool>) {
        var lastBatch: Int64 = 0
        var stopBy: Int64?
        while true {
            let batch = receive()
            if batch == .empty { intake.pass() }
            publishIfDue()
            if isStopping.load(ordering: .acquiring) {
                // What had arrived before the stop is still counted: at least one more look, for a bounded time.
                let end = stopBy ?? Clocks.steady + CountingThread.drainMax
                if stopBy != nil && batch == .empty || Clocks.steady >= end { break }
                stopBy = end
            } else if batch == .empty {
                wait()
            } else if batch == .some {
                let now = Clocks.steadyNanoseconds
                if now - lastBatch < Self.streamNanoseconds { nap() }
                lastBatch = now
            }
        }
        noteDrops()
        intake.add(.down(intake.now))
        intake.commit()
        publish()
    }

    /// What a look at all sockets found.
    private enum Batch { case empty, some, full }

    /// Takes one batch from every socket and counts it.
    private mutating func receive() -> Batch {
        // Time may pass to here if nothing waits; what comes later is not overtaken.
        readClocks()
        var batch = Batch.empty
        for socket in sockets {
            let count = receiver.receive(from: socket.descriptor)
            guard count > 0 else { continue }
            // No stamp of this batch lies ahead of a clock that is read now.
            readClocks()
            for i in 0..<count {
                receiver.withDatagram(i) { bytes, arrival in
                    intake.take(
                        bytes, from: arrival.sender.map { .address($0) } ?? .ourselves,
                        isTruncated: arrival.isTruncated,
                        stamp: arrival.stamp == 0 ? Clocks.wall : arrival.stamp / 1_000_000)
                }
            }
            if count == DatagramReceiver.batchMax { batch = .full } else if batch == .empty { batch = .some }
        }
        if batch != .empty { isChanged = true }
        // Also what the clocks did.
        intake.commit()
        return batch
    }

    private mutating func readClocks() {
        if let event = intake.observe(wall: Clocks.wall, steady: Clocks.steady) { clockJumped(event) }
    }

    private mutating func publishIfDue() {
        let now = Clocks.steady
        guard now - publishedAt >= CountingThread.publishInterval || publishedAt == 0 else { return }
        noteDrops()
        if isReportDue { publish() }
    }

    /// The last report is no longer what there is to say.
    private var isReportDue: Bool { isChanged || intake.now.second != publishedSecond }

    private mutating func publish() {
        publication.publish(intake.report())
        if intake.now.quarter != publishedQuarter {
            // Nobody keeps history yet; the rows must not pile up.
            _ = intake.takeClosedRows()
            publishedQuarter = intake.now.quarter
        }
        publishedAt = Clocks.steady
        publishedSecond = intake.now.second
        isChanged = false
    }

    private mutating func noteDrops() {
        for (i, socket) in sockets.enumerated() {
            let total = socket.drops
            guard total != drops[i] else { continue }
            drops[i] = total
            intake.add(.kernelDrops(cookie: socket.cookie, total: total))
            intake.commit()
            isChanged = true
        }
    }

    /// Sleeps until a datagram is there, somebody wants the thread to stop, or a report is due: what has changed within
    /// the interval, everything else at the next whole second.
    private func wait() {
        var descriptors = (sockets.map(\.descriptor) + [wakeup.descriptor])
            .map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        let due = publishedAt + CountingThread.publishInterval - Clocks.steady
        let milliseconds = isReportDue ? max(due, 1) : 1000 - Clocks.wall % 1000
        _ = unsafe poll(&descriptors, nfds_t(descriptors.count), CInt(clamping: milliseconds))
    }

    private func nap() {
        var time = timespec(tv_sec: 0, tv_nsec: Self.napNanoseconds)
        _ = unsafe nanosleep(&time, nil)
    }
}
