import Glibc

/// How many descriptors the process may have open.
enum Descriptors {
    /// Raises the limit to what the process is allowed, and says how many connections leave the files of the state their
    /// room.
    static func raise() -> Int {
        var limit = rlimit()
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        guard unsafe getrlimit(resource, &limit) == 0 else { return 0 }
        if limit.rlim_cur < limit.rlim_max {
            limit.rlim_cur = limit.rlim_max
            _ = unsafe setrlimit(resource, &limit)
            _ = unsafe getrlimit(resource, &limit)
        }
        return max(16, Int(clamping: limit.rlim_cur) - reserve)
    }

    /// Journal, database, sockets, and what the runtime opens.
    private static let reserve = 128
}
