import Counting
import GRDB

/// Rows of history, either returned by an engine or read from a database.
struct History: Equatable {
    struct Key: Hashable {
        var site: Int
        /// A quarter hour or a day.
        var time: Int64
    }

    struct Day: Equatable {
        var timezone: String
        var views: Int64, visits: Int64, bots: Int64
        var visitors: Int
        var isExact: Bool
        var peak: Int64, peakAt: Int64
    }

    /// Views, visits, pings, bots, peak.
    var quarters: [Key: [Int64]] = [:]
    var days: [Key: Day] = [:]
    var uptime: [[Int64]] = []
    var audits: [[String]] = []

    init() {}

    /// The differences from the expected history; empty if there are none.
    func differences(from expected: History) -> [String] {
        var differences: [String] = []
        for key in Set(quarters.keys).union(expected.quarters.keys) where quarters[key] != expected.quarters[key] {
            differences.append("\(key): \(quarters[key] ?? []), not \(expected.quarters[key] ?? [])")
        }
        for key in Set(days.keys).union(expected.days.keys) where days[key] != expected.days[key] {
            differences.append(
                "\(key): \(String(describing: days[key])), not \(String(describing: expected.days[key]))")
        }
        if uptime != expected.uptime { differences.append("up \(uptime), not \(expected.uptime)") }
        if audits != expected.audits { differences.append("audit \(audits), not \(expected.audits)") }
        return differences
    }

    /// Views in all quarter hours.
    var views: Int64 { quarters.values.reduce(0) { $0 + $1[0] } }
    func views(of site: Int) -> Int64 { quarters.reduce(0) { $0 + ($1.key.site == site ? $1.value[0] : 0) } }

    /// Adds rows. Rows with the same key add up.
    mutating func add(_ rows: [HistoryRow]) {
        for row in rows {
            switch row {
            case .quarter(let site, let quarter):
                let values = [quarter.views, quarter.visits, quarter.pings, quarter.bots].map(Int64.init)
                add(values + [Int64(quarter.peak)], to: Key(site: site.number, time: quarter.number))
            case .day(let site, let day): add(day, of: site)
            case .uptime(let from, let to): uptime.append([from.milliseconds, to.milliseconds])
            case .audit(let audit):
                let numbers = [audit.visits, audit.views, audit.formerVisits, audit.formerViews].map(String.init)
                let day = audit.day.map { String($0.number) } ?? "-"
                audits.append(
                    [String(audit.note.at.milliseconds), String(audit.site.number), audit.kind.rawValue, day]
                        + numbers + [audit.note.by, audit.note.note])
            }
        }
    }

    private mutating func add(_ values: [Int64], to key: Key) {
        guard let before = quarters[key] else {
            quarters[key] = values
            return
        }
        quarters[key] = zip(before, values).map(+).dropLast() + [max(before[4], values[4])]
    }

    private mutating func add(_ closed: ClosedDay, of site: SiteIndex) {
        let key = Key(site: site.number, time: Int64(closed.day.number))
        let day = Day(
            timezone: closed.timezone, views: Int64(closed.views), visits: Int64(closed.visits),
            bots: Int64(closed.bots), visitors: closed.visitors, isExact: closed.isVisitorsExact,
            peak: Int64(closed.peak.visitors), peakAt: closed.peak.at.milliseconds)
        guard var sum = days[key] else {
            days[key] = day
            return
        }
        sum.views += day.views
        sum.visits += day.visits
        sum.bots += day.bots
        sum.visitors = max(sum.visitors, day.visitors)
        sum.isExact = false
        if day.peak > sum.peak { (sum.peak, sum.peakAt) = (day.peak, day.peakAt) }
        days[key] = sum
    }

    /// The content of the tables.
    init(database path: String) throws {
        for row in try rows(path, "SELECT site, day, hex(hours) FROM quarter") {
            let bytes = stride(from: 0, to: row[2].utf8.count, by: 2).map { i in
                UInt8(row[2].dropFirst(i).prefix(2), radix: 16) ?? 0
            }
            try QuarterDay.forEach(in: bytes, of: Int64(row[1]) ?? -1) { quarter in
                quarters[Key(site: Int(row[0]) ?? -1, time: quarter.number)] =
                    [quarter.views, quarter.visits, quarter.pings, quarter.bots].map(Int64.init) + [Int64(quarter.peak)]
            }
        }
        let columns = "site, day, timezone, views, visits, bots, visitors, exact, peak, peak_at"
        for row in try rows(path, "SELECT \(columns) FROM day") {
            let numbers = row.map { Int64($0) ?? -1 }
            days[Key(site: Int(numbers[0]), time: numbers[1])] = Day(
                timezone: row[2], views: numbers[3], visits: numbers[4], bots: numbers[5], visitors: Int(numbers[6]),
                isExact: numbers[7] == 1, peak: numbers[8], peakAt: numbers[9])
        }
        uptime = try rows(path, "SELECT began, ended FROM uptime ORDER BY rowid").map { $0.map { Int64($0) ?? -1 } }
        audits = try rows(
            path,
            """
            SELECT at, site, kind, day, visits, views, former_visits, former_views, by, note FROM audit
            WHERE kind IN ('start', 'correction') ORDER BY id
            """)
    }
}

/// The rows of a query as texts, NULL as `-`, over a separate connection that writes nothing.
func rows(_ path: String, _ query: String) throws -> [[String]] {
    var configuration = Configuration()
    configuration.readonly = true
    let database = try DatabaseQueue(path: path, configuration: configuration)
    defer { withExtendedLifetime(database) {} }
    return try database.read { db in
        try Row.fetchAll(db, sql: query).map { row in
            row.databaseValues.map { value in
                switch value.storage {
                case .null: "-"
                case .int64(let number): String(number)
                case .double(let number): String(number)
                case .string(let text): text
                case .blob(let bytes): String(decoding: bytes, as: UTF8.self)
                }
            }
        }
    }
}

/// Changes a database from outside the daemon.
func tamper(_ path: String, _ statements: String) throws {
    let database = try DatabaseQueue(path: path)
    try database.writeWithoutTransaction { try $0.execute(sql: statements) }
    try database.close()
}
