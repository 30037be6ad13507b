import Glibc

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
