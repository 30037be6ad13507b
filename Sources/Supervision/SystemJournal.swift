import CSystemd
import Glibc

/// systemd's journal. Its entries have fields besides the message.
public enum SystemJournal {
    /// True if standard error goes there: journald has set its device and inode in `JOURNAL_STREAM`.
    public static let isListening: Bool = {
        guard let stream = unsafe getenv("JOURNAL_STREAM") else { return false }
        var file = stat()
        guard unsafe fstat(STDERR_FILENO, &file) == 0 else { return false }
        return unsafe String(cString: stream) == "\(file.st_dev):\(file.st_ino)"
    }()

    /// Adds an entry, completely or not at all. `systemd.journal-fields(7)` has the names. Values may contain any text.
    public static func send(_ fields: [(name: String, value: String)]) {
        let texts = fields.map { Array("\($0.name)=\($0.value)".utf8) }
        var bytes = texts.flatMap { $0 }
        unsafe bytes.withUnsafeMutableBytes { bytes in
            guard let start = bytes.baseAddress else { return }
            var at = 0
            let pieces = unsafe texts.map { text in
                defer { at += text.count }
                return unsafe iovec(iov_base: start + at, iov_len: text.count)
            }
            _ = unsafe sd_journal_sendv(pieces, CInt(pieces.count))
        }
    }
}
