public import Counting
import Foundation
import GRDB

/// A token as it is kept: whoever reads the database cannot use it.
public struct StoredToken: Equatable, Sendable {
    /// What it is for, as its owner says.
    public let name: String
    /// SHA-256 of the token.
    public let hash: [UInt8]
    /// When it was made.
    public let created: Moment

    /// A token of a name.
    public init(name: String, hash: [UInt8], created: Moment) {
        self.name = name
        self.hash = hash
        self.created = created
    }
}

/// The tokens of the state. Its calls wait for the disk.
public final class TokenTable: Sendable {
    private let database: Database

    init(_ database: Database) { self.database = database }

    /// All of them, by their names.
    public func all() throws(StorageError) -> [StoredToken] {
        try database.read { db in
            try Row.fetchAll(db, sql: "SELECT name, hash, created FROM token ORDER BY name").map { row in
                StoredToken(
                    name: row["name"], hash: [UInt8](row["hash"] as Data), created: Moment(milliseconds: row["created"])
                )
            }
        }
    }

    /// Keeps a token, in the place of one of the same name.
    public func save(_ token: StoredToken) throws(StorageError) {
        try database.write { db in
            try db.execute(
                sql: "INSERT OR REPLACE INTO token (name, hash, created) VALUES (?, ?, ?)",
                arguments: [token.name, Data(token.hash), token.created.milliseconds])
        }
    }

    /// Forgets a token, if there is one of the name.
    public func remove(_ name: String) throws(StorageError) {
        try database.write { db in try db.execute(sql: "DELETE FROM token WHERE name = ?", arguments: [name]) }
    }
}
