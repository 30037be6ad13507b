import Glibc

/// The free space of the file system that holds a path.
public struct DiskSpace: Equatable, Sendable {
    /// Bytes that users other than root can still write.
    public let freeBytes: UInt64
    /// New files can still be created.
    public let hasInodes: Bool

    /// Asks statvfs(3); nil if the path cannot be examined.
    public init?(at path: String) {
        var room = statvfs()
        guard unsafe statvfs(path, &room) == 0 else { return nil }
        freeBytes = UInt64(room.f_bavail) * UInt64(room.f_frsize)
        hasInodes = room.f_favail > 0 || room.f_files == 0
    }
}
