public import Counting
import Foundation
import GRDB

/// History in the tables, all of one checkpoint.
public struct KeptHistory: Sendable {
    /// The newest batch of rows in the tables.
    public var batch: UInt64 = 0
    /// Packed quarter hours by UTC day, rising.
    public var days: [(day: Int64, hours: [UInt8])] = []
    /// When the daemon was up.
    public var uptime: [(from: Moment, to: Moment)] = []
    /// Unique visitors of closed local days. A day of an earlier zone keeps its old bounds.
    public var visitors: [(day: LocalDay, count: Int)] = []
    /// Corrections of local days.
    public var corrections: [(day: LocalDay, visits: Int64, views: Int64)] = []

    /// When the first quarter hour in it began.
    public var firstSecond: Int64? {
        // The first byte of a day is the place of its first quarter hour.
        days.first.flatMap { day in day.hours.first.map { day.day * 86_400 + Int64($0) * 900 } }
    }
}

/// Reads history while other connections write it. Its connections never write, lock or empty the log.
///
/// One connection per call: while one is open, SQLite cannot remove the log, and a daemon that has stopped should leave
/// none. The calls wait for the disk.
public struct HistoryReader: Sendable {
    private let path: String

    /// A reader for the database in a state directory.
    public init(_ directory: String) { path = directory + "/footfall.db" }

    /// The history of a site for a range of UTC days, and for the local days in it and one day on either side.
    ///
    /// - Complexity: O(days): about 10 ms for ten years.
    public func history(of site: SiteIndex, days: ClosedRange<Int64>) throws(StorageError) -> KeptHistory {
        try read { db in
            var kept = KeptHistory()
            kept.batch = UInt64(try Int64.fetchOne(db, sql: "SELECT batch FROM state WHERE id = 1") ?? 0)
            let between: StatementArguments = [site.number, days.lowerBound, days.upperBound]
            let packed = try Row.fetchCursor(
                db, sql: "SELECT day, hours FROM quarter WHERE site = ? AND day BETWEEN ? AND ? ORDER BY day",
                arguments: between)
            while let row = try packed.next() { kept.days.append((try row.number("day"), try row.bytes("hours"))) }
            let around: StatementArguments = [site.number, days.lowerBound - 1, days.upperBound + 1]
            kept.visitors = try Row.fetchAll(
                db, sql: "SELECT day, visitors FROM day WHERE site = ? AND day BETWEEN ? AND ? ORDER BY day",
                arguments: around
            ).map { (try $0.localDay("day"), Int(try $0.number("visitors"))) }
            kept.corrections = try Row.fetchAll(
                db,
                sql: """
                    SELECT day, visits, views FROM audit WHERE site = ? AND kind = 'correction' AND day BETWEEN ? AND ?
                    ORDER BY id
                    """, arguments: around
            ).map { (try $0.localDay("day"), try $0.number("visits"), try $0.number("views")) }
            kept.uptime = try Row.fetchAll(
                db, sql: "SELECT began, ended FROM uptime WHERE ended >= ? AND began < ? ORDER BY began",
                arguments: [days.lowerBound * 86_400_000, (days.upperBound + 1) * 86_400_000]
            ).map { (Moment(milliseconds: try $0.number("began")), Moment(milliseconds: try $0.number("ended"))) }
            return kept
        }
    }

    /// The first UTC day of a site with history, or the first local day with a correction.
    public func beginning(of site: SiteIndex) throws(StorageError) -> LocalDay? {
        try read { db in
            let counted = try Int64.fetchOne(
                db, sql: "SELECT min(day) FROM quarter WHERE site = ?", arguments: [site.number])
            let added = try Int64.fetchOne(
                db, sql: "SELECT min(day) FROM audit WHERE site = ? AND kind = 'correction'", arguments: [site.number])
            return [counted, added].compactMap { $0 }.min().map { LocalDay(number: Int32(clamping: $0)) }
        }
    }

    /// The rankings of a closed local day; nil if none are stored.
    public func rankings(
        of site: SiteIndex, on day: LocalDay
    ) throws(StorageError) -> (pages: Top, referrers: Top)? {
        try read { db in
            let rows = try Row.fetchAll(
                db,
                sql:
                    "SELECT kind, place, name, views, entries FROM ranking WHERE site = ? AND day = ? ORDER BY kind, place",
                arguments: [site.number, Int(day.number)])
            func top(_ kind: Int) throws -> Top {
                var top = Top(rows: [], other: 0, isApproximate: false)
                for row in rows where try row.number("kind") == kind {
                    let (views, entries) = (try row.count("views"), try row.count("entries"))
                    if try row.number("place") < 0 {
                        top.other = views
                        top.isApproximate = entries > 0
                    } else {
                        top.rows.append(RankingRow(key: try row.bytes("name"), views: views, entries: entries))
                    }
                }
                return top
            }
            return rows.isEmpty ? nil : (try top(0), try top(1))
        }
    }

    private func read<T>(_ body: (GRDB.Database) throws -> T) throws(StorageError) -> T {
        try Database.translating(path) {
            var configuration = Configuration()
            configuration.label = "footfall.history"
            configuration.readonly = true
            configuration.busyMode = .timeout(5)
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            let found = Result { try queue.read(body) }
            try queue.close()
            return try found.get()
        }
    }
}

extension Row {
    fileprivate func localDay(_ column: String) throws -> LocalDay {
        LocalDay(number: Int32(clamping: try number(column)))
    }
}
