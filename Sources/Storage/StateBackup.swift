public import Counting
import Foundation
import GRDB
import Glibc

/// Copies of the state: made while a daemon runs, verified, and restored.
///
/// A copy is one SQLite file: the last checkpoint with all history, tokens, keys of sites and the audit. It has no
/// salts, which must not outlive their day. So after a restore all visitors of the day are new, and nobody is online.
public enum StateBackup {
    /// The contents of a copy.
    public struct Contents: Sendable {
        /// The moment of the counts.
        public let moment: Moment
        /// All views and visits by site name, with baseline and corrections.
        public let sites: [(name: String, views: Int64, visits: Int64)]
    }

    /// Copies the state in a directory to a file, and replaces an existing one. Only the owner can read it. Returns
    /// when the disk has the copy and it was verified.
    public static func make(of directory: String, to file: String) throws(StorageError) -> Contents {
        let source = directory + "/footfall.db"
        let new = file + ".new"
        guard Files.exists(source) else { throw .system(doing: "open", path: source, error: ENOENT) }
        // A running daemon would continue to write to the replaced file.
        guard !isOurs(Files.name(of: file)) || path(folder(of: file)) != path(directory) else {
            throw .isState(path: file)
        }
        do throws(StorageError) {
            try Files.delete(new)
            let target = try OpenFile(new, flags: O_RDWR | O_CREAT, doing: "create")
            _ = fchmod(target.descriptor, 0o600)
            try copy(source, to: new)
            let contents = try contents(of: new)
            try target.sync()
            try Files.rename(new, to: file)
            try Files.syncDirectory(folder(of: file))
            return contents
        } catch {
            // It may still hold the salts.
            try? Files.delete(new)
            throw error
        }
    }

    private static func path(_ folder: String) -> String { URL(fileURLWithPath: folder).resolvingSymlinksInPath().path }

    private static func copy(_ source: String, to new: String) throws(StorageError) {
        try Database.translating(source) {
            var configuration = Configuration()
            configuration.readonly = true
            configuration.busyMode = .timeout(30)
            let from = try DatabaseQueue(path: source, configuration: configuration)
            let to = try DatabaseQueue(path: new)
            try from.backup(to: to)
            try to.writeWithoutTransaction { db in
                try db.execute(
                    sql: "PRAGMA secure_delete = ON; DELETE FROM salt; CREATE TABLE copy (digest INTEGER NOT NULL)")
                try db.execute(sql: "INSERT INTO copy VALUES (?)", arguments: [try digest(of: db)])
                try db.execute(sql: "VACUUM; PRAGMA journal_mode = DELETE")
            }
            try to.close()
        }
    }

    /// A digest of all rows of all tables, in any order: the sum of a hash of each row.
    private static func digest(of db: GRDB.Database) throws -> Int64 {
        var sum: UInt64 = 0
        let tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'copy'"
        for table in try String.fetchAll(db, sql: tables) {
            let rows = try Row.fetchCursor(db, sql: "SELECT * FROM \"\(table)\"")
            while let row = try rows.next() {
                var hash = StrongHash(0, 0)
                for bytes in [Array(table.utf8)] + row.databaseValues.map(\.bytes) {
                    hash.combine(UInt64(bytes.count), count: 8)
                    hash.combine(bytes.span)
                }
                sum &+= hash.finalize()
            }
        }
        return Int64(bitPattern: sum)
    }

    /// Refuses a copy that has changed since it was written. The database of a stopped daemon may be restored as well;
    /// it has no digest.
    private static func checkPages(of db: GRDB.Database, _ file: String) throws {
        let pages = try String.fetchOne(db, sql: "PRAGMA integrity_check") ?? "nothing"
        guard pages == "ok" else { throw StorageError.damaged(path: file, what: pages) }
        guard try db.tableExists("copy"), try digest(of: db) != Int64.fetchOne(db, sql: "SELECT digest FROM copy")
        else { return }
        throw StorageError.damaged(path: file, what: "its rows are not the ones that were copied")
    }

    /// Verifies a copy: its pages, its checksums, and that the views of each site are the sum of its history.
    public static func contents(of file: String) throws(StorageError) -> Contents {
        guard Files.exists(file) else { throw .system(doing: "open", path: file, error: ENOENT) }
        return try Database.translating(file) {
            var configuration = Configuration()
            configuration.readonly = true
            return try DatabaseQueue(path: file, configuration: configuration).read { db in
                let version = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
                guard version == Schema.migrations.count else {
                    throw version > Schema.migrations.count
                        ? StorageError.newer(path: file, version: version, known: Schema.migrations.count)
                        : StorageError.damaged(
                            path: file, what: "it has version \(version), and this daemon has not run yet")
                }
                try checkPages(of: db, file)
                guard let state = try Database.state(in: db, file) else {
                    throw StorageError.damaged(path: file, what: "it contains no state")
                }
                return try check(db, state, file)
            }
        }
    }

    private static func check(_ db: GRDB.Database, _ state: StoredState, _ file: String) throws -> Contents {
        var engine = try engine(of: state, Limits(), file)
        let report = engine.report()
        var sites: [(String, Int64, Int64)] = []
        for (i, site) in report.sites.enumerated() {
            let live = engine.live(of: SiteIndex(i))
            var sums = (views: live.quarter.views, visits: live.quarter.visits)
            func add(_ quarter: Quarter) {
                sums.views += quarter.views
                sums.visits += quarter.visits
            }
            for case .quarter(_, let quarter) in live.rows { add(quarter) }
            for row in try Row.fetchAll(db, sql: "SELECT day, hours FROM quarter WHERE site = ?", arguments: [i]) {
                try QuarterDay.forEach(in: try row.bytes("hours"), of: try row.number("day"), add)
            }
            guard sums == (site.countedViews, site.countedVisits) else {
                throw StorageError.damaged(
                    path: file, what: "\(site.name) has \(site.countedViews) views, but its history has \(sums.views)")
            }
            sites.append((site.name, site.totalViews, site.totalVisits))
        }
        return Contents(moment: engine.now, sites: sites)
    }

    private static func engine(
        of state: StoredState, _ limits: Limits, _ file: String
    ) throws(StorageError) -> Engine {
        do throws(MalformedBytes) {
            return try Engine(
                restoring: state.engine, sites: state.sites, chunks: [], limits: limits, seed: HashSeed(0, 0))
        } catch {
            throw .damaged(path: file, what: "the state is \(error)")
        }
    }

    /// Replaces the state in a directory with a copy. No daemon may use the directory meanwhile. The former state is
    /// moved aside.
    ///
    /// The new state is another incarnation, so journals and rings of the former one do not belong to it. Everything
    /// after the copy is missing, and the audit says from when to when. If the restore is interrupted at any point, the
    /// directory holds either the former state, or files that the next start turns into the restored state.
    ///
    /// - Returns: the contents of the copy, and where the former state is now, if there was one.
    public static func restore(
        _ file: String, into directory: String, limits: Limits, now: Moment
    ) throws(StorageError) -> (contents: Contents, aside: String?) {
        guard Files.exists(file) else { throw .system(doing: "open", path: file, error: ENOENT) }
        try Files.makeDirectory(directory)
        let lock = try OpenFile(directory + "/lock", flags: O_RDWR | O_CREAT, doing: "open")
        guard flock(lock.descriptor, LOCK_EX | LOCK_NB) == 0 else { throw .inUse(path: directory) }
        _ = try finish(in: directory)
        let new = directory + "/restoring"
        defer { try? FileManager.default.removeItem(atPath: new) }
        try Database.translating(file) {
            try? FileManager.default.removeItem(atPath: new)
            try FileManager.default.createDirectory(atPath: new, withIntermediateDirectories: false)
            // For a link, copy the file behind it: a copied link would put the backup itself into service.
            let source = URL(fileURLWithPath: file).resolvingSymlinksInPath().path
            try FileManager.default.copyItem(atPath: source, toPath: new + "/footfall.db")
            try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: new + "/footfall.db")
            let queue = try DatabaseQueue(path: new + "/footfall.db")
            try queue.write { db in
                try checkPages(of: db, file)
                try db.execute(sql: "DROP TABLE IF EXISTS copy")
            }
            try queue.close()
        }
        // Migrates an older one.
        let database = try Database(in: new, migrations: Schema.migrations)
        guard let state = try database.load() else { throw .damaged(path: file, what: "it contains no state") }
        let contents = try database.read { db in try check(db, state, file) }
        try begin(database, state, try engine(of: state, limits, file), from: contents.moment, now)
        try database.close()
        try OpenFile(new + "/footfall.db", flags: O_RDWR, doing: "open").sync()
        let folder = try asideFolder(in: directory, now)
        try giveToOwner(of: directory, [new + "/footfall.db", directory + "/lock", folder])
        // This rename decides it.
        try Files.rename(new + "/footfall.db", to: folder + "/" + decided)
        try Files.syncDirectory(folder)
        return (contents, try finish(in: directory))
    }

    /// The name of a copy that will become the state, in the folder for the former state.
    private static let decided = "restored.db"
    private static let asidePrefix = "before-restore-"

    /// Completes a restore that is decided: moves all our files into the folder with the copy, and the copy out of it.
    /// Does nothing if there is no such restore.
    ///
    /// - Returns: where the former state is now, if there was one.
    static func finish(in directory: String) throws(StorageError) -> String? {
        for name in try Files.names(in: directory) where name.hasPrefix(asidePrefix) {
            let aside = "\(directory)/\(name)"
            guard Files.exists(aside + "/" + decided) else { continue }
            for name in try Files.names(in: directory) where isOurs(name) {
                try Files.rename("\(directory)/\(name)", to: "\(aside)/\(name)")
            }
            // SQLite would use a log of the former database for the new one.
            try Files.syncDirectory(aside)
            try Files.syncDirectory(directory)
            try Files.rename(aside + "/" + decided, to: directory + "/footfall.db")
            try Files.syncDirectory(directory)
            guard try Files.names(in: aside).isEmpty else { return aside }
            unsafe rmdir(aside)
            return nil
        }
        return nil
    }

    private static func isOurs(_ name: String) -> Bool {
        ["journal", "footfall.db", "footfall.db-wal", "footfall.db-shm", "footfall.db-journal"].contains(name)
            || VisitorsFile.isOurs(name)
    }

    /// Creates a new folder for the former state.
    private static func asideFolder(in directory: String, _ now: Moment) throws(StorageError) -> String {
        let name = "\(directory)/\(asidePrefix)\(now.rfc3339.replacing(":", with: "-"))"
        var (folder, number) = (name, 1)
        while Files.exists(folder) {
            number += 1
            folder = "\(name).\(number)"
        }
        try Files.makeDirectory(folder)
        try Files.syncDirectory(directory)
        return folder
    }

    /// Begins another incarnation with the copy. Nobody is online, and for half an hour new visitors begin no visit,
    /// because they may have had one open.
    private static func begin(
        _ database: Database, _ state: StoredState, _ engine: Engine, from moment: Moment, _ now: Moment
    ) throws(StorageError) {
        var engine = engine
        engine.loseVisitors()
        let capture = engine.capture()
        var unsaved = Unsaved()
        unsaved.add(capture, batch: state.batch + 1)
        unsaved.changed = Set((0..<capture.siteCount).map(SiteIndex.init))
        let gap = "a copy was restored: hits from \(moment.rfc3339) to \(now.rfc3339) are missing"
        unsaved.notes = [(now, "restore", gap)]
        try database.save(
            Checkpointer.Request(
                capture, sequence: state.sequence, hits: state.hits, saltsKept: [], saltsThrough: .max), unsaved,
            visitors: "",
            incarnation: .incarnation)
    }

    /// Root may restore a state that another user runs.
    private static func giveToOwner(of directory: String, _ paths: [String]) throws(StorageError) {
        var owner = stat()
        guard unsafe stat(directory, &owner) == 0, owner.st_uid != geteuid() else { return }
        for path in paths where unsafe lchown(path, owner.st_uid, owner.st_gid) != 0 {
            throw .system(doing: "change the owner of", path: path, error: errno)
        }
    }

    private static func folder(of file: String) -> String {
        let folder = file.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        return folder.isEmpty ? (file.hasPrefix("/") ? "/" : ".") : folder
    }
}

extension DatabaseValue {
    /// The value as bytes, different for different values.
    fileprivate var bytes: [UInt8] {
        switch storage {
        case .null: []
        case .int64(let number): Array("\(number)".utf8)
        case .double(let number): Array("\(number)".utf8)
        case .string(let text): Array(text.utf8)
        case .blob(let data): [UInt8](data)
        }
    }
}
