import CSystemd
import Glibc

/// What the daemon tells systemd. Does nothing where nobody listens.
public enum Supervisor {
    /// The numbers are right and served; `status` is what `systemctl status` shows.
    public static func ready(status: String) { notify("READY=1\nSTATUS=\(line(status))") }

    /// What `systemctl status` shows from now on.
    public static func status(_ status: String) { notify("STATUS=\(line(status))") }

    /// Settings are being read again; `ready` says that this is over, whatever came of it.
    public static func reloading() {
        var now = timespec()
        _ = unsafe clock_gettime(CLOCK_MONOTONIC, &now)
        notify("RELOADING=1\nMONOTONIC_USEC=\(now.tv_sec * 1_000_000 + now.tv_nsec / 1000)")
    }

    /// The counting goes on; to be said more often than `WatchdogSec=`.
    public static func alive() { notify("WATCHDOG=1") }

    /// The start takes longer, up to so many seconds from now.
    public static func extendStart(seconds: Int) { notify("EXTEND_TIMEOUT_USEC=\(seconds * 1_000_000)") }

    /// The daemon has begun to stop.
    public static func stopping() { notify("STOPPING=1\nSTATUS=stopping") }

    /// The daemon cannot start, for this reason.
    public static func failed(_ reason: String) { notify("STATUS=\(line(reason))") }

    /// The supervisor keeps an open socket for the next start, where its unit allows it, until the unit is stopped.
    public static func store(_ descriptor: CInt, name: String) {
        unsafe withUnsafePointer(to: descriptor) {
            _ = unsafe sd_pid_notify_with_fds(0, 0, "FDSTORE=1\nFDNAME=\(name)", $0, 1)
        }
    }

    /// It need not keep it any more.
    public static func forget(name: String) { notify("FDSTOREREMOVE=1\nFDNAME=\(name)") }

    /// Returns when the supervisor has done all it was told, or after two seconds.
    public static func waitUntilHeard() { _ = sd_notify_barrier(0, 2_000_000) }

    private static func notify(_ state: String) { _ = unsafe sd_notify(0, state) }

    private static func line(_ text: String) -> String { text.split(separator: "\n").joined(separator: "; ") }
}
