public import Counting
import Foundation
import GRDB

/// The tokens, site keys and audit in the state. The calls wait for the disk.
extension StateDirectory {
    /// All tokens by name. Only hashes are stored, so nobody who reads the database can use a token.
    public func tokens() throws(StorageError) -> [AccessToken] {
        try database.read { db in
            try Row.fetchAll(db, sql: "SELECT name, hash, created FROM token ORDER BY name").map { row in
                AccessToken(
                    name: row["name"], hash: [UInt8](row["hash"] as Data), created: Moment(milliseconds: row["created"])
                )
            }
        }
    }

    /// Stores a token that was made here. Replaces one with the same name.
    public func save(_ token: AccessToken) throws(StorageError) {
        guard let created = token.created else { preconditionFailure("the token was made elsewhere") }
        try database.write { db in
            try db.execute(
                sql: "INSERT OR REPLACE INTO token (name, hash, created) VALUES (?, ?, ?)",
                arguments: [token.name, Data(token.hash), created.milliseconds])
        }
    }

    /// Deletes the token with this name, if there is one.
    public func removeToken(_ name: String) throws(StorageError) {
        try database.write { db in try db.execute(sql: "DELETE FROM token WHERE name = ?", arguments: [name]) }
    }

    /// All keys of sites, in the order of their creation.
    public func siteKeys() throws(StorageError) -> [SiteKey] {
        try database.read { db in
            try Row.fetchAll(db, sql: "SELECT * FROM site_key ORDER BY created, site, id").map { row in
                SiteKey(
                    site: row["site"], id: row["id"], key: row["key"], created: Moment(milliseconds: row["created"]))
            }
        }
    }

    /// Stores a key.
    public func save(_ key: SiteKey) throws(StorageError) {
        try database.write { db in
            try db.execute(
                sql: "INSERT INTO site_key (site, id, key, created) VALUES (?, ?, ?, ?)",
                arguments: [key.site, key.id, key.key, key.created.milliseconds])
        }
    }

    /// Deletes a key, if it exists.
    public func removeSiteKey(_ id: String, of site: String) throws(StorageError) {
        try database.write { db in
            try db.execute(sql: "DELETE FROM site_key WHERE site = ? AND id = ?", arguments: [site, id])
        }
    }

    /// The newest lines of the audit, at most `limit`, oldest first.
    public func audit(limit: Int) throws(StorageError) -> [AuditLine] {
        try database.read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT audit.*, site.name AS site_name FROM audit LEFT JOIN site ON site.id = audit.site
                    ORDER BY audit.id DESC LIMIT ?
                    """, arguments: [limit]
            ).reversed().map { row in
                AuditLine(
                    at: Moment(milliseconds: row["at"]), kind: row["kind"], site: row["site_name"],
                    day: (row["day"] as Int32?).map(LocalDay.init(number:)), visits: row["visits"],
                    views: row["views"], formerVisits: row["former_visits"], formerViews: row["former_views"],
                    by: row["by"], note: row["note"])
            }
        }
    }
}
