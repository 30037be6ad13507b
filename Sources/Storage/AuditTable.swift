public import Counting
import GRDB

/// The audit of the state. Its calls wait for the disk.
public final class AuditTable: Sendable {
    private let database: Database

    init(_ database: Database) { self.database = database }

    /// The newest lines up to `limit`, oldest first.
    public func lines(limit: Int) throws(StorageError) -> [AuditLine] {
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
