import Counting
import GRDB
import Glibc

/// The database of the state: one connection, which writes, checkpoints and nothing else beside it.
final class Database: Sendable {
    let path: String
    private let queue: DatabaseQueue

    /// Opens or makes `footfall.db`, bringing an older one up to date; a copy of it from before is kept.
    ///
    /// A newer one is refused before SQLite sees it, so that not even a log appears beside it.
    init(in directory: String, migrations: [Migration] = Schema.migrations) throws(StorageError) {
        let path = directory + "/footfall.db"
        let version = try Self.version(path)
        if let version, version > migrations.count {
            throw .newer(path: path, version: version, known: migrations.count)
        }
        var configuration = Configuration()
        configuration.label = "footfall"
        configuration.busyMode = .timeout(5)
        configuration.prepareDatabase { db in
            try db.execute(sql: "PRAGMA synchronous = FULL")
            try db.execute(sql: "PRAGMA secure_delete = ON")
            try db.execute(sql: "PRAGMA wal_autocheckpoint = 0")
        }
        let settled = configuration
        queue = try Self.translating(path) {
            let queue = try DatabaseQueue(path: path, configuration: settled)
            try queue.writeWithoutTransaction { db in
                try db.execute(sql: "PRAGMA journal_mode = WAL")
                let version = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
                guard version < migrations.count else { return }
                if version > 0 {
                    let copy = "\(path).version-\(version)"
                    if !Files.exists(copy) { try db.execute(sql: "VACUUM INTO ?", arguments: [copy]) }
                }
                try db.inTransaction(.immediate) {
                    for migration in migrations[version...] { try migration(db) }
                    try db.execute(sql: "PRAGMA user_version = \(migrations.count)")
                    return .commit
                }
                try db.checkpoint(.truncate)
            }
            return queue
        }
        self.path = path
        _ = unsafe chmod(path, 0o640)
    }

    /// The version in the head of the file, nil where there is no file yet.
    private static func version(_ path: String) throws(StorageError) -> Int? {
        guard Files.exists(path) else { return nil }
        let file = try OpenFile(path, flags: O_RDONLY, doing: "open")
        let head = try file.read(first: 100)
        if head.isEmpty { return nil }
        guard head.count == 100, head.starts(with: Array("SQLite format 3\0".utf8)) else {
            throw .damaged(path: path, what: "it is no SQLite database")
        }
        return head[60..<64].reduce(0) { $0 << 8 | Int($1) }
    }

    /// Does `body` in one durable transaction, and leaves nothing of it in the log.
    func write(_ body: (GRDB.Database) throws -> Void) throws(StorageError) {
        try Self.translating(path) {
            try queue.writeWithoutTransaction { db in
                try db.inTransaction(.immediate) {
                    try body(db)
                    CrashPoint.reach(.beforeCommit)
                    return .commit
                }
                try db.checkpoint(.truncate)
            }
        }
    }

    func read<T>(_ body: (GRDB.Database) throws -> T) throws(StorageError) -> T {
        try Self.translating(path) { try queue.read(body) }
    }

    func close() throws(StorageError) { try Self.translating(path) { try queue.close() } }

    /// SQLite's errors in the operator's words.
    private static func translating<T>(_ path: String, _ body: () throws -> T) throws(StorageError) -> T {
        do {
            return try body()
        } catch let error as StorageError {
            throw error
        } catch let error as DatabaseError {
            let what = error.message ?? "error \(error.resultCode.rawValue)"
            switch error.resultCode {
            case .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_MISMATCH: throw .damaged(path: path, what: what)
            case .SQLITE_ERROR, .SQLITE_CONSTRAINT:
                // Our own statements are right; a table they do not fit is not ours.
                throw .damaged(path: path, what: what)
            default: throw .database(path: path, what: what)
            }
        } catch {
            // A value of another kind than we wrote.
            throw .damaged(path: path, what: "\(error)")
        }
    }
}
