public import Counting
import Foundation
import GRDB

/// A key that senders elsewhere sign beacons of a site with. It has to be kept as it is: both sides make the same HMAC of it.
public struct SiteKey: Equatable, Sendable {
    /// The site's name.
    public var site: String
    /// What it is called: of the key, and telling nothing of it.
    public var id: String
    /// The key: its UTF-8 bytes are what is signed with.
    public var key: String
    /// When it was made.
    public var created: Moment

    /// A key of a site.
    public init(site: String, id: String, key: String, created: Moment) {
        self.site = site
        self.id = id
        self.key = key
        self.created = created
    }
}

/// The tokens, the keys and the audit of the state. The calls wait for the disk.
extension StateDirectory {
    /// All tokens, by their names: what each is for and SHA-256 of it, so that whoever reads the database cannot use it.
    public func tokens() throws(StorageError) -> [(name: String, hash: [UInt8], created: Moment)] {
        try database.read { db in
            try Row.fetchAll(db, sql: "SELECT name, hash, created FROM token ORDER BY name").map { row in
                (row["name"], [UInt8](row["hash"] as Data), Moment(milliseconds: row["created"]))
            }
        }
    }

    /// Keeps SHA-256 of a token, in the place of one of the same name.
    public func saveToken(_ name: String, hash: [UInt8], created: Moment) throws(StorageError) {
        try database.write { db in
            try db.execute(
                sql: "INSERT OR REPLACE INTO token (name, hash, created) VALUES (?, ?, ?)",
                arguments: [name, Data(hash), created.milliseconds])
        }
    }

    /// Forgets a token, if there is one of the name.
    public func removeToken(_ name: String) throws(StorageError) {
        try database.write { db in try db.execute(sql: "DELETE FROM token WHERE name = ?", arguments: [name]) }
    }

    /// All keys of sites, in the order in which they were made.
    public func siteKeys() throws(StorageError) -> [SiteKey] {
        try database.read { db in
            try Row.fetchAll(db, sql: "SELECT * FROM site_key ORDER BY created, site, id").map { row in
                SiteKey(
                    site: row["site"], id: row["id"], key: row["key"], created: Moment(milliseconds: row["created"]))
            }
        }
    }

    /// Keeps a key.
    public func saveSiteKey(_ key: SiteKey) throws(StorageError) {
        try database.write { db in
            try db.execute(
                sql: "INSERT INTO site_key (site, id, key, created) VALUES (?, ?, ?, ?)",
                arguments: [key.site, key.id, key.key, key.created.milliseconds])
        }
    }

    /// Forgets a key, if there is such a one.
    public func removeSiteKey(_ id: String, of site: String) throws(StorageError) {
        try database.write { db in
            try db.execute(sql: "DELETE FROM site_key WHERE site = ? AND id = ?", arguments: [site, id])
        }
    }

    /// The newest lines of the audit up to `limit`, oldest first.
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
