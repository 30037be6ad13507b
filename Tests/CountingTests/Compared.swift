import Counting

/// Named numbers, to compare two reports.
struct Numbers {
    private var names: [StaticString] = []
    private var values: [Int64] = []

    mutating func add(_ name: StaticString, _ value: some BinaryInteger) {
        names.append(name)
        values.append(Int64(value))
    }

    mutating func add(_ name: StaticString, _ peak: ComparedPeak) {
        add(name, peak.visitors)
        add(name, peak.at.milliseconds)
    }

    mutating func add(_ name: StaticString, _ sums: (visits: Int64, views: Int64, visitors: Int)) {
        add(name, sums.visits)
        add(name, sums.views)
        add(name, sums.visitors)
    }

    mutating func add(window views: [NaiveCounter.Seen]) {
        add("window visits", views.count { $0.beginsVisit })
        add("window views", views.count)
    }

    init() {}

    /// The numbers of the engine's report, in the order of `NaiveCounter.numbers(of:)`.
    init(_ report: SiteReport) {
        add("day", report.day.number)
        add("since", report.since.milliseconds)
        add("online", report.online)
        add("window", report.onlineWindowSeconds)
        add("peak today", ComparedPeak(report.peakToday))
        add("peak", ComparedPeak(report.peak))
        add("total", report.total)
        add("total visits", report.totalVisits)
        add("total views", report.totalViews)
        add("start visits", report.baselineVisits)
        add("start views", report.baselineViews)
        add("today", (report.today.visits, report.today.views, report.today.visitors))
        add("yesterday", (report.yesterday.visits, report.yesterday.views, report.yesterday.visitors))
        add("month", (report.month.visits, report.month.views, report.month.visitors))
        for window in report.windows {
            add("window visits", window.visits)
            add("window views", window.views)
        }
        add("bots today", report.botsToday)
        add("bots", report.bots)
        add("rejected", report.rejected)
        add("online exact", report.isOnlineExact ? 1 : 0)
        add("visitors exact", report.isVisitorsExact ? 1 : 0)
    }

    /// The first number that differs, in words.
    func difference(from expected: Numbers) -> String? {
        guard values.count == expected.values.count else {
            return "\(values.count) numbers, not \(expected.values.count)"
        }
        return values.indices.first { values[$0] != expected.values[$0] }.map {
            "\(names[$0]) (place \($0)) is \(values[$0]), counted from scratch \(expected.values[$0])"
        }
    }
}

/// A peak with values of the test's own types.
struct ComparedPeak: Equatable {
    var visitors: Int
    var at: Moment

    init(visitors: Int, at: Moment) {
        self.visitors = visitors
        self.at = at
    }

    init(_ peak: Peak) { self.init(visitors: peak.visitors, at: peak.at) }
}

/// The first rows of a ranking, in the same way.
struct ComparedTop: Equatable {
    struct Row: Equatable {
        var key: [UInt8]
        var views: UInt64
        var entries: UInt64
    }

    var rows: [Row]
    var other: UInt64
    var isApproximate: Bool

    init(rows: [Row], other: UInt64, isApproximate: Bool) {
        self.rows = rows
        self.other = other
        self.isApproximate = isApproximate
    }

    init(_ top: Top) {
        let rows = top.rows.map { Row(key: $0.key, views: $0.views, entries: $0.entries) }
        self.init(rows: rows, other: top.other, isApproximate: top.isApproximate)
    }
}

/// A closed quarter hour, in the same way.
struct ComparedQuarter: Equatable {
    var number: Int64
    var views: UInt64, visits: UInt64, pings: UInt64, bots: UInt64
    var peak: Int
}

/// A closed day, in the same way.
struct ComparedDay: Equatable {
    var day: LocalDay
    var timezone: String
    var views: UInt64, visits: UInt64, bots: UInt64
    var visitors: Int
    var isVisitorsExact: Bool
    var peak: ComparedPeak
    var pages: ComparedTop
    var referrers: ComparedTop
}

/// A baseline or a correction, in the same way.
struct ComparedAudit: Equatable {
    var isStart: Bool
    var day: LocalDay?
    var visits: Int64, views: Int64
    var formerVisits: Int64 = 0, formerViews: Int64 = 0
    var note: AuditNote
}

/// A history row. The context tells its site.
enum ComparedRow: Equatable {
    case quarter(ComparedQuarter)
    case day(ComparedDay)
    case audit(ComparedAudit)
    case uptime(from: Moment, to: Moment)

    /// A row of the engine with the number of its site.
    static func from(_ row: HistoryRow) -> (site: Int?, row: ComparedRow) {
        switch row {
        case .quarter(let site, let quarter):
            let compared = ComparedQuarter(
                number: quarter.number, views: quarter.views, visits: quarter.visits, pings: quarter.pings,
                bots: quarter.bots, peak: quarter.peak)
            return (site.number, .quarter(compared))
        case .day(let site, let day):
            let compared = ComparedDay(
                day: day.day, timezone: day.timezone, views: day.views, visits: day.visits, bots: day.bots,
                visitors: day.visitors,
                isVisitorsExact: day.isVisitorsExact, peak: ComparedPeak(day.peak), pages: ComparedTop(day.pages),
                referrers: ComparedTop(day.referrers))
            return (site.number, .day(compared))
        case .audit(let audit):
            let compared = ComparedAudit(
                isStart: audit.kind == .start, day: audit.day, visits: audit.visits, views: audit.views,
                formerVisits: audit.formerVisits, formerViews: audit.formerViews, note: audit.note)
            return (audit.site.number, .audit(compared))
        case .uptime(let from, let to): return (nil, .uptime(from: from, to: to))
        }
    }

    /// A quarter hour in which nothing happened.
    var isQuiet: Bool {
        guard case .quarter(let quarter) = self else { return false }
        return quarter.views + quarter.pings + quarter.bots == 0
    }

    /// The order in which rows are compared: quarter hours, then days, then changes by hand. Within a kind, the order
    /// of time.
    var rank: Int {
        switch self {
        case .quarter: 0
        case .day: 1
        case .audit: 2
        case .uptime: 3
        }
    }
}
