import Counting
package import GRDB

/// One step of the schema, from the version before it.
package typealias Migration = @Sendable (GRDB.Database) throws -> Void

/// The tables. `FORMAT.md` explains them. A change is a new migration; never edit an existing one.
package enum Schema {
    /// All steps. The schema's version is their number.
    package static let migrations: [Migration] = [version1, version2, version3, version4]

    /// Salts have a byte for their scheme, which former versions cannot read. Those that exist have none.
    private static let version4: Migration = { _ in }

    /// Quarter hours packed by day, and the number of the newest batch of rows in the tables.
    private static let version3: Migration = { db in
        try db.execute(
            sql: """
                ALTER TABLE state ADD COLUMN batch INTEGER NOT NULL DEFAULT 0;
                ALTER TABLE quarter RENAME TO quarter_row;
                CREATE TABLE quarter (
                    site INTEGER NOT NULL, day INTEGER NOT NULL, hours BLOB NOT NULL, PRIMARY KEY (site, day)
                ) WITHOUT ROWID;
                """)
        let rows = try Row.fetchCursor(db, sql: "SELECT * FROM quarter_row ORDER BY site, quarter")
        while let row = try rows.next() {
            func count(_ column: String) throws -> UInt64 { UInt64(Swift.max(0, try row.number(column))) }
            try db.insert(
                SiteIndex(Int(try row.number("site"))),
                Quarter(
                    number: try row.number("quarter"), views: try count("views"), visits: try count("visits"),
                    pings: try count("pings"), bots: try count("bots"), peak: Int(try count("peak"))))
        }
        try db.execute(sql: "DROP TABLE quarter_row")
    }

    private static let version2: Migration = { db in
        try db.execute(
            sql: """
                CREATE TABLE site_key (
                    site TEXT NOT NULL, id TEXT NOT NULL, key TEXT NOT NULL, created INTEGER NOT NULL,
                    PRIMARY KEY (site, id)
                ) WITHOUT ROWID;
                """)
    }

    private static let version1: Migration = { db in
        try db.execute(
            sql: """
                CREATE TABLE state (
                    id INTEGER PRIMARY KEY CHECK (id = 1), incarnation BLOB NOT NULL, sequence INTEGER NOT NULL,
                    hits INTEGER NOT NULL, sites INTEGER NOT NULL, visitors TEXT NOT NULL, engine BLOB NOT NULL,
                    crc INTEGER NOT NULL
                );
                CREATE TABLE site (
                    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, state BLOB NOT NULL, crc INTEGER NOT NULL
                );
                CREATE TABLE salt (
                    number INTEGER PRIMARY KEY, site INTEGER NOT NULL, bytes BLOB NOT NULL, crc INTEGER NOT NULL
                );
                CREATE TABLE quarter (
                    site INTEGER NOT NULL, quarter INTEGER NOT NULL, views INTEGER NOT NULL, visits INTEGER NOT NULL,
                    pings INTEGER NOT NULL, bots INTEGER NOT NULL, peak INTEGER NOT NULL, PRIMARY KEY (site, quarter)
                ) WITHOUT ROWID;
                CREATE TABLE day (
                    site INTEGER NOT NULL, day INTEGER NOT NULL, timezone TEXT NOT NULL, views INTEGER NOT NULL,
                    visits INTEGER NOT NULL, bots INTEGER NOT NULL, visitors INTEGER NOT NULL, exact INTEGER NOT NULL,
                    peak INTEGER NOT NULL, peak_at INTEGER NOT NULL, PRIMARY KEY (site, day)
                ) WITHOUT ROWID;
                CREATE TABLE ranking (
                    site INTEGER NOT NULL, day INTEGER NOT NULL, kind INTEGER NOT NULL, place INTEGER NOT NULL,
                    name BLOB NOT NULL, views INTEGER NOT NULL, entries INTEGER NOT NULL,
                    PRIMARY KEY (site, day, kind, place)
                ) WITHOUT ROWID;
                CREATE TABLE uptime (began INTEGER NOT NULL, ended INTEGER NOT NULL);
                CREATE TABLE token (
                    name TEXT PRIMARY KEY, hash BLOB NOT NULL, created INTEGER NOT NULL
                ) WITHOUT ROWID;
                CREATE TABLE audit (
                    id INTEGER PRIMARY KEY, at INTEGER NOT NULL, site INTEGER, kind TEXT NOT NULL, day INTEGER,
                    visits INTEGER, views INTEGER, former_visits INTEGER, former_views INTEGER, by TEXT NOT NULL,
                    note TEXT NOT NULL
                );
                """)
    }
}
