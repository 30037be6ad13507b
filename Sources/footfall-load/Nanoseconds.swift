import Glibc

/// Clocks in nanoseconds.
enum Nanoseconds {
    /// Never jumps.
    static var steady: Int64 { read(CLOCK_BOOTTIME) }
    /// What this process has had of the processors.
    static var processor: Int64 { read(CLOCK_PROCESS_CPUTIME_ID) }

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        _ = unsafe clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
