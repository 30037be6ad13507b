import CKernel
import Glibc

/// Wakes a thread that waits for file descriptors.
public final class Wakeup: Sendable {
    /// Readable from `signal` until `clear`.
    public let descriptor: CInt
    private let writer: CInt

    /// A wakeup without a signal.
    public init() {
        var ends: [CInt] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else { preconditionFailure("no pipe: error \(errno)") }
        (descriptor, writer) = (ends[0], ends[1])
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
    }

    /// Wakes the thread now, or when it next waits.
    public func signal() {
        var byte: UInt8 = 1
        _ = unsafe write(writer, &byte, 1)
    }

    /// Waits for a signal and clears it; at most `milliseconds`, or for ever if that is -1.
    public func wait(milliseconds: Int32) {
        var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        if unsafe poll(&waiting, 1, milliseconds) > 0 { clear() }
    }

    /// Waits for a signal, which stays, or for `nanoseconds`, fewer than a second.
    public func rest(nanoseconds: Int64) { ck_wait(descriptor, Int(nanoseconds)) }

    /// Clears all signals.
    public func clear() {
        var bytes = [UInt8](repeating: 0, count: 64)
        while unsafe read(descriptor, &bytes, bytes.count) > 0 {}
    }

    deinit {
        close(descriptor)
        close(writer)
    }
}
