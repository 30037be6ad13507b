import Counting
import GRDB
import Glibc
import Synchronization

/// The database of the state: the one connection that writes. Nothing else writes to it.
final class Database: Sendable {
    let path: String
    private let queue: DatabaseQueue
    private let logFailure = Mutex<StorageError?>(nil)

    /// Opens or creates `footfall.db` and migrates an older one. A copy from before the migration is kept.
    ///
    /// A newer database is refused before SQLite sees it, so that not even a log appears beside it.
    init(in directory: String, migrations: [Migration]) throws(StorageError) {
        let path = directory + "/footfall.db"
        let version = try Self.version(path)
        if let version, version > migrations.count {
            throw .newer(path: path, version: version, known: migrations.count)
        }
        var configuration = Configuration()
        configuration.label = "footfall"
        configuration.busyMode = .timeout(5)
        // On a failing disk even a rollback may fail; the next transaction rolls back first.
        configuration.allowsUnsafeTransactions = true
        configuration.prepareDatabase { db in
            try db.execute(sql: "PRAGMA synchronous = FULL")
            try db.execute(sql: "PRAGMA secure_delete = ON")
            try db.execute(sql: "PRAGMA wal_autocheckpoint = 0")
        }
        let settled = configuration
        // Create the file before SQLite does: SQLite's log and index copy its permissions.
        if version == nil { _ = try OpenFile(path, flags: O_RDWR | O_CREAT, doing: "create") }
        queue = try Self.translating(path) {
            let queue = try DatabaseQueue(path: path, configuration: settled)
            try queue.writeWithoutTransaction { db in
                try db.execute(sql: "PRAGMA journal_mode = WAL")
                let version = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
                // The version may be in the log and not yet in the head of the file.
                guard version <= migrations.count else {
                    throw StorageError.newer(path: path, version: version, known: migrations.count)
                }
                guard version < migrations.count else { return }
                if version > 0 { try Self.copy(db, to: "\(path).version-\(version)") }
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
    }

    /// Copies the database before it changes. The copy has no salts, because it is kept for a long time.
    private static func copy(_ db: GRDB.Database, to path: String) throws {
        let new = path + ".new"
        try Files.delete(new)
        try db.execute(sql: "VACUUM INTO ?", arguments: [new])
        let copy = try DatabaseQueue(path: new)
        try copy.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA secure_delete = ON")
            if try db.tableExists("salt") { try db.execute(sql: "DELETE FROM salt") }
        }
        try copy.close()
        let file = try OpenFile(new, flags: O_RDWR, doing: "open")
        try file.sync()
        try Files.rename(new, to: path)
        try Files.syncDirectory(String(path.dropLast(Files.name(of: path).count)))
    }

    /// The version in the head of the file; nil if there is no file yet.
    private static func version(_ path: String) throws(StorageError) -> Int? {
        guard Files.exists(path) else { return nil }
        let file = try OpenFile(path, flags: O_RDONLY, doing: "open")
        let head = try file.read(first: 100)
        if head.isEmpty { return nil }
        guard head.count == 100, head.starts(with: Array("SQLite format 3\0".utf8)) else {
            throw .damaged(path: path, what: "it is not an SQLite database")
        }
        return head[60..<64].reduce(0) { $0 << 8 | Int($1) }
    }

    /// Runs `body` in one transaction. Returns when it is durable; throws if it did not happen.
    ///
    /// Afterwards the log holds nothing of it. If the log cannot be emptied, because of a long read or a full disk, the
    /// transaction is valid all the same. `logError` then says so until a later transaction has emptied the log.
    func write(_ body: (GRDB.Database) throws -> Void) throws(StorageError) {
        try Self.translating(path) {
            try queue.writeWithoutTransaction { db in
                if db.isInsideTransaction { try db.rollback() }
                try db.inTransaction(.immediate) {
                    try body(db)
                    CrashPoint.reach(.beforeCommit)
                    return .commit
                }
            }
        }
        let emptied = Result { () throws(StorageError) in
            try Self.translating(path) { _ = try queue.writeWithoutTransaction { try $0.checkpoint(.truncate) } }
        }
        logFailure.withLock { if case .failure(let error) = emptied { $0 = error } else { $0 = nil } }
    }

    /// Why the log still holds what is already in the database.
    var logError: StorageError? { logFailure.withLock { $0 } }

    func read<T>(_ body: (GRDB.Database) throws -> T) throws(StorageError) -> T {
        try Self.translating(path) { try queue.read(body) }
    }

    func close() throws(StorageError) { try Self.translating(path) { try queue.close() } }

    /// Translates SQLite's errors for the operator.
    static func translating<T>(_ path: String, _ body: () throws -> T) throws(StorageError) -> T {
        do {
            return try body()
        } catch let error as StorageError {
            throw error
        } catch let error as DatabaseError {
            let what = error.message ?? "error \(error.resultCode.rawValue)"
            switch error.resultCode {
            case .SQLITE_IOERR: throw .system(doing: "write or read", path: path, error: EIO)
            case .SQLITE_FULL: throw .system(doing: "write", path: path, error: ENOSPC)
            case .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_MISMATCH: throw .damaged(path: path, what: what)
            case .SQLITE_ERROR, .SQLITE_CONSTRAINT:
                // Our own statements are correct, so a table that does not fit them is not ours.
                throw .damaged(path: path, what: what)
            default: throw .database(path: path, what: what)
            }
        } catch {
            // A value of a different type from the one we wrote.
            throw .damaged(path: path, what: "\(error)")
        }
    }
}
