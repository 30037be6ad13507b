import Counting
import Zones

/// The time range of a query, divided into buckets.
struct SeriesRange {
    /// The range in seconds since the epoch.
    let seconds: Range<Int64>
    /// The length of each bucket.
    let step: SeriesQuery.Step
    private let zone: Zone

    /// The range of a query at the second `now`; nil if it is empty. The whole history begins at `beginning`.
    init?(_ query: SeriesQuery, in zone: Zone, now: Int64, beginning: Int64?) {
        func second(_ edge: SeriesQuery.Edge, isEnd: Bool) -> Int64 {
            switch edge {
            case .moment(let moment): return moment.second
            case .beginning: return beginning ?? 0
            case .day(let day):
                // A local day lies within a day of the same date in UTC.
                let around = zone.days(
                    from: Int64(day.number) * 86_400 - 86_400, to: Int64(day.number) * 86_400 + 172_800)
                let found = around.first { $0.number >= day.number } ?? around[around.count - 1]
                return isEnd && found.number == day.number ? found.ends : found.begins
            }
        }
        let to = query.to.map { second($0, isEnd: true) } ?? now + 1
        let from = query.from.map { second($0, isEnd: false) } ?? to - 86_400
        guard from >= 0, to > from else { return nil }
        seconds = from..<to
        step = query.step ?? Self.step(for: to - from)
        self.zone = zone
    }

    /// The default step for a range of this length.
    private static func step(for seconds: Int64) -> SeriesQuery.Step {
        switch seconds {
        case ...(2 * 86_400): .quarter
        case ...(14 * 86_400): .hour
        case ...(800 * 86_400): .day
        default: .month
        }
    }

    /// The greatest number of buckets: the first and the last may reach out of the range.
    var bucketsMax: Int64 {
        let length: Int64 =
            switch step {
            case .quarter: 900
            case .hour: 3600
            case .day: 86_400
            case .month: 30 * 86_400
            }
        return (seconds.upperBound - seconds.lowerBound) / length + 2
    }

    /// The first second of each bucket and the end of the last one. Together they cover the range.
    var bounds: [Int64] {
        let (first, last) = (seconds.lowerBound, seconds.upperBound - 1)
        switch step {
        case .quarter: return Array(stride(from: first / 900 * 900, to: last / 900 * 900 + 901, by: 900))
        case .hour:
            var bounds = [zone.hour(at: first)]
            while let hour = bounds.last, hour <= last {
                // Where clocks change by half an hour, one bucket has thirty minutes.
                let next = zone.hour(at: hour + 3600)
                bounds.append(next > hour ? next : hour + 3600)
            }
            return bounds
        case .day:
            let days = zone.days(from: first, to: last)
            return days.map(\.begins) + [days[days.count - 1].ends]
        case .month:
            // The first and the last month may begin before the range and end after it.
            let reach: Int64 = 32 * 86_400
            let days = zone.days(from: max(0, first - reach), to: last + reach)
            var firsts: [Int64] = []
            for (i, day) in days.enumerated()
            where i == 0 || LocalDay(number: day.number).month != LocalDay(number: days[i - 1].number).month {
                firsts.append(day.begins)
            }
            let begin = firsts.lastIndex { $0 <= first } ?? 0
            let end = firsts.firstIndex { $0 > last } ?? firsts.count - 1
            return Array(firsts[begin...end])
        }
    }
}
