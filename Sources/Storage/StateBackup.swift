public import Counting
import Foundation
import GRDB
import Glibc

/// Copies of the state: made while a daemon runs, looked at before they are called done, and put back.
///
/// A copy is one SQLite file: the last checkpoint with all history, tokens, keys of sites and the audit. Without salts, which must not
/// outlive their day, so visitors of the day it is put back on are new ones; and nobody is online in it.
public enum StateBackup {
    /// What is in a copy.
    public struct Contents: Sendable {
        /// The moment that it is of.
        public let moment: Moment
        /// By name: views and visits counted.
        public let sites: [(name: String, views: UInt64, visits: UInt64)]
    }

    /// Copies the state in a directory to a file, in the place of one that is there. Readable by its owner only. Returns when the
    /// disk has it and it was read back.
    public static func make(of directory: String, to file: String) throws(StorageError) -> Contents {
        let source = directory + "/footfall.db"
        let new = file + ".new"
        guard Files.exists(source) else { throw .system(doing: "open", path: source, error: ENOENT) }
        try Files.delete(new)
        let target = try OpenFile(new, flags: O_RDWR | O_CREAT, doing: "make")
        _ = fchmod(target.descriptor, 0o600)
        try Database.translating(source) {
            var configuration = Configuration()
            configuration.readonly = true
            configuration.busyMode = .timeout(30)
            let from = try DatabaseQueue(path: source, configuration: configuration)
            let to = try DatabaseQueue(path: new)
            try from.backup(to: to)
            try to.writeWithoutTransaction { db in
                try db.execute(sql: "PRAGMA secure_delete = ON; DELETE FROM salt; VACUUM; PRAGMA journal_mode = DELETE")
            }
            try to.close()
        }
        let contents = try contents(of: new)
        try target.sync()
        try Files.rename(new, to: file)
        try Files.syncDirectory(folder(of: file))
        return contents
    }

    /// Reads a copy whole: its pages, its checksums, and that the views of each site are the sum of its history.
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
                            path: file, what: "it is of version \(version), and its daemon has not run yet")
                }
                let pages = try String.fetchOne(db, sql: "PRAGMA integrity_check") ?? "nothing"
                guard pages == "ok" else { throw StorageError.damaged(path: file, what: pages) }
                guard let state = try Database.state(in: db, file) else {
                    throw StorageError.damaged(path: file, what: "there is no state in it")
                }
                return try check(db, state, file)
            }
        }
    }

    private static func check(_ db: GRDB.Database, _ state: StoredState, _ file: String) throws -> Contents {
        var engine = try engine(of: state, file)
        let report = engine.report()
        var sites: [(String, UInt64, UInt64)] = []
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
                    path: file, what: "\(site.name) has \(site.countedViews) views, and its history \(sums.views)")
            }
            sites.append((site.name, site.countedViews, site.countedVisits))
        }
        return Contents(moment: engine.now, sites: sites)
    }

    private static func engine(of state: StoredState, _ file: String) throws(StorageError) -> Engine {
        do throws(MalformedBytes) {
            return try Engine(
                restoring: state.engine, sites: state.sites, chunks: [], limits: Limits(), seed: HashSeed(0, 0))
        } catch {
            throw .damaged(path: file, what: "the state is \(error)")
        }
    }

    /// Puts a copy in the place of the state in a directory, which no daemon may use meanwhile; what was there is moved aside.
    ///
    /// The state that comes of it is another incarnation: journals and rings of the former one are not its own. What came after
    /// the copy is missing, and the audit says from when to when.
    ///
    /// - Returns: what was in the copy, and where the former state lies now, if there was one.
    public static func restore(
        _ file: String, into directory: String, now: Moment
    ) throws(StorageError) -> (contents: Contents, aside: String?) {
        try Files.makeDirectory(directory)
        let lock = try OpenFile(directory + "/lock", flags: O_RDWR | O_CREAT, doing: "open")
        guard flock(lock.descriptor, LOCK_EX | LOCK_NB) == 0 else { throw .inUse(path: directory) }
        let new = directory + "/restoring"
        try Database.translating(new) {
            try? FileManager.default.removeItem(atPath: new)
            try FileManager.default.createDirectory(atPath: new, withIntermediateDirectories: false)
            // Of a link the file that it names: a copy of the link would put the copy itself in service.
            let file = URL(fileURLWithPath: file).resolvingSymlinksInPath().path
            try FileManager.default.copyItem(atPath: file, toPath: new + "/footfall.db")
            try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: new + "/footfall.db")
        }
        // Brings an older one up to date.
        let database = try Database(in: new, migrations: Schema.migrations)
        guard let state = try database.load() else { throw .damaged(path: file, what: "there is no state in it") }
        let contents = try database.read { db in
            let pages = try String.fetchOne(db, sql: "PRAGMA integrity_check") ?? "nothing"
            guard pages == "ok" else { throw StorageError.damaged(path: file, what: pages) }
            return try check(db, state, file)
        }
        try begin(database, state, contents.moment, file, now)
        try database.close()
        let aside = try moveAside(directory, now)
        try Files.rename(new + "/footfall.db", to: directory + "/footfall.db")
        try Database.translating(new) { try FileManager.default.removeItem(atPath: new) }
        try giveToOwner(of: directory, [directory + "/footfall.db", directory + "/lock"])
        try Files.syncDirectory(directory)
        return (contents, aside)
    }

    /// The copy as the beginning of another incarnation: nobody is online, and for half an hour newcomers begin no visit, since they
    /// may have had one open.
    private static func begin(
        _ database: Database, _ state: StoredState, _ moment: Moment, _ file: String, _ now: Moment
    ) throws(StorageError) {
        var engine = try Self.engine(of: state, file)
        engine.loseVisitors()
        let capture = engine.capture()
        var unsaved = Unsaved()
        unsaved.add(capture, batch: state.batch + 1)
        unsaved.changed = Set((0..<capture.siteCount).map(SiteIndex.init))
        let gap = "a copy was put back: what came from \(moment.rfc3339) to \(now.rfc3339) is missing"
        unsaved.notes = [(now, "restore", gap)]
        try database.save(
            Checkpointer.Request(
                capture, sequence: state.sequence, hits: state.hits, saltsKept: [], saltsThrough: .max), unsaved,
            visitors: "",
            incarnation: .incarnation)
    }

    /// Moves all that is ours into a directory of its own.
    private static func moveAside(_ directory: String, _ now: Moment) throws(StorageError) -> String? {
        let ours = try Files.names(in: directory).filter { name in
            name == "journal" || name.hasPrefix("footfall.db") && !name.contains(".version-")
                || VisitorsFile.isOurs(name)
        }
        guard !ours.isEmpty else { return nil }
        let aside = "\(directory)/before-restore-\(now.rfc3339.replacing(":", with: "-"))"
        try Files.makeDirectory(aside)
        for name in ours { try Files.rename("\(directory)/\(name)", to: "\(aside)/\(name)") }
        try giveToOwner(of: directory, [aside])
        try Files.syncDirectory(aside)
        return aside
    }

    /// Root may put back what another user runs on.
    private static func giveToOwner(of directory: String, _ paths: [String]) throws(StorageError) {
        var owner = stat()
        guard unsafe stat(directory, &owner) == 0, owner.st_uid != geteuid() else { return }
        for path in paths where unsafe lchown(path, owner.st_uid, owner.st_gid) != 0 {
            throw .system(doing: "give away", path: path, error: errno)
        }
    }

    private static func folder(of file: String) -> String {
        let folder = file.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        return folder.isEmpty ? (file.hasPrefix("/") ? "/" : ".") : folder
    }
}
