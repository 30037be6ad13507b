import Counting
import Foundation
import Zones

/// Totals by day, out of what other counters export.
struct DayTable {
    struct Day {
        var day: LocalDay
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

    /// Reads a text to its end. The lines of GoatCounter are moments, which lie in days of `zone`.
    init(_ rows: inout CSV, in zone: Zone) throws(Unreadable) {
        guard let head = try rows.next()?.map({ $0.trimmingCharacters(in: .whitespaces).lowercased() }) else {
            throw Unreadable(reason: "there is nothing in it")
        }
        if head.contains("c_type") {
            (days, site, total) = ([], nil, try Self.nukeViet(head, &rows))
        } else if head.contains(where: { $0.hasSuffix("path") }), head.contains("firstvisit"), head.contains("date") {
            (days, site, total) = (try Self.goatCounter(head, &rows, zone), nil, nil)
        } else {
            let found = try Self.totals(head, &rows)
            (days, site, total) = (found.days, found.site, nil)
        }
    }

    /// What is there, by day, out of our own export.
    static func kept(_ export: Data) throws -> [LocalDay: Day] {
        var rows = CSV(export)
        guard let head = try rows.next() else { return [:] }
        return Dictionary(try totals(head, &rows).days.map { ($0.day, $0) }) { first, _ in first }
    }

    private static func totals(
        _ head: [String], _ rows: inout CSV
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
        var found: [LocalDay: Day] = [:]
        var named: String?
        while let row = try rows.next() {
            func number(_ column: Int?) throws(Unreadable) -> Int64? {
                guard let column, column < row.count, !row[column].isEmpty else { return nil }
                guard let number = Self.number(row[column]), number.magnitude < 1 << 50 else {
                    throw Unreadable(reason: "line \(rows.line): \(row[column]) is no number")
                }
                return number
            }
            guard day < row.count, let date = LocalDay(row[day]) else {
                throw Unreadable(reason: "line \(rows.line) has no day such as 2026-11-23")
            }
            guard found[date] == nil else { throw Unreadable(reason: "line \(rows.line): \(date) is there twice") }
            found[date] = Day(
                day: date, visits: try number(visits), views: try number(views),
                isCounted: max(try number(visitors) ?? 0, try number(peak) ?? 0) > 0)
            guard let site, site < row.count else { continue }
            guard named == nil || named == row[site] else {
                throw Unreadable(
                    reason: "it has days of \(named ?? "") and of \(row[site]); one site at a time, please")
            }
            named = row[site]
        }
        return (found.values.sorted { $0.day < $1.day }, named)
    }

    /// `1234`, or `1,234` with a comma, a dot or a space at every thousand: nothing that may be a fraction.
    private static func number(_ text: String) -> Int64? {
        let text = text.trimmingCharacters(in: .whitespaces)
        let groups = text.split(omittingEmptySubsequences: false) { ",. ".contains($0) }
        guard groups.dropFirst().allSatisfy({ $0.count == 3 }), groups.count == 1 || (groups.first?.count ?? 0) < 4,
            Set(text.filter { ",. ".contains($0) }).count < 2
        else { return nil }
        return Int64(groups.joined())
    }

    /// A line is a hit. Where it names its session, the session's first line is where a visit began, for `FirstVisit` is true of
    /// each first view of a page. Bots and events are no views.
    private static func goatCounter(
        _ head: [String], _ rows: inout CSV, _ zone: Zone
    ) throws(Unreadable) -> [Day] {
        func column(_ name: String) -> Int? { head.firstIndex(of: name) }
        guard let date = column("date"), let first = column("firstvisit") else { throw Unreadable(reason: "it is cut") }
        let (bot, event, session) = (column("bot"), column("event"), column("session"))
        // By their hashes, which take the same room however a session is called.
        var sessions: Set<Int> = []
        var found: [LocalDay: Day] = [:]
        var local = zone.day(at: 0)
        while let row = try rows.next() {
            guard date < row.count, first < row.count else { throw Unreadable(reason: "line \(rows.line) is cut") }
            if let bot, bot < row.count, !["0", ""].contains(row[bot]) { continue }
            if let event, event < row.count, ["true", "1"].contains(row[event].lowercased()) { continue }
            guard let second = second(of: row[date]) else {
                throw Unreadable(reason: "line \(rows.line) has no date such as 2026-11-23T07:00:00Z")
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

    /// The second of a moment as GoatCounter writes it, which is in UTC.
    private static func second(of text: String) -> Int64? {
        let parts = text.utf8.split { [0x2d, 0x54, 0x3a, 0x20, 0x5a].contains($0) }
        guard text.utf8.count == 20, text.hasSuffix("Z"), parts.count == 6, let day = LocalDay(String(text.prefix(10))),
            let hour = Int64(Substring(parts[3])), let minute = Int64(Substring(parts[4])),
            let second = Int64(Substring(parts[5])), hour < 24, minute < 60, second <= 60
        else { return nil }
        return Int64(day.number) * 86_400 + hour * 3600 + minute * 60 + second
    }

    /// Of its table `counter` only the row of type `total` is a number that is not of a year or a browser.
    private static func nukeViet(_ head: [String], _ rows: inout CSV) throws(Unreadable) -> Int64 {
        guard let type = head.firstIndex(of: "c_type"), let value = head.firstIndex(of: "c_val"),
            let count = head.firstIndex(of: "c_count")
        else { throw Unreadable(reason: "it has no columns c_type, c_val and c_count") }
        var total: Int64?
        while let row = try rows.next() {
            guard max(type, value, count) < row.count, row[type] == "total", row[value] == "hits" else { continue }
            if let number = Int64(row[count]), number >= 0 { total = total ?? number }
        }
        guard let total else { throw Unreadable(reason: "it has no row of the type total with a number") }
        return total
    }
}

/// Rows of RFC 4180, one after the other: fields in quotes may hold commas, quotes that are doubled, and line ends. A row is
/// all of a text that is held, and none is longer than `bytesMax`.
struct CSV {
    /// Where the last row begins, from 1.
    private(set) var line = 1
    private var lineEnds = 0
    private let more: () throws -> Data?
    private var bytes: Data
    private var place: Int
    private static let bytesMax = 1 << 20

    /// A text that comes in pieces, each when the one before was read; nil or an empty one is the end.
    init(_ more: @escaping () throws -> Data?) {
        self.more = more
        bytes = Data()
        place = 0
    }

    init(_ text: Data) {
        self.init { nil }
        bytes = text
        place = text.startIndex
    }

    private mutating func peek() throws(DayTable.Unreadable) -> UInt8? {
        if place == bytes.endIndex {
            do {
                bytes = try more() ?? Data()
            } catch {
                throw DayTable.Unreadable(reason: error.localizedDescription)
            }
            place = bytes.startIndex
        }
        return place < bytes.endIndex ? bytes[place] : nil
    }

    /// The next row that is not empty.
    mutating func next() throws(DayTable.Unreadable) -> [String]? {
        var row: [String] = []
        var field: [UInt8] = []
        var isQuoted = false
        var count = 0
        line = lineEnds + 1
        func ended() -> String {
            let text = String(decoding: field, as: UTF8.self)
            // What a table for spreadsheets has in front of a field that could be a formula.
            return text.hasPrefix("'") && text.count > 1 ? String(text.dropFirst()) : text
        }
        while let byte = try peek() {
            place += 1
            count += 1
            if byte == 0x0a { lineEnds += 1 }
            guard count <= Self.bytesMax else { throw DayTable.Unreadable(reason: "line \(line) does not end") }
            switch byte {
            case 0x22 where isQuoted:
                if try peek() == 0x22 {
                    field.append(byte)
                    place += 1
                } else {
                    isQuoted = false
                }
            case 0x22 where field.isEmpty: isQuoted = true
            case 0x2c where !isQuoted:
                row.append(ended())
                field.removeAll(keepingCapacity: true)
            case 0x0d where !isQuoted: if try peek() != 0x0a { field.append(byte) }
            case 0x0a where !isQuoted:
                row.append(ended())
                if row != [""] { return row }
                row = []
                field.removeAll(keepingCapacity: true)
                line = lineEnds + 1
                count = 0
            default:
                field.append(byte)
                // The mark that some begin a text with.
                if line == 1, field == [0xef, 0xbb, 0xbf], row.isEmpty { field = [] }
            }
        }
        row.append(ended())
        return row == [""] ? nil : row
    }
}
