/// The quarter hours of one UTC day of a site in their stored, packed form. Each quarter hour that is not empty has its
/// place 0…95 in one byte, then views, visits, pings, bots and the peak in LEB128. Places rise.
///
/// Ten years of a site's quarter hours are 2 to 3 MB in this form and are read in about 10 ms. One table row per
/// quarter hour took five times as long.
public struct QuarterDay: Equatable, Sendable {
    /// Days since 1970-01-01, by UTC.
    public let day: Int64
    private var quarters: [Quarter]

    /// Quarter hours in a day.
    public static let count: Int64 = 96

    /// An empty day.
    public init(day: Int64) {
        self.day = day
        quarters = []
    }

    /// The day with these packed quarter hours.
    public init(day: Int64, bytes: [UInt8]) throws(MalformedBytes) {
        self.init(day: day)
        var quarters: [Quarter] = []
        try Self.forEach(in: bytes, of: day) { quarters.append($0) }
        self.quarters = quarters
    }

    /// Adds a quarter hour of the day. If it is already there, the two are added up.
    public mutating func add(_ quarter: Quarter) {
        precondition(quarter.number / Self.count == day, "a quarter hour of another day")
        guard let place = quarters.firstIndex(where: { $0.number >= quarter.number }) else {
            return quarters.append(quarter)
        }
        guard quarters[place].number == quarter.number else { return quarters.insert(quarter, at: place) }
        quarters[place].add(quarter)
    }

    /// The quarter hours, packed.
    public var bytes: [UInt8] {
        var writer = ByteWriter()
        for quarter in quarters {
            writer.byte(UInt8(quarter.number - day * Self.count))
            for count in [quarter.views, quarter.visits, quarter.pings, quarter.bots] { writer.number(count) }
            writer.number(quarter.peak)
        }
        return writer.bytes
    }

    /// Calls `body` with every quarter hour packed in `bytes`, in rising order.
    public static func forEach(
        in bytes: [UInt8], of day: Int64, _ body: (Quarter) -> Void
    ) throws(MalformedBytes) {
        var reader = ByteReader(bytes.span)
        var last = -1
        while !reader.isAtEnd {
            let place = Int(try reader.byte())
            guard place > last, place < Int(count) else { throw reader.malformed }
            last = place
            body(
                Quarter(
                    number: day * count + Int64(place), views: try reader.counter(), visits: try reader.counter(),
                    pings: try reader.counter(), bots: try reader.counter(),
                    peak: try reader.number(upTo: Int(Int32.max))))
        }
    }
}

extension Quarter {
    /// Adds the counts and keeps the greater peak.
    mutating func add(_ other: Quarter) {
        views += other.views
        visits += other.visits
        pings += other.pings
        bots += other.bots
        peak = max(peak, other.peak)
    }
}

/// History that is not yet in the tables: rows of a site that wait for storage, and the running quarter hour and day.
public struct LiveHistory: Sendable {
    /// The moment of all these numbers.
    public let asOf: Moment
    /// Closed rows that are not handed out yet: those of the site and those of the whole daemon.
    public let rows: [HistoryRow]
    /// The running quarter hour.
    public let quarter: Quarter
    /// The running local day and its unique visitors so far.
    public let day: LocalDay, visitors: Int
    /// Since when the daemon has been up.
    public let upSince: Moment?
    /// When the site was first known.
    public let since: Moment
}

extension Engine {
    /// What must be added to the tables to have a site's history up to now.
    ///
    /// - Complexity: a copy of the site's presence and windows, some 100 KB.
    public func live(of site: SiteIndex) -> LiveHistory {
        var counters = sites[site.number]
        var rows = closedRows.filter { $0.site == nil || $0.site == site }
        counters.advance(to: now, closing: &rows)
        return LiveHistory(
            asOf: now, rows: rows, quarter: counters.quarter, day: counters.today.day,
            visitors: counters.today.visitors.count, upSince: upSince, since: counters.since)
    }
}
