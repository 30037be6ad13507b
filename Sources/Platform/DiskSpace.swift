import Glibc

/// Room on the disk below a path.
public struct DiskSpace: Equatable, Sendable {
    /// What those who are not root can still write.
    public let freeBytes: UInt64
    /// Files can still be made.
    public let hasInodes: Bool

    /// What statvfs(3) says; nil where the path cannot be looked at.
    public init?(at path: String) {
        var room = statvfs()
        guard unsafe statvfs(path, &room) == 0 else { return nil }
        freeBytes = UInt64(room.f_bavail) * UInt64(room.f_frsize)
        hasInodes = room.f_favail > 0 || room.f_files == 0
    }
}
