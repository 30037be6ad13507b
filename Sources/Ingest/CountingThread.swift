public import Counting
import Glibc
import Platform
public import Storage
import Synchronization
import Wire

/// The thread that owns the engine. It receives, writes the journal, counts and publishes, and shares nothing else.
///
/// It drains the sockets. While beacons arrive quickly, it rests between batches that are not full (`BatchCoalescer`).
/// A single beacon is counted at once. Time advances to the wall clock only after a read that found every socket empty.
public final class CountingThread: Sendable {
    /// The published numbers. They are renewed within 100 ms of a change and at every second.
    public let publication: Publication
    private let requests: RequestQueue
    private let thread = OSThread()
    private let pause = Atomic<Int64>(0)

    /// Milliseconds between two reports while numbers change.
    static let publishInterval: Int64 = 100
    /// How long `stop` reads what had already arrived, in milliseconds.
    static let drainMax: Int64 = 1000

    /// Events for the log, on the counting thread.
    public enum Event: Sendable {
        /// The wall clock did something.
        case clock(ClockEvent)
        /// The last checkpoint failed. The next start replays the journal, but it lacks the `heldBytes` bytes that were
        /// buffered in memory.
        case unsaved(StorageError, heldBytes: Int)
        /// The thread is alive. Sent at least every other second.
        case alive
    }

    /// Starts the thread. `pipeline` counts what arrives at `sockets`, received through `ring`. Checkpoints are
    /// `checkpointMilliseconds` apart while something changes. Without a checkpointer the counts end with the process.
    public init(
        _ pipeline: IngestPipeline, sockets: [BeaconSocket], ring: ReceiveRing, checkpointer: Checkpointer? = nil,
        checkpointMilliseconds: Int64 = 10_000,
        tell: @escaping @Sendable (Event) -> Void = { _ in }
    ) {
        var pipeline = pipeline
        pipeline.comeUp()
        publication = Publication(pipeline.report())
        requests = RequestQueue(thread.wakeup)
        let started = pipeline
        thread.start { [self] in
            var loop = CountingLoop(
                pipeline: started, receiver: SocketReceiver(sockets: sockets, ring: ring), requests: requests,
                checkpoints: checkpointer.map { CheckpointSchedule($0, milliseconds: checkpointMilliseconds) },
                publisher: ReportPublisher(publication, tell: tell), tell: tell)
            loop.run(on: thread, longestPause: pause)
        }
    }

    /// The longest time that a checkpoint has kept the thread busy, in nanoseconds of its CPU time.
    public var longestPauseNanoseconds: Int64 { pause.load(ordering: .relaxed) }

    /// Adds a request. False if too many wait or the thread is ending; then there is no answer.
    public func ask(_ request: Request) -> Bool { requests.add(request) }

    /// Counts what has arrived, makes a last checkpoint, publishes once more and ends the thread.
    public func stop() { thread.stop() }
}
