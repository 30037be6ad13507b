import Counting
import Foundation
import GRDB
import Storage
import Testing

/// An older Footfall on newer files reports it and changes nothing. A newer one on older files keeps what was before.
@Suite("Versions: a Fault of an upgrade never damages the data")
struct VersionTests {
    /// A state with a database, visitors and a journal that has to be replayed.
    private func state() throws -> (story: Story, files: FileSet) {
        let story = try Story(seed: 41, frames: 40, checkpoints: [20])
        return (story, try #require(story.checkpoints.last).files.merging(story.segments) { $1 })
    }

    @Test(
        "a newer database, segment or file of visitors is refused, and not a byte of anything is changed",
        arguments: ["footfall.db", "journal/", "visitors-"])
    func newer(prefix: String) throws {
        var (story, files) = try state()
        let name = try #require(files.keys.filter { $0.hasPrefix(prefix) && !$0.hasSuffix("-wal") }.max())
        if prefix == "footfall.db" {
            // The schema's version, highest byte first.
            files[name]?.replaceSubrange(60..<64, with: [0, 0, 0, 9])
        } else {
            files[name]?[7] = 9
        }
        let folder = try Folder(files)
        let error = #expect(throws: StorageError.self) { _ = try recover(folder, limits: story.limits) }
        let known = ["footfall.db": Self.current, "journal/": 2, "visitors-": 1][prefix]
        #expect(error == .newer(path: folder.path + "/" + name, version: 9, known: try #require(known)))
        #expect(try folder.files() == files)
    }

    @Test("a newer segment without a database is refused before one is created")
    func newerSegmentAlone() throws {
        let story = try state().story
        var files = story.segments
        let name = try #require(files.keys.min())
        files[name]?[7] = 9
        let folder = try Folder(files)
        let error = #expect(throws: StorageError.self) { _ = try recover(folder, limits: story.limits) }
        #expect(error == .newer(path: folder.path + "/" + name, version: 9, known: 2))
        #expect(try folder.files() == files)
    }

    @Test("a newer segment is refused before a damaged file of visitors is moved away")
    func newerSegmentFirst() throws {
        var (story, files) = try state()
        let visitors = try #require(files.keys.first { $0.hasPrefix("visitors-") })
        let segment = try #require(files.keys.filter { $0.hasSuffix(".segment") }.max())
        files[visitors]?[50] ^= 1
        files[segment]?[7] = 9
        let folder = try Folder(files)
        _ = #expect(throws: StorageError.self) { _ = try recover(folder, limits: story.limits) }
        #expect(try folder.files() == files)
    }

    @Test("a newer version that is only in SQLite's log is refused as well")
    func newerInLog() throws {
        let (story, files) = try state()
        let folder = try Folder(files)
        // The upgrade was killed after its commit and before the write to the file.
        let database = try DatabaseQueue(path: folder.path + "/footfall.db")
        try database.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA wal_autocheckpoint = 0; PRAGMA user_version = 9")
        }
        let killed = try Folder(folder.files())
        try database.close()
        try #require(killed.files()["footfall.db-wal"]?.isEmpty == false)
        let error = #expect(throws: StorageError.self) { _ = try recover(killed, limits: story.limits) }
        #expect(error == .newer(path: killed.path + "/footfall.db", version: 9, known: Self.current))
    }

    // MARK: Migrations

    /// The version of this program's schema.
    private static let current = Schema.migrations.count

    @Test("a state of the first version continues with all its numbers")
    func firstVersion() throws {
        let (story, files) = try state()
        let folder = try Folder(files)
        // As the first version left it: without the table of keys, and without signatures after the engine's other
        // bytes.
        let database = try DatabaseQueue(path: folder.path + "/footfall.db")
        try database.writeWithoutTransaction { db in
            let row = try #require(try Row.fetchOne(db, sql: "SELECT * FROM state"))
            let engine = row["engine"] as Data
            #expect(engine[0] == 2 && engine.suffix(2) == Data([0, 0]))
            let first = Data([1]) + engine.dropFirst().dropLast(2)
            var sum: [UInt8] = Array(row["incarnation"] as Data)
            for column in ["sequence", "hits", "sites"] {
                let number = row[column] as Int64
                for shift in stride(from: 0, to: 64, by: 8) {
                    sum.append(UInt8(truncatingIfNeeded: number >> Int64(shift)))
                }
            }
            sum += Array((row["visitors"] as String).utf8) + Array(first)
            try Self.unpackQuarters(db)
            try db.execute(sql: "DROP TABLE site_key; ALTER TABLE state DROP COLUMN batch; PRAGMA user_version = 1")
            try db.execute(sql: "UPDATE state SET engine = ?, crc = ?", arguments: [first, Int64(crc32c(sum))])
        }
        try database.close()
        let recovery = try recover(folder, limits: story.limits)
        var engine = recovery.engine
        let isEqual = engine.snapshot() == story.snapshot(after: 40, at: engine.now)
        #expect(isEqual && recovery.losses.isEmpty)
        let history = try History(database: folder.path + "/footfall.db").quarters
        let original = try Folder(files)
        let before = try History(database: original.path + "/footfall.db").quarters
        #expect(history == before && !history.isEmpty)
        #expect(try rows(folder.path + "/footfall.db", "SELECT count(*) FROM site_key") == [["0"]])
    }

    /// Quarter hours as in versions 1 and 2: one row each.
    private static func unpackQuarters(_ db: GRDB.Database) throws {
        let days = try Row.fetchAll(db, sql: "SELECT site, day, hours FROM quarter")
        try db.execute(
            sql: """
                DROP TABLE quarter;
                CREATE TABLE quarter (
                    site INTEGER NOT NULL, quarter INTEGER NOT NULL, views INTEGER NOT NULL, visits INTEGER NOT NULL,
                    pings INTEGER NOT NULL, bots INTEGER NOT NULL, peak INTEGER NOT NULL, PRIMARY KEY (site, quarter)
                ) WITHOUT ROWID;
                """)
        for day in days {
            var quarters: [Quarter] = []
            try QuarterDay.forEach(in: [UInt8](day["hours"] as Data), of: day["day"]) { quarters.append($0) }
            for q in quarters {
                try db.execute(
                    sql: "INSERT INTO quarter VALUES (?, ?, ?, ?, ?, ?, ?)",
                    arguments: [
                        day["site"] as Int, q.number, Int64(q.views), Int64(q.visits), Int64(q.pings), Int64(q.bots),
                        q.peak,
                    ])
            }
        }
    }

    private static let second: Migration = { db in
        try db.execute(sql: "ALTER TABLE uptime ADD COLUMN reason TEXT NOT NULL DEFAULT 'unknown'")
    }

    private func upgrade(_ folder: Folder, _ migrations: [Migration]) throws(StorageError) -> StateDirectory {
        try StateDirectory(folder.path, migrations: migrations)
    }

    @Test("a migration keeps the counts and a copy of the former database")
    func migration() throws {
        let (story, files) = try state()
        let folder = try Folder(files)
        let recovery = try upgrade(folder, Schema.migrations + [Self.second])
            .recover(limits: story.limits, seed: HashSeed(1, 2), now: .epoch)
        var engine = recovery.engine
        let isEqual = engine.snapshot() == story.snapshot(after: 40, at: engine.now)
        #expect(isEqual)
        let (now, before) = (folder.path + "/footfall.db", folder.path + "/footfall.db.version-\(Self.current)")
        #expect(try rows(now, "PRAGMA user_version") == [["\(Self.current + 1)"]])
        #expect(try rows(now, "SELECT reason FROM uptime").allSatisfy { $0 == ["unknown"] })
        #expect(try rows(before, "PRAGMA user_version") == [["\(Self.current)"]])
        for table in ["site", "quarter", "day", "ranking", "audit", "state"] {
            #expect(try rows(before, "SELECT * FROM \(table)") == rows(now, "SELECT * FROM \(table)"), "\(table)")
        }
        // The copy starts an older Footfall, for which the current database is a newer one's.
        let old = try Folder(files.merging(["footfall.db": folder.read("footfall.db.version-\(Self.current)")]) { $1 })
        #expect(try recover(old, limits: story.limits).sequence == 40)
        let error = #expect(throws: StorageError.self) { _ = try recover(folder, limits: story.limits) }
        #expect(error == .newer(path: now, version: Self.current + 1, known: Self.current))
    }

    @Test("a failed migration leaves the database as it was, and the next one makes its own copy")
    func failingMigration() throws {
        let (story, files) = try state()
        let folder = try Folder(files)
        let fails: Migration = { db in
            try Self.second(db)
            try db.execute(sql: "DELETE FROM quarter; INSERT INTO nowhere VALUES (1)")
        }
        _ = #expect(throws: StorageError.self) { _ = try upgrade(folder, Schema.migrations + [fails]) }
        let path = folder.path + "/footfall.db"
        #expect(try rows(path, "PRAGMA user_version") == [["\(Self.current)"]])
        #expect(try rows(path, "SELECT count(*) FROM pragma_table_info('uptime')") == [["2"]])
        let before = try Folder(files)
        let quarters = "SELECT * FROM quarter"
        #expect(try rows(path, quarters) == rows(before.path + "/footfall.db", quarters))

        // The old version runs for a while. The copy of the successful attempt is from then.
        let life = try Life(in: folder.path, limits: story.limits)
        try life.append(story.frames.suffix(20))
        let left = try life.end()
        let sequence = try rows(left.path + "/footfall.db", "SELECT sequence FROM state")
        _ = try upgrade(left, Schema.migrations + [Self.second])
        #expect(try rows(left.path + "/footfall.db.version-\(Self.current)", "SELECT sequence FROM state") == sequence)
    }

    @Test("a half-written copy after a kill is not used")
    func halfCopy() throws {
        let (_, files) = try state()
        let folder = try Folder(files.merging(["footfall.db.version-\(Self.current)": Array("half".utf8)]) { $1 })
        _ = try upgrade(folder, Schema.migrations + [Self.second])
        #expect(
            try rows(folder.path + "/footfall.db.version-\(Self.current)", "PRAGMA user_version") == [
                ["\(Self.current)"]
            ])
    }

    @Test("the copy from before a migration holds no salt: a salt is stored for a day and an hour, not for ever")
    func saltsInCopy() throws {
        let folder = try Folder()
        var counter = try PersistentCounter(in: folder.path)
        counter.keepSalts()
        let salts = try rows(folder.path + "/footfall.db", "SELECT hex(bytes) FROM salt").flatMap { $0 }
        #expect(salts.count == 2)
        let left = try counter.end()
        let directory = try upgrade(left, Schema.migrations + [Self.second])
        let bytes = try left.read("footfall.db.version-\(Self.current)")
        for salt in salts { #expect(!holds(bytes, bytesOf(hex: salt))) }
        #expect(try directory.recover(limits: Limits(), seed: HashSeed(1, 2), now: .epoch).salts.count == 2)
    }
}

/// The bytes of hexadecimal digits.
func bytesOf(hex: String) -> [UInt8] {
    let digits = Array(hex)
    return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(String(digits[$0...$0 + 1]), radix: 16) ?? 0 }
}
