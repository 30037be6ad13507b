public import Counting
import Glibc

/// The state on disk: opened by one process at a time, read once, and from then on written by two threads.
public final class StateDirectory: Sendable {
    private let path: String
    private let journalPath: String
    private let database: Database
    /// Locked as long as it is open: whoever goes on writing keeps it.
    private let lock: OpenFile

    /// Opens or makes the state in a directory.
    public init(_ path: String) throws(StorageError) {
        self.path = path
        journalPath = path + "/journal"
        try Files.makeDirectory(path)
        lock = try OpenFile(path + "/lock", flags: O_RDWR | O_CREAT, doing: "open")
        guard flock(lock.descriptor, LOCK_EX | LOCK_NB) == 0 else { throw .inUse(path: path) }
        database = try Database(in: path)
        try Files.makeDirectory(journalPath)
    }

    /// Reads the last checkpoint and applies the journal behind it. A state that is new stands at `now`.
    public func recover(limits: Limits, seed: HashSeed, now: Moment) throws(StorageError) -> Recovery {
        guard let stored = try database.load() else {
            var engine = Engine(limits: limits, seed: seed, at: now)
            let incarnation = [UInt8].incarnation
            try database.begin(engine.capture(), incarnation: incarnation)
            var recovery = Recovery(engine, salts: [], incarnation: incarnation, sequence: 0, hits: 0, isNew: true)
            // Segments without their database are somebody else's.
            try recovery.replay(journalPath)
            return recovery
        }
        var chunks: [[UInt8]] = []
        var lost: StorageError?
        if !stored.visitors.isEmpty {
            let read = Result { () throws(StorageError) in
                try VisitorsFile.read(
                    stored.visitors, sequence: stored.sequence, incarnation: stored.incarnation, in: path)
            }
            switch read {
            case .success(let all): chunks = all
            case .failure(.newer(let path, let version, let known)):
                throw .newer(path: path, version: version, known: known)
            case .failure(let error): lost = error
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
        if let lost {
            if Files.exists(path + "/" + stored.visitors) {
                try Files.move(path + "/" + stored.visitors, into: journalPath + "/quarantine")
            }
            recovery.quarantine("\(stored.visitors), so nobody is online yet: \(lost)")
        }
        try recovery.replay(journalPath)
        for name in try Files.names(in: path) where name.hasPrefix("visitors-") && name != stored.visitors {
            try Files.delete(path + "/" + name)
        }
        return recovery
    }

    /// Begins to write behind what was recovered.
    public func begin(
        _ recovery: Recovery, _ configuration: Journal.Configuration, giveUp: @escaping @Sendable (StorageError) -> Void
    ) -> (journal: Journal, checkpointer: Checkpointer) {
        var configuration = configuration
        configuration.directory = journalPath
        let journal = Journal(
            configuration, incarnation: recovery.incarnation, sequence: recovery.sequence, hits: recovery.hits,
            nextOrdinal: recovery.nextOrdinal, sealed: recovery.segments)
        let checkpointer = Checkpointer(
            database, journal, directory: path, lock: lock, incarnation: recovery.incarnation,
            saltsStored: recovery.salts.map(\.number).max() ?? 0, giveUp: giveUp)
        return (journal, checkpointer)
    }
}
