import CSystemd
import Glibc

/// Notifications to systemd. Does nothing without a supervisor.
public enum Supervisor {
    /// The numbers are right and served. `systemctl status` shows `status`.
    public static func ready(status: String) { notify("READY=1\nSTATUS=\(line(status))") }

    /// `systemctl status` shows this from now on.
    public static func status(_ status: String) { notify("STATUS=\(line(status))") }

    /// Settings are being reloaded. `ready` ends this, whatever the result.
    public static func reloading() {
        var now = timespec()
        _ = unsafe clock_gettime(CLOCK_MONOTONIC, &now)
        notify("RELOADING=1\nMONOTONIC_USEC=\(now.tv_sec * 1_000_000 + now.tv_nsec / 1000)")
    }

    /// The counting thread is alive. Send it more often than `WatchdogSec=`.
    public static func alive() { notify("WATCHDOG=1") }

    /// The start takes longer, up to this many seconds from now.
    public static func extendStart(seconds: Int) { notify("EXTEND_TIMEOUT_USEC=\(seconds * 1_000_000)") }

    /// The daemon has begun to stop.
    public static func stopping() { notify("STOPPING=1\nSTATUS=stopping") }

    /// The daemon cannot start for this reason.
    public static func failed(_ reason: String) { notify("STATUS=\(line(reason))") }

    /// Asks the supervisor to keep an open socket for the next start, if its unit allows it, until the unit is stopped.
    public static func store(_ descriptor: CInt, name: String) {
        unsafe withUnsafePointer(to: descriptor) {
            _ = unsafe sd_pid_notify_with_fds(0, 0, "FDSTORE=1\nFDNAME=\(name)", $0, 1)
        }
    }

    /// Asks the supervisor not to keep it any more.
    public static func forget(name: String) { notify("FDSTOREREMOVE=1\nFDNAME=\(name)") }

    /// Returns when the supervisor has processed everything it was sent, or after two seconds.
    public static func waitUntilHeard() { _ = sd_notify_barrier(0, 2_000_000) }

    private static func notify(_ state: String) { _ = unsafe sd_notify(0, state) }

    private static func line(_ text: String) -> String { text.split(separator: "\n").joined(separator: "; ") }
}
