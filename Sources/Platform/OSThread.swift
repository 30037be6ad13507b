import Glibc
import Synchronization

/// A thread of the operating system, for work that blocks: never one of the cooperative pool.
public final class OSThread: Sendable {
    /// Ends the sleep of the thread.
    public let wakeup = Wakeup()
    private let stops = Atomic(false)
    private let thread = Mutex<pthread_t?>(nil)

    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// Not started.
    public init() {}

    /// The body should return soon.
    public var isStopping: Bool { stops.load(ordering: .acquiring) }

    /// Starts the thread, once, which runs `body`. One in the background gives way to the others: woken on a core on which
    /// somebody counts, it would hold that up for milliseconds.
    public func start(inBackground: Bool = false, _ body: @escaping @Sendable () -> Void) {
        let work: @Sendable () -> Void = {
            // Of the calling thread alone, on Linux; where it is refused, it is as urgent as the others.
            if inBackground { _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 10) }
            body()
        }
        var thread = pthread_t()
        let box = unsafe Unmanaged.passRetained(Body(work))
        let status = unsafe pthread_create(
            &thread, nil,
            { argument in
                if let argument = unsafe argument {
                    unsafe Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
                }
                return nil
            }, box.toOpaque())
        guard status == 0 else { preconditionFailure("no thread: error \(status)") }
        self.thread.withLock { $0 = thread }
    }

    /// Tells the body to return and waits until it has.
    public func stop() {
        stops.store(true, ordering: .releasing)
        wakeup.signal()
        thread.withLock { if let thread = $0.take() { pthread_join(thread, nil) } }
    }
}
