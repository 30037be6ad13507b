import Foundation
import GRDB
import Glibc

/// A small separate disk, in memory.
final class Disk: Sendable {
    let path: String

    init(kibibytes: Int) throws {
        path = NSTemporaryDirectory() + "/footfall-disk-\(UUID())"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        guard unsafe mount("tmpfs", path, "tmpfs", 0, "size=\(kibibytes)k") == 0 else {
            throw CocoaError(.fileWriteUnknown)
        }
    }

    /// Uses all the space that is left.
    func fill() throws {
        let descriptor = unsafe open(path + "/filler", O_WRONLY | O_CREAT | O_APPEND, 0o600)
        defer { close(descriptor) }
        let block = [UInt8](repeating: 1, count: 4096)
        while unsafe write(descriptor, block, block.count) > 0 {}
    }

    /// Frees that space.
    func empty() throws { try FileManager.default.removeItem(atPath: path + "/filler") }

    deinit {
        unsafe umount2(path, CInt(MNT_DETACH))
        unsafe rmdir(path)
    }
}

/// True if this machine lets a test mount a disk.
let canMount: Bool = {
    do {
        _ = try Disk(kibibytes: 64)
        return true
    } catch {
        return false
    }
}()

/// A long read of the database by another process.
final class Reader {
    private let database: DatabaseQueue

    init(_ path: String) throws {
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        database = try DatabaseQueue(path: path, configuration: configuration)
        try database.writeWithoutTransaction { db in
            try db.execute(sql: "BEGIN")
            _ = try Row.fetchAll(db, sql: "SELECT * FROM state")
        }
    }

    func end() throws {
        try database.writeWithoutTransaction { try $0.execute(sql: "COMMIT") }
        try database.close()
    }
}
