import CKernel
import Glibc

/// The clocks of the machine. Only the edges read them; the core is given moments.
public enum Clocks {
    /// The wall clock in milliseconds since the epoch. It may jump.
    public static var wall: Int64 { nanoseconds(CLOCK_REALTIME) / 1_000_000 }
    /// The wall clock in nanoseconds since the epoch.
    public static var wallNanoseconds: Int64 { nanoseconds(CLOCK_REALTIME) }
    /// A clock in milliseconds that never jumps and also runs while the machine sleeps.
    public static var steady: Int64 { nanoseconds(CLOCK_BOOTTIME) / 1_000_000 }
    /// The wall clock is synchronised, as adjtimex(2) says.
    public static var isKept: Bool {
        var state = timex()
        return unsafe adjtimex(&state) != TIME_ERROR || state.status & STA_UNSYNC == 0
    }

    /// The steady clock in nanoseconds.
    public static var steadyNanoseconds: Int64 { nanoseconds(CLOCK_BOOTTIME) }

    /// The CPU time of this process in nanoseconds.
    public static var processNanoseconds: Int64 { nanoseconds(CLOCK_PROCESS_CPUTIME_ID) }
    /// The CPU time of the calling thread in nanoseconds; time on a core that other threads used does not count.
    public static var threadNanoseconds: Int64 { nanoseconds(CLOCK_THREAD_CPUTIME_ID) }

    /// The wall clock and the steady clock at one moment.
    public struct Reading: Sendable {
        /// In nanoseconds.
        public let wallNanoseconds: Int64, steadyNanoseconds: Int64
        /// In milliseconds.
        public var wall: Int64 { wallNanoseconds / 1_000_000 }
        /// In milliseconds.
        public var steady: Int64 { steadyNanoseconds / 1_000_000 }

        /// Reads both clocks.
        public init() { (wallNanoseconds, steadyNanoseconds) = (Clocks.wallNanoseconds, Clocks.steadyNanoseconds) }
    }

    private static func nanoseconds(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        _ = unsafe clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
