import Glibc
import Platform

/// Why state cannot be read or stored. Each error says what the operator can do.
public enum StorageError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A call of the operating system failed on a path.
    case system(doing: String, path: String, error: CInt)
    /// Another process writes to this state.
    case inUse(path: String)
    /// The file was written by a newer Footfall.
    case newer(path: String, version: Int, known: Int)
    /// The file holds something that no Footfall wrote.
    case damaged(path: String, what: String)
    /// SQLite failed.
    case database(path: String, what: String)
    /// The journal has reached its cap.
    case journalFull(bytes: Int)
    /// A copy would replace the state itself.
    case isState(path: String)

    /// One or two sentences: what happened, and what to do.
    public var description: String {
        switch self {
        case .system(let doing, let path, let error):
            "cannot \(doing) \(path): \(SystemError(error)); \(Self.advice(error))"
        case .inUse(let path):
            "another footfall writes to \(path); stop it, or give this one its own [state] directory"
        case .newer(let path, let version, let known):
            "\(path) was written by a newer footfall (version \(version), this one knows up to \(known)) and was not "
                + "touched; install the newer one again, or restore a backup from before"
        case .damaged(let path, let what):
            "\(path) is damaged: \(what). Nothing was changed. Restore a backup, or move the state directory away to "
                + "begin at zero"
        case .database(let path, let what):
            "\(path): \(what). Check the disk under it, its free space and its permissions"
        case .journalFull(let bytes):
            "the journal has reached its cap of \(bytes >> 20) MiB because no checkpoint frees it; check the disk or "
                + "raise [state] journal_cap"
        case .isState(let path): "\(path) is the state itself; give the copy another name"
        }
    }

    /// True if the process lacks a permission.
    public var isPermission: Bool {
        if case .system(_, _, let error) = self { return error == EACCES || error == EPERM }
        return false
    }

    /// True if a named file does not exist.
    public var isMissing: Bool {
        if case .system(_, _, ENOENT) = self { return true }
        return false
    }

    /// True if the file is missing or damaged for good.
    var isFileGone: Bool {
        isMissing || isDiskFailing
    }

    /// True if the disk does not store what it is given, or has lost it.
    var isDiskFailing: Bool {
        switch self {
        case .system(_, _, let error): error == EIO
        case .damaged: true
        default: false
        }
    }

    private static func advice(_ error: CInt) -> String {
        switch error {
        case ENOSPC, EDQUOT: "make room on that disk"
        case EACCES, EPERM: "give the user that footfall runs as write access, or set [state] to other directories"
        case EROFS: "mount it writable, or set [state] to other directories"
        case EIO: "the disk is failing; see the kernel's log"
        case ENOENT, ENOTDIR: "create it, or give another path"
        default: "see [state] in the settings"
        }
    }
}
