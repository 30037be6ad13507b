import Counting
import Foundation
import GRDB

/// Writes the history rows that closed since the last checkpoint into their tables.
///
/// A row with an existing key is added to the stored row: a clock that went back may open a quarter hour or a day
/// again.
extension GRDB.Database {
    /// Days for which a day's ranking is stored.
    private static var rankingDaysKept: Int { 400 }

    func insert(_ row: HistoryRow) throws {
        switch row {
        case .quarter(let site, let quarter): try insert(site, quarter)
        case .day(let site, let day): try insert(site, day)
        case .uptime(let from, let to):
            try execute(
                sql: "INSERT INTO uptime (began, ended) VALUES (?, ?)",
                arguments: [from.milliseconds, to.milliseconds])
        case .audit(let audit):
            try execute(
                sql: """
                    INSERT INTO audit (at, site, kind, day, visits, views, former_visits, former_views, by, note)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    audit.note.at.milliseconds, audit.site.number, audit.kind.rawValue,
                    audit.day.map { Int($0.number) }, audit.visits, audit.views, audit.formerVisits,
                    audit.formerViews, audit.note.by, audit.note.note,
                ])
        }
    }

    func insert(_ site: SiteIndex, _ quarter: Quarter) throws {
        let number = quarter.number / QuarterDay.count
        let kept = try cachedStatement(sql: "SELECT hours FROM quarter WHERE site = ? AND day = ?")
        var day = QuarterDay(day: number)
        if let row = try Row.fetchOne(kept, arguments: [site.number, number]) {
            day = try QuarterDay(day: number, bytes: try row.bytes("hours"))
        }
        day.add(quarter)
        let insert = try cachedStatement(sql: "INSERT OR REPLACE INTO quarter (site, day, hours) VALUES (?, ?, ?)")
        try insert.execute(arguments: [site.number, number, Data(day.bytes)])
    }

    private func insert(_ site: SiteIndex, _ day: ClosedDay) throws {
        let number = Int(day.day.number)
        try execute(
            sql: """
                INSERT INTO day (site, day, timezone, views, visits, bots, visitors, exact, peak, peak_at)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT DO UPDATE SET
                    views = views + excluded.views, visits = visits + excluded.visits, bots = bots + excluded.bots,
                    visitors = max(visitors, excluded.visitors), exact = 0,
                    peak_at = CASE WHEN excluded.peak > peak THEN excluded.peak_at ELSE peak_at END,
                    peak = max(peak, excluded.peak)
                """,
            arguments: [
                site.number, number, day.timezone, Int64(day.views), Int64(day.visits), Int64(day.bots),
                day.visitors, day.isVisitorsExact, day.peak.visitors, day.peak.at.milliseconds,
            ])
        try insert(day.pages, site, number, kind: 0)
        try insert(day.referrers, site, number, kind: 1)
        try execute(
            sql: "DELETE FROM ranking WHERE site = ? AND day < ?",
            arguments: [site.number, number - Self.rankingDaysKept])
    }

    private func insert(_ top: Top, _ site: SiteIndex, _ day: Int, kind: Int) throws {
        var rows = top.rows
        var other = top.other
        var isApproximate = top.isApproximate
        let key: StatementArguments = [site.number, day, kind]
        let before = try Row.fetchAll(
            self, sql: "SELECT place, name, views, entries FROM ranking WHERE site = ? AND day = ? AND kind = ?",
            arguments: key)
        for row in before {
            let (views, entries) = (try row.count("views"), try row.count("entries"))
            let name = try row.bytes("name")
            if try row.number("place") < 0 {
                other += views
                isApproximate = isApproximate || entries > 0
            } else if let i = rows.firstIndex(where: { $0.key == name }) {
                rows[i].views += views
                rows[i].entries += entries
            } else {
                rows.append(RankingRow(key: name, views: views, entries: entries))
            }
        }
        if !before.isEmpty {
            rows.sort { $0.views != $1.views ? $0.views > $1.views : $0.key.lexicographicallyPrecedes($1.key) }
            other += rows.dropFirst(rankingRowsKept).reduce(0) { $0 + $1.views }
            rows = Array(rows.prefix(rankingRowsKept))
            try execute(sql: "DELETE FROM ranking WHERE site = ? AND day = ? AND kind = ?", arguments: key)
        }
        let statement = try cachedStatement(
            sql: "INSERT INTO ranking (site, day, kind, place, name, views, entries) VALUES (?, ?, ?, ?, ?, ?, ?)")
        for (place, row) in rows.enumerated() {
            try statement.execute(
                arguments: [
                    site.number, day, kind, place, Data(row.key), Int64(row.views), Int64(row.entries),
                ])
        }
        if other > 0 || isApproximate {
            try statement.execute(
                arguments: [site.number, day, kind, -1, Data(), Int64(other), isApproximate ? 1 : 0])
        }
    }
}

extension Row {
    /// A count. The value of a damaged row is limited, so that sums of a whole ranking fit.
    func count(_ column: String) throws -> UInt64 {
        UInt64(Swift.min(Swift.max(0, try number(column)), 1 << 50))
    }
}
