import CSystemd

/// What the daemon tells systemd. Does nothing where nobody listens.
public enum Supervisor {
    /// The numbers are right and served; `status` is what `systemctl status` shows.
    public static func ready(status: String) { notify("READY=1\nSTATUS=\(line(status))") }

    /// What `systemctl status` shows from now on.
    public static func status(_ status: String) { notify("STATUS=\(line(status))") }

    /// The daemon has begun to stop.
    public static func stopping() { notify("STOPPING=1\nSTATUS=stopping") }

    /// The daemon cannot start, for this reason.
    public static func failed(_ reason: String) { notify("STATUS=\(line(reason))") }

    private static func notify(_ state: String) { _ = unsafe sd_notify(0, state) }

    private static func line(_ text: String) -> String { text.split(separator: "\n").joined(separator: "; ") }
}
