import Glibc

/// The limit of open file descriptors.
enum Descriptors {
    /// Raises the limit as far as allowed. Returns how many connections are possible beside the files of the state.
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

    /// For the journal, the database, sockets, and the runtime.
    private static let reserve = 128
}
