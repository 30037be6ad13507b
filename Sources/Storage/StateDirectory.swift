public import Counting
import Glibc

/// The state on disk. One process at a time opens it and reads it once; then two threads write it.
public final class StateDirectory: Sendable {
    private let path: String
    private let journalPath: String
    let database: Database
    /// Locked as long as it is open. Everything that may still write keeps a reference.
    private let lock: OpenFile

    /// Opens or creates the state in a directory.
    public convenience init(_ path: String) throws(StorageError) {
        try self.init(path, migrations: Schema.migrations)
    }

    /// The same with another schema, for tests of other versions.
    package init(_ path: String, migrations: [Migration]) throws(StorageError) {
        self.path = path
        journalPath = path + "/journal"
        try Files.makeDirectory(path)
        lock = try OpenFile(path + "/lock", flags: O_RDWR | O_CREAT, doing: "open")
        guard flock(lock.descriptor, LOCK_EX | LOCK_NB) == 0 else { throw .inUse(path: path) }
        _ = try StateBackup.finish(in: path)
        try Self.refuseNewer(path)
        database = try Database(in: path, migrations: migrations)
        try Files.makeDirectory(journalPath)
        try Files.syncDirectory(path)
    }

    /// Refuses what a newer Footfall wrote, before anything is created, moved or migrated.
    private static func refuseNewer(_ path: String) throws(StorageError) {
        for name in try Files.names(in: path) where VisitorsFile.isOurs(name) {
            try VisitorsFile.refuseNewer(path + "/" + name)
        }
        let journal = path + "/journal"
        guard Files.exists(journal) else { return }
        let segments = try Files.names(in: journal).filter { Segment.ordinal($0) != nil }
        for name in segments { try Segment.refuseNewer(journal + "/" + name) }
        let database = path + "/footfall.db"
        if !segments.isEmpty, Files.exists(database),
            try OpenFile(database, flags: O_RDONLY, doing: "open").read(first: 1).isEmpty
        {
            throw .damaged(path: database, what: "it is empty, but there is a journal beside it")
        }
    }

    /// Reads the last checkpoint and applies the journal after it. A new state stands at `now`.
    public func recover(limits: Limits, seed: HashSeed, now: Moment) throws(StorageError) -> Recovery {
        guard let stored = try database.load() else {
            var engine = Engine(limits: limits, seed: seed, at: now)
            let incarnation = [UInt8].incarnation
            try database.begin(engine.capture(), incarnation: incarnation)
            var recovery = Recovery(engine, salts: [], incarnation: incarnation, sequence: 0, hits: 0, isNew: true)
            // Segments without their database belong to another state.
            try recovery.replay(journalPath)
            return recovery
        }
        var chunks: [[UInt8]] = []
        var lost: StorageError?
        if !stored.visitors.isEmpty {
            do throws(StorageError) {
                chunks = try VisitorsFile.read(
                    stored.visitors, sequence: stored.sequence, incarnation: stored.incarnation, in: path)
            } catch {
                // Any other error may be temporary, and the file may still be good.
                guard error.isFileGone else { throw error }
                lost = error
            }
        }
        var engine: Engine
        do throws(MalformedBytes) {
            engine = try Engine(
                restoring: stored.engine, sites: stored.sites, chunks: chunks, limits: limits, seed: seed)
        } catch {
            throw .damaged(path: database.path, what: "the state is \(error)")
        }
        if lost != nil { engine.loseVisitors() }
        var recovery = Recovery(
            engine, salts: stored.salts, incarnation: stored.incarnation, sequence: stored.sequence, hits: stored.hits,
            isNew: false)
        recovery.visitorsName = stored.visitors
        recovery.batch = stored.batch
        if let lost {
            if Files.exists(path + "/" + stored.visitors) {
                try Files.move(path + "/" + stored.visitors, into: journalPath + "/quarantine")
            }
            recovery.quarantined.append("\(stored.visitors), so nobody is online yet: \(lost)")
        }
        try recovery.replay(journalPath)
        try VisitorsFile.sweep(path, keeping: stored.visitors)
        return recovery
    }

    /// Begins to write after the recovered state.
    public func begin(
        _ recovery: Recovery, _ configuration: Journal.Configuration, giveUp: @escaping @Sendable (StorageError) -> Void
    ) -> (journal: Journal, checkpointer: Checkpointer) {
        var configuration = configuration
        configuration.directory = journalPath
        let journal = Journal(
            configuration, incarnation: recovery.incarnation, sequence: recovery.sequence, hits: recovery.hits,
            nextOrdinal: recovery.nextOrdinal, sealed: recovery.segments)
        // Files of a failed start, and segments that the checkpoint covers, only take up space.
        do throws(StorageError) {
            try journal.reclaim(upTo: recovery.checkpointed)
        } catch {
            // The next checkpoint retries and reports the error.
        }
        let checkpointer = Checkpointer(
            database, journal, directory: path, lock: lock, incarnation: recovery.incarnation,
            saltsStored: recovery.salts.map(\.number).max() ?? 0, visitorsName: recovery.visitorsName,
            batch: recovery.batch, giveUp: giveUp)
        return (journal, checkpointer)
    }
}
