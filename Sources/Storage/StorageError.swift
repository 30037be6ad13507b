import Glibc
import Platform

/// Why state cannot be read or kept, each with what the operator can do about it.
public enum StorageError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A call of the operating system failed on a path.
    case system(doing: String, path: String, error: CInt)
    /// Another process writes to this state.
    case inUse(path: String)
    /// The file was written by a newer Footfall.
    case newer(path: String, version: Int, known: Int)
    /// The file holds what no Footfall wrote.
    case damaged(path: String, what: String)
    /// SQLite could not do what it should.
    case database(path: String, what: String)
    /// The journal has reached its cap.
    case journalFull(bytes: Int)
    /// A copy would take the place of the state itself.
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
            "\(path) is damaged: \(what). Nothing was changed. Restore a backup; or, to begin at zero, move the state "
                + "directory away"
        case .database(let path, let what):
            "\(path): \(what). Look at the disk below it, its room and its permissions"
        case .journalFull(let bytes):
            "the journal stands at its cap of \(bytes >> 20) MiB because no checkpoint frees it; look at the disk, or "
                + "raise [state] journal_cap"
        case .isState(let path): "\(path) is the state itself; give the copy another name"
        }
    }

    /// The process may not do what it has to.
    public var isPermission: Bool {
        if case .system(_, _, let error) = self { return error == EACCES || error == EPERM }
        return false
    }

    /// A file that was named is not there.
    public var isMissing: Bool {
        if case .system(_, _, ENOENT) = self { return true }
        return false
    }

    /// The file is not there, or not as it was written, and will not be.
    var isFileGone: Bool {
        isMissing || isDiskFailing
    }

    /// The disk does not keep what it is given, or has not kept it.
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
        case EACCES, EPERM: "give the user footfall runs as write access, or set [state] to other directories"
        case EROFS: "mount it writable, or set [state] to other directories"
        case EIO: "the disk fails; see the kernel's log"
        case ENOENT, ENOTDIR: "make it, or name another"
        default: "see [state] in the settings"
        }
    }
}
