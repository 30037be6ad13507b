public import Counting
import Glibc
import Platform
public import Storage
import Synchronization
import Wire

/// The thread that owns the engine: receives, writes the journal, counts and publishes, and shares nothing else.
///
/// It drains the sockets, and while beacons come quickly rests between batches that are not full (`BatchCoalescer`). A lone
/// beacon is counted at once. Time passes to the wall clock only after a read that found every socket empty.
public final class CountingThread: Sendable {
    /// The numbers, renewed within 100 ms of a change and at every second.
    public let publication: Publication
    private let requests: RequestQueue
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

    /// Starts the thread: `pipeline` counts what comes in at `sockets` and lands in `ring`. Checkpoints are so many
    /// milliseconds apart while something changes; without a checkpointer the counts end with the process.
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

    /// The longest that a checkpoint has kept the thread busy, in nanoseconds of its own.
    public var longestPauseNanoseconds: Int64 { pause.load(ordering: .relaxed) }

    /// Hands a request over; false where too many wait already or the thread is ending, and then no answer comes.
    public func ask(_ request: Request) -> Bool { requests.add(request) }

    /// Counts what has arrived, makes a last checkpoint, publishes once more and ends the thread.
    public func stop() { thread.stop() }
}
