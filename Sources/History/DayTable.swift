public import Counting
public import Foundation
import Zones

/// Daily totals from the export of another counter.
public struct DayTable: Sendable {
    /// The totals of one day.
    public struct Day: Equatable, Sendable {
        /// The day.
        public var day: LocalDay
        /// Nil if the table has no such column, or the field is empty.
        public var visits: Int64?, views: Int64?
        /// The day has visitors or a peak of its own, so it was counted and not imported.
        public var isCounted = false
    }

    /// Each day once, sorted.
    public let days: [Day]
    /// The site that the table names, if any.
    public let site: String?
    /// The total of a counter that no longer knows its days.
    public let total: Int64?

    /// Reads a table to its end. GoatCounter exports moments; they are assigned to days in `timezone`, or in UTC if this
    /// machine does not know that zone.
    public init(_ rows: inout CSV, timezone: String) throws(UnreadableTable) {
        guard let head = try rows.next()?.map({ $0.trimmingCharacters(in: .whitespaces).lowercased() }) else {
            throw UnreadableTable(reason: "there is nothing in it")
        }
        if head.contains("c_type") {
            (days, site, total) = ([], nil, try Self.nukeViet(head, &rows))
        } else if head.contains(where: { $0.hasSuffix("path") }), head.contains("firstvisit"), head.contains("date") {
            (days, site, total) = (try Self.goatCounter(head, &rows, LocalCalendar.zone(named: timezone)), nil, nil)
        } else {
            let found = try Self.totals(head, &rows)
            (days, site, total) = (found.days, found.site, nil)
        }
    }

    /// The days in Footfall's own export.
    public static func kept(_ export: Data) throws -> [LocalDay: Day] {
        var rows = CSV(export)
        guard let head = try rows.next() else { return [:] }
        return Dictionary(try totals(head, &rows).days.map { ($0.day, $0) }) { first, _ in first }
    }

    private static func totals(
        _ head: [String], _ rows: inout CSV
    ) throws(UnreadableTable) -> (days: [Day], site: String?) {
        guard let day = head.firstIndex(where: { $0 == "day" || $0 == "date" }) else {
            throw UnreadableTable(reason: "its first line names no column day")
        }
        func column(_ names: String...) -> Int? { head.firstIndex { names.contains($0) } }
        let (visits, views) = (
            column("visits", "sessions", "visit"), column("views", "pageviews", "page_views", "hits")
        )
        guard visits != nil || views != nil else {
            throw UnreadableTable(reason: "its first line names neither visits nor views")
        }
        let (visitors, peak, site) = (column("visitors"), column("peak_online"), column("site"))
        var found: [LocalDay: Day] = [:]
        var named: String?
        while let row = try rows.next() {
            func number(_ column: Int?) throws(UnreadableTable) -> Int64? {
                guard let column, column < row.count, !row[column].isEmpty else { return nil }
                guard let number = Self.number(row[column]), number.magnitude < 1 << 50 else {
                    throw UnreadableTable(reason: "line \(rows.line): \(row[column]) is no number")
                }
                return number
            }
            guard day < row.count, let date = LocalDay(row[day]) else {
                throw UnreadableTable(reason: "line \(rows.line) has no day such as 2026-11-23")
            }
            guard found[date] == nil else { throw UnreadableTable(reason: "line \(rows.line): \(date) is there twice") }
            found[date] = Day(
                day: date, visits: try number(visits), views: try number(views),
                isCounted: max(try number(visitors) ?? 0, try number(peak) ?? 0) > 0)
            guard let site, site < row.count else { continue }
            guard named == nil || named == row[site] else {
                throw UnreadableTable(
                    reason: "it has days of \(named ?? "") and of \(row[site]); one site at a time, please")
            }
            named = row[site]
        }
        return (found.values.sorted { $0.day < $1.day }, named)
    }

    /// Parses `1234`, or `1,234` with a comma, dot or space at every thousand. Anything that could be a fraction is refused.
    private static func number(_ text: String) -> Int64? {
        let text = text.trimmingCharacters(in: .whitespaces)
        let groups = text.split(omittingEmptySubsequences: false) { ",. ".contains($0) }
        guard groups.dropFirst().allSatisfy({ $0.count == 3 }), groups.count == 1 || (groups.first?.count ?? 0) < 4,
            Set(text.filter { ",. ".contains($0) }).count < 2
        else { return nil }
        return Int64(groups.joined())
    }

    /// Each line is a hit. A visit begins with the first line of its session, because `FirstVisit` is also true for the first
    /// view of each further page; without a session, `FirstVisit` decides. Bots and events are skipped.
    private static func goatCounter(
        _ head: [String], _ rows: inout CSV, _ zone: Zone
    ) throws(UnreadableTable) -> [Day] {
        func column(_ name: String) -> Int? { head.firstIndex(of: name) }
        guard let date = column("date"), let first = column("firstvisit") else {
            throw UnreadableTable(reason: "it is cut")
        }
        let (bot, event, session) = (column("bot"), column("event"), column("session"))
        // Hashes take the same memory however long a session's name is.
        var sessions: Set<Int> = []
        var found: [LocalDay: Day] = [:]
        var local = zone.day(at: 0)
        while let row = try rows.next() {
            guard date < row.count, first < row.count else { throw UnreadableTable(reason: "line \(rows.line) is cut") }
            if let bot, bot < row.count, !["0", ""].contains(row[bot]) { continue }
            if let event, event < row.count, ["true", "1"].contains(row[event].lowercased()) { continue }
            guard let second = second(of: row[date]) else {
                throw UnreadableTable(reason: "line \(rows.line) has no date such as 2026-11-23T07:00:00Z")
            }
            if !(local.begins..<local.ends).contains(second) { local = zone.day(at: second) }
            let day = LocalDay(number: local.number)
            let isFirst =
                if let session, session < row.count, !row[session].isEmpty {
                    sessions.insert(row[session].hashValue).inserted
                } else { ["true", "1"].contains(row[first].lowercased()) }
            let before = found[day] ?? Day(day: day, visits: 0, views: 0)
            found[day] = Day(day: day, visits: (before.visits ?? 0) + (isFirst ? 1 : 0), views: (before.views ?? 0) + 1)
        }
        return found.values.sorted { $0.day < $1.day }
    }

    /// Parses a moment as GoatCounter writes it, in UTC.
    private static func second(of text: String) -> Int64? {
        let parts = text.utf8.split { [0x2d, 0x54, 0x3a, 0x20, 0x5a].contains($0) }
        guard text.utf8.count == 20, text.hasSuffix("Z"), parts.count == 6, let day = LocalDay(String(text.prefix(10))),
            let hour = Int64(Substring(parts[3])), let minute = Int64(Substring(parts[4])),
            let second = Int64(Substring(parts[5])), hour < 24, minute < 60, second <= 60
        else { return nil }
        return Int64(day.number) * 86_400 + hour * 3600 + minute * 60 + second
    }

    /// In NukeViet's table `counter`, only the row of type `total` is the site's total; the others count a year or a browser.
    private static func nukeViet(_ head: [String], _ rows: inout CSV) throws(UnreadableTable) -> Int64 {
        guard let type = head.firstIndex(of: "c_type"), let value = head.firstIndex(of: "c_val"),
            let count = head.firstIndex(of: "c_count")
        else { throw UnreadableTable(reason: "it has no columns c_type, c_val and c_count") }
        var total: Int64?
        while let row = try rows.next() {
            guard max(type, value, count) < row.count, row[type] == "total", row[value] == "hits" else { continue }
            if let number = Int64(row[count]), number >= 0 { total = total ?? number }
        }
        guard let total else { throw UnreadableTable(reason: "it has no row of the type total with a number") }
        return total
    }
}
