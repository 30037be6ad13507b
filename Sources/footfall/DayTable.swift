import Foundation

/// Totals by day, out of what other counters export.
struct DayTable {
    struct Day {
        /// `2026-11-23`.
        var day: String
        var visits: Int64?, views: Int64?
        /// Somebody was seen, not only added.
        var isCounted = false
    }

    /// Why a text is no such table.
    struct Unreadable: Error { let reason: String }

    /// Each day once, in order.
    let days: [Day]
    /// What the text says that it is of.
    let site: String?
    /// The number of a counter that knows no days any more.
    let total: Int64?

    init(_ text: String) throws(Unreadable) {
        var rows = CSV.rows(text)
        guard let head = rows.first?.map({ $0.trimmingCharacters(in: .whitespaces).lowercased() }) else {
            throw Unreadable(reason: "there is nothing in it")
        }
        rows.removeFirst()
        if head.contains("c_type") {
            (days, site, total) = ([], nil, try Self.nukeViet(head, rows))
        } else if head.contains(where: { $0.hasSuffix("path") }), head.contains("firstvisit"), head.contains("date") {
            (days, site, total) = (try Self.goatCounter(head, rows), nil, nil)
        } else {
            let found = try Self.totals(head, rows)
            (days, site, total) = (found.days, found.site, nil)
        }
    }

    /// What is there, by day, out of our own export.
    static func kept(_ text: String) throws -> [String: Day] {
        Dictionary(try DayTable(text).days.map { ($0.day, $0) }) { first, _ in first }
    }

    private static func totals(
        _ head: [String], _ rows: [[String]]
    ) throws(Unreadable) -> (days: [Day], site: String?) {
        guard let day = head.firstIndex(where: { $0 == "day" || $0 == "date" }) else {
            throw Unreadable(reason: "its first line names no column day")
        }
        func column(_ names: String...) -> Int? { head.firstIndex { names.contains($0) } }
        let (visits, views) = (
            column("visits", "sessions", "visit"), column("views", "pageviews", "page_views", "hits")
        )
        guard visits != nil || views != nil else {
            throw Unreadable(reason: "its first line names neither visits nor views")
        }
        let (visitors, peak, site) = (column("visitors"), column("peak_online"), column("site"))
        var found: [String: Day] = [:]
        for (i, row) in rows.enumerated() {
            func number(_ column: Int?) throws(Unreadable) -> Int64? {
                guard let column, column < row.count, !row[column].isEmpty else { return nil }
                guard let number = Int64(row[column].filter { $0 != "," && $0 != " " }), number.magnitude < 1 << 50
                else {
                    throw Unreadable(reason: "line \(i + 2): \(row[column]) is no number")
                }
                return number
            }
            guard day < row.count, row[day].wholeMatch(of: /\d{4}-\d{2}-\d{2}/) != nil else {
                throw Unreadable(reason: "line \(i + 2) has no day such as 2026-11-23")
            }
            guard found[row[day]] == nil else { throw Unreadable(reason: "line \(i + 2): \(row[day]) is there twice") }
            found[row[day]] = Day(
                day: row[day], visits: try number(visits), views: try number(views),
                isCounted: max(try number(visitors) ?? 0, try number(peak) ?? 0) > 0)
        }
        let sites = site.map { site in Set(rows.compactMap { site < $0.count ? $0[site] : nil }) } ?? []
        guard sites.count < 2 else {
            throw Unreadable(reason: "it has days of \(sites.count) sites; one at a time, please")
        }
        return (found.values.sorted { $0.day < $1.day }, sites.first)
    }

    /// A line is a hit, `FirstVisit` says that a visit began with it. Bots and events are no views.
    private static func goatCounter(_ head: [String], _ rows: [[String]]) throws(Unreadable) -> [Day] {
        func column(_ name: String) -> Int? { head.firstIndex(of: name) }
        guard let date = column("date"), let first = column("firstvisit") else { throw Unreadable(reason: "it is cut") }
        var found: [String: Day] = [:]
        for (i, row) in rows.enumerated() {
            guard date < row.count, first < row.count else { throw Unreadable(reason: "line \(i + 2) is cut") }
            let isBot = column("bot").map { $0 < row.count && !["0", ""].contains(row[$0]) } ?? false
            let isEvent =
                column("event").map { $0 < row.count && ["true", "1"].contains(row[$0].lowercased()) } ?? false
            if isBot || isEvent { continue }
            let day = String(row[date].prefix(10))
            guard day.wholeMatch(of: /\d{4}-\d{2}-\d{2}/) != nil else {
                throw Unreadable(reason: "line \(i + 2) has no date")
            }
            let isFirst = ["true", "1"].contains(row[first].lowercased())
            let before = found[day] ?? Day(day: day, visits: 0, views: 0)
            found[day] = Day(day: day, visits: (before.visits ?? 0) + (isFirst ? 1 : 0), views: (before.views ?? 0) + 1)
        }
        return found.values.sorted { $0.day < $1.day }
    }

    /// Of its table `counter` only the row of type `total` is a number that is not of a year or a browser.
    private static func nukeViet(_ head: [String], _ rows: [[String]]) throws(Unreadable) -> Int64 {
        guard let type = head.firstIndex(of: "c_type"), let value = head.firstIndex(of: "c_val"),
            let count = head.firstIndex(of: "c_count")
        else { throw Unreadable(reason: "it has no columns c_type, c_val and c_count") }
        let total = rows.first { row in
            max(type, value, count) < row.count && row[type] == "total" && row[value] == "hits"
        }
        guard let total, let number = Int64(total[count]), number >= 0 else {
            throw Unreadable(reason: "it has no row of the type total with a number")
        }
        return number
    }
}

/// RFC 4180: fields in quotes may hold commas, quotes that are doubled, and line ends.
enum CSV {
    static func rows(_ text: String) -> [[String]] {
        var rows: [[String]] = []
        var (row, field): ([String], String) = ([], "")
        var isQuoted = false
        var rest = text.unicodeScalars.drop { $0 == "\u{feff}" }[...]
        func endRow() {
            row.append(field)
            if row != [""] { rows.append(row) }
            (row, field) = ([], "")
        }
        while let scalar = rest.popFirst() {
            switch scalar {
            case "\"" where isQuoted && rest.first == "\"":
                field.unicodeScalars.append(scalar)
                rest.removeFirst()
            case "\"" where isQuoted || field.isEmpty: isQuoted.toggle()
            case "," where !isQuoted:
                row.append(field)
                field = ""
            case "\r" where !isQuoted && rest.first == "\n": break
            case "\n" where !isQuoted: endRow()
            default: field.unicodeScalars.append(scalar)
            }
        }
        endRow()
        // What a table for spreadsheets has in front of a field that could be a formula.
        return rows.map { row in row.map { $0.hasPrefix("'") && $0.count > 1 ? String($0.dropFirst()) : $0 } }
    }
}
