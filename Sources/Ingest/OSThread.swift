import Glibc

/// A thread of the operating system, for work that blocks: never one of the cooperative pool.
struct OSThread: Sendable {
    private let thread: pthread_t

    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// Starts a thread that runs `body` once.
    init(_ body: @escaping @Sendable () -> Void) {
        var thread = pthread_t()
        let box = unsafe Unmanaged.passRetained(Body(body))
        let status = unsafe pthread_create(
            &thread, nil,
            { argument in
                if let argument = unsafe argument {
                    unsafe Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
                }
                return nil
            }, box.toOpaque())
        guard status == 0 else { preconditionFailure("no thread: error \(status)") }
        self.thread = thread
    }

    /// Waits until the body has returned.
    func join() { pthread_join(thread, nil) }
}

/// Ends the sleep of a thread that waits for descriptors.
final class Wakeup: Sendable {
    /// Becomes readable with the signal and stays so.
    let descriptor: CInt
    private let writer: CInt

    init() {
        var ends: [CInt] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else { preconditionFailure("no pipe: error \(errno)") }
        (descriptor, writer) = (ends[0], ends[1])
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    }

    /// Wakes the thread, now or when it next waits.
    func signal() {
        var byte: UInt8 = 1
        _ = unsafe write(writer, &byte, 1)
    }

    deinit {
        close(descriptor)
        close(writer)
    }
}
