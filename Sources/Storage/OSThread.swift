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

/// Ends the sleep of a thread that waits for descriptors.
public final class Wakeup: Sendable {
    /// Becomes readable with the signal and stays so until `clear`.
    public let descriptor: CInt
    private let writer: CInt

    /// Not signalled.
    public init() {
        var ends: [CInt] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else { preconditionFailure("no pipe: error \(errno)") }
        (descriptor, writer) = (ends[0], ends[1])
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
    }

    /// Wakes the thread, now or when it next waits.
    public func signal() {
        var byte: UInt8 = 1
        _ = unsafe write(writer, &byte, 1)
    }

    /// Waits for a signal, at most so many milliseconds (-1: for ever), and takes it.
    public func wait(milliseconds: Int32) {
        var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        if unsafe poll(&waiting, 1, milliseconds) > 0 { clear() }
    }

    /// Takes all signals given so far.
    public func clear() {
        var bytes = [UInt8](repeating: 0, count: 64)
        while unsafe read(descriptor, &bytes, bytes.count) > 0 {}
    }

    deinit {
        close(descriptor)
        close(writer)
    }
}
