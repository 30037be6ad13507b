public import Counting
import Foundation
import GRDB

/// A stored salt with a number, of one site.
public struct StoredSalt: Equatable, Sendable {
    /// The number that frames use for it. Never used twice.
    public let number: UInt32
    /// The site whose visitors it hashes.
    public let site: SiteIndex
    /// The secret, 32 bytes, and one of the scheme in which visitors' keys are made, 1; none for salts of version 0.1.
    public let bytes: [UInt8]

    /// A salt of a site.
    public init(number: UInt32, site: SiteIndex, bytes: [UInt8]) {
        self.number = number
        self.site = site
        self.bytes = bytes
    }
}

/// What must be saved since the last successful checkpoint.
struct Unsaved {
    /// Rows by the batch in which they left the engine. Batches rise.
    var batches: [(number: UInt64, rows: [HistoryRow])] = []
    var changed: Set<SiteIndex> = []
    /// Damage and losses, for the audit.
    var notes: [(at: Moment, kind: String, note: String)] = []

    /// Adds what a capture took out of the engine.
    mutating func add(_ capture: Capture, batch: UInt64) {
        batches.append((batch, capture.rows))
        changed.formUnion(capture.changedSites)
    }
}

/// The last checkpoint in the database.
struct StoredState {
    var incarnation: [UInt8], sequence: UInt64, hits: UInt64, visitors: String, batch: UInt64
    var engine: [UInt8], sites: [[UInt8]], salts: [StoredSalt]
}

extension Database {
    /// Makes a checkpoint durable. Returns when the disk has it.
    ///
    /// - Complexity: O(what changed) and the deletion of old salts.
    func save(
        _ request: Checkpointer.Request, _ unsaved: Unsaved, visitors: String, incarnation: [UInt8]
    ) throws(StorageError) {
        let capture = request.capture
        try write { db in
            let site = try db.cachedStatement(
                sql: "INSERT OR REPLACE INTO site (id, name, state, crc) VALUES (?, ?, ?, ?)")
            for index in unsaved.changed.sorted() {
                let name = capture.siteName(index)
                let state = capture.siteBytes(index)
                let crc = Self.crc(of: index.number.column, name.column, state)
                try site.execute(arguments: [index.number, name, Data(state), crc])
            }
            for batch in unsaved.batches {
                for row in batch.rows { try db.insert(row) }
            }
            for note in unsaved.notes {
                try db.execute(
                    sql: "INSERT INTO audit (at, kind, by, note) VALUES (?, ?, 'footfall', ?)",
                    arguments: [note.at.milliseconds, note.kind, note.note])
            }
            try Self.forgetSalts(db, through: request.saltsThrough, but: request.saltsKept)
            try Self.saveState(
                db, incarnation: incarnation, sequence: request.sequence, hits: request.hits,
                sites: capture.siteCount, visitors: visitors, batch: unsaved.batches.last?.number ?? 0,
                engine: capture.engineBytes())
        }
    }

    /// Deletes salts for good. SQLite overwrites a deleted row, but it moves rows between pages and leaves copies
    /// behind. So the whole table is deleted, page by page, and the remaining rows are written again.
    private static func forgetSalts(_ db: GRDB.Database, through last: UInt32, but kept: Set<UInt32>) throws {
        let rows = try Row.fetchAll(db, sql: "SELECT number, site, bytes, crc FROM salt ORDER BY number")
        let stays = try rows.filter { row in
            let number = try row.number("number")
            return number > last || UInt32(exactly: number).map(kept.contains) ?? false
        }
        guard stays.count < rows.count else { return }
        try db.execute(sql: "DELETE FROM salt")
        for row in stays {
            try db.execute(
                sql: "INSERT INTO salt (number, site, bytes, crc) VALUES (?, ?, ?, ?)",
                arguments: StatementArguments(row.databaseValues))
        }
    }

    /// The first state of a new incarnation: an empty engine.
    func begin(_ capture: Capture, incarnation: [UInt8]) throws(StorageError) {
        try write { db in
            try Self.saveState(
                db, incarnation: incarnation, sequence: 0, hits: 0, sites: 0, visitors: "", batch: 0,
                engine: capture.engineBytes())
        }
    }

    private static func saveState(
        _ db: GRDB.Database, incarnation: [UInt8], sequence: UInt64, hits: UInt64, sites: Int, visitors: String,
        batch: UInt64, engine: [UInt8]
    ) throws {
        let crc = crc(
            of: incarnation, Int(sequence).column, Int(hits).column, sites.column, visitors.column, engine)
        try db.execute(
            sql: """
                INSERT OR REPLACE INTO state (id, incarnation, sequence, hits, sites, visitors, engine, crc, batch)
                VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                Data(incarnation), Int64(sequence), Int64(hits), sites, visitors, Data(engine), crc, Int64(batch),
            ])
    }

    /// Stores salts. They may be used when this returns.
    func save(_ salts: [StoredSalt]) throws(StorageError) {
        try write { db in
            for salt in salts {
                let number = Int(salt.number)
                try db.execute(
                    sql: "INSERT OR REPLACE INTO salt (number, site, bytes, crc) VALUES (?, ?, ?, ?)",
                    arguments: [
                        number, salt.site.number, Data(salt.bytes),
                        Self.crc(of: number.column, salt.site.number.column, salt.bytes),
                    ])
            }
        }
    }

    /// The last checkpoint; nil in a new database.
    func load() throws(StorageError) -> StoredState? {
        let path = path
        return try read { db in try Self.state(in: db, path) }
    }

    /// The checkpoint in a database, with its checksums verified.
    static func state(in db: GRDB.Database, _ path: String) throws -> StoredState? {
        func damaged(_ what: String) -> StorageError { .damaged(path: path, what: "\(what) has a wrong checksum") }
        guard let row = try Row.fetchOne(db, sql: "SELECT * FROM state WHERE id = 1") else {
            guard try Int.fetchOne(db, sql: "SELECT count(*) FROM site") == 0 else { throw damaged("the state") }
            return nil
        }
        var state = StoredState(
            incarnation: try row.bytes("incarnation"), sequence: UInt64(bitPattern: try row.number("sequence")),
            hits: UInt64(bitPattern: try row.number("hits")), visitors: try row.text("visitors"),
            batch: UInt64(bitPattern: try row.number("batch")),
            engine: try row.bytes("engine"), sites: [], salts: [])
        let siteCount = Int(try row.number("sites"))
        let crc = Self.crc(
            of: state.incarnation, Int(truncatingIfNeeded: state.sequence).column,
            Int(truncatingIfNeeded: state.hits).column, siteCount.column, state.visitors.column, state.engine)
        guard crc == (try row.number("crc")), state.incarnation.count == 16 else { throw damaged("the state") }
        for row in try Row.fetchAll(db, sql: "SELECT * FROM site ORDER BY id") {
            let (number, bytes) = (Int(try row.number("id")), try row.bytes("state"))
            let crc = Self.crc(of: number.column, try row.text("name").column, bytes)
            guard number == state.sites.count, crc == (try row.number("crc")) else {
                throw damaged("site \(state.sites.count)")
            }
            state.sites.append(bytes)
        }
        guard state.sites.count == siteCount else { throw damaged("the list of sites") }
        for row in try Row.fetchAll(db, sql: "SELECT * FROM salt ORDER BY number") {
            let (number, site) = (Int(try row.number("number")), Int(try row.number("site")))
            let bytes = try row.bytes("bytes")
            guard let name = UInt32(exactly: number), (0..<1 << 24).contains(site),
                bytes.count == 32 || bytes.count == 33 && bytes[32] == 1,
                Self.crc(of: number.column, site.column, bytes) == (try row.number("crc"))
            else { throw damaged("salt \(number)") }
            state.salts.append(StoredSalt(number: name, site: SiteIndex(site), bytes: bytes))
        }
        return state
    }

    /// The checksum over the columns of a row.
    private static func crc(of columns: [UInt8]...) -> Int64 {
        Int64(columns.reduce(0 as UInt32) { crc32c($1.span, from: $0) })
    }
}

extension Int {
    /// The bytes that go into the checksum.
    fileprivate var column: [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(UInt64(bitPattern: Int64(self)), bytes: 8)
        return bytes
    }
}

extension String {
    fileprivate var column: [UInt8] { Array(utf8) }
}

/// A damaged row may hold values of any type. `row[…]` would end the process on a value of the wrong type.
extension Row {
    func number(_ column: String) throws -> Int64 { try decode(Int64.self, forColumn: column) }
    func text(_ column: String) throws -> String { try decode(String.self, forColumn: column) }
    func bytes(_ column: String) throws -> [UInt8] { Array(try decode(Data.self, forColumn: column)) }
}
