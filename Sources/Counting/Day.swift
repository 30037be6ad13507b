/// The running local day of a site.
struct Day: Sendable {
    var day: LocalDay
    var views: UInt64 = 0, visits: UInt64 = 0, bots: UInt64 = 0
    var correctedVisits: Int64 = 0, correctedViews: Int64 = 0
    var visitors = HyperLogLog()
    var peak: Peak
    var pages: Ranking
    /// Referring hosts. The two kinds without a host have their own counts.
    var referrers: Ranking
    var direct: UInt64 = 0, `internal`: UInt64 = 0

    init(_ day: LocalDay, peak: Peak, limits: Limits, seed: HashSeed) {
        self.day = day
        self.peak = peak
        pages = Ranking(limit: limits.pages, seed: seed)
        referrers = Ranking(limit: limits.referrers, seed: seed)
    }

    /// Counts a view. Returns the number of ranking sweeps that it needed.
    @inline(__always)
    mutating func countView(_ hit: borrowing Hit, startsVisit: Bool) -> UInt64 {
        views += 1
        visits += startsVisit ? 1 : 0
        if hit.visitor != 0 { visitors.insert(hit.visitor) }
        var sweeps: UInt64 = pages.count(hit.path, isEntry: startsVisit) ? 1 : 0
        switch hit.origin {
        case .direct: direct += 1
        case .internal: `internal` += 1
        case .host: sweeps += referrers.count(hit.referrer, isEntry: false) ? 1 : 0
        }
        return sweeps
    }

    func topPages(_ rows: Int) -> Top {
        top(pages.top(rows), isApproximate: pages.isApproximate)
    }

    /// The hosts, with `(direct)` and `(internal)` among them.
    func topReferrers(_ rows: Int) -> Top {
        let kinds = [("(direct)", direct), ("(internal)", `internal`)].filter { $0.1 > 0 }
            .map { RankingRow(key: Array($0.0.utf8), views: $0.1, entries: 0) }
        let all = (referrers.top(rows) + kinds).sorted {
            $0.views != $1.views ? $0.views > $1.views : $0.key.lexicographicallyPrecedes($1.key)
        }
        return top(Array(all.prefix(rows)), isApproximate: referrers.isApproximate)
    }

    /// Views that are in none of the rows go to `other`, so the sum is always the day's views, wherever the rows are
    /// cut.
    private func top(_ rows: [RankingRow], isApproximate: Bool) -> Top {
        Top(rows: rows, other: views - rows.reduce(0) { $0 + $1.views }, isApproximate: isApproximate)
    }

    func closed(timezone: String) -> ClosedDay {
        ClosedDay(
            day: day, timezone: timezone, views: views, visits: visits, bots: bots, visitors: visitors.count,
            isVisitorsExact: visitors.isExact, peak: peak,
            pages: topPages(rankingRowsKept), referrers: topReferrers(rankingRowsKept))
    }
}

/// The numbers of one or more local days, corrections included.
public struct Sums: Equatable, Sendable {
    /// Visits begun and views.
    public internal(set) var visits: Int64 = 0, views: Int64 = 0
    /// Unique visitors of a day; visitor-days of a month.
    public internal(set) var visitors = 0

    /// Adds a day. Sums stop at the greatest amount that can be written, however many corrections there are.
    mutating func add(_ day: Sums) {
        visits = boundedSum(visits, day.visits)
        views = boundedSum(views, day.views)
        visitors = min(visitors + day.visitors, Int(Int32.max))
    }
}

extension Day {
    var sums: Sums {
        Sums(
            visits: boundedSum(Int64(visits), correctedVisits), views: boundedSum(Int64(views), correctedViews),
            visitors: visitors.count)
    }
}
