import Glibc
import Synchronization

/// A thread of the operating system, for work that blocks. The cooperative pool is never blocked.
public final class OSThread: Sendable {
    /// Wakes the thread.
    public let wakeup = Wakeup()
    private let stops = Atomic(false)
    private let thread = Mutex<pthread_t?>(nil)

    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// A thread that is not started.
    public init() {}

    /// `stop` was called; the body should return soon.
    public var isStopping: Bool { stops.load(ordering: .acquiring) }

    /// Starts the thread with `body`. Call it once.
    ///
    /// A thread in the background has a lower priority. Otherwise, on the core of the counting thread, it could delay
    /// counting for milliseconds.
    public func start(inBackground: Bool = false, _ body: @escaping @Sendable () -> Void) {
        let work: @Sendable () -> Void = {
            // On Linux this applies to the calling thread only. If it is refused, the priority stays as it is.
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

    /// Tells the body to return, and waits for it.
    public func stop() {
        stops.store(true, ordering: .releasing)
        wakeup.signal()
        thread.withLock { if let thread = $0.take() { pthread_join(thread, nil) } }
    }
}
