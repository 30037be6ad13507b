import CKernel
import Glibc

/// The machine's clocks, read only here and given on as values.
public enum Clocks {
    /// The wall clock, in milliseconds since the epoch; may jump.
    public static var wall: Int64 { nanoseconds(CLOCK_REALTIME) / 1_000_000 }
    /// The same in nanoseconds.
    public static var wallNanoseconds: Int64 { nanoseconds(CLOCK_REALTIME) }
    /// A clock that never jumps and counts on while the machine sleeps, in milliseconds.
    public static var steady: Int64 { nanoseconds(CLOCK_BOOTTIME) / 1_000_000 }
    /// The kernel holds the wall clock to be right, since somebody keeps it in time: adjtimex(2).
    public static var isKept: Bool {
        var state = timex()
        return unsafe adjtimex(&state) != TIME_ERROR || state.status & STA_UNSYNC == 0
    }

    /// The steady clock in nanoseconds.
    public static var steadyNanoseconds: Int64 { nanoseconds(CLOCK_BOOTTIME) }

    /// What all threads of this process have run so far, in nanoseconds.
    public static var processNanoseconds: Int64 { nanoseconds(CLOCK_PROCESS_CPUTIME_ID) }
    /// What the calling thread has run so far, in nanoseconds: others that take its core away do not count.
    public static var threadNanoseconds: Int64 { nanoseconds(CLOCK_THREAD_CPUTIME_ID) }

    private static func nanoseconds(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        _ = unsafe clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
