public import Counting
import Zones

/// What brings the days of a site to what a table says: corrections, all of them or none.
///
/// Days that were counted here are left as they are, so reading a table again changes nothing.
public struct DayImport: Equatable, Sendable {
    /// What is added to a day.
    public struct Correction: Equatable, Sendable {
        /// The day.
        public var day: LocalDay
        /// Never both zero.
        public var visits: Int64, views: Int64
    }

    /// In the order of their days.
    public let corrections: [Correction]
    /// Days that are as the table says already.
    public let unchanged: Int
    /// Days that were counted here.
    public let own: Int

    /// Why nothing is done.
    public enum Refusal: Error, Equatable {
        /// The site starts from a number in which these days may be: they would be counted twice.
        case mayBeInStart
        /// A day is still to come where the site is.
        case future(LocalDay)
        /// Days have more already than the table says, this one first. A table with a part of a day would take away what
        /// another part has brought.
        case lower(days: Int, first: LocalDay)
    }

    /// What of a table differs from the days that are `kept` of a site, which is in `timezone` and starts from the number
    /// of an older counter. `onTop`: the days are not in that number. `lower`: days may lose something.
    public init(
        _ days: [DayTable.Day], to kept: [LocalDay: DayTable.Day], start: (visits: Int64, views: Int64),
        timezone: String, now: Moment, onTop: Bool = false, lower: Bool = false
    ) throws(Refusal) {
        let foreign = days.filter { !(kept[$0.day]?.isCounted ?? false) }
        corrections = foreign.map { day in
            Correction(
                day: day.day, visits: day.visits.map { $0 - (kept[day.day]?.visits ?? 0) } ?? 0,
                views: day.views.map { $0 - (kept[day.day]?.views ?? 0) } ?? 0)
        }.filter { $0.visits != 0 || $0.views != 0 }
        unchanged = foreign.count - corrections.count
        own = days.count - foreign.count

        if !corrections.isEmpty, start.visits > 0 || start.views > 0, !onTop { throw .mayBeInStart }
        let today = Zone(named: timezone)?.day(at: now.second).number ?? .max
        if let last = days.last?.day, last.number > today { throw .future(last) }
        let fallen = corrections.filter { $0.visits < 0 || $0.views < 0 }
        if let first = fallen.first, !lower { throw .lower(days: fallen.count, first: first.day) }
    }

    /// The visits of days that were taken over: the number of an older counter may have them in it.
    public static func visitsTakenOver(_ kept: [LocalDay: DayTable.Day]) -> Int64 {
        kept.values.filter { !$0.isCounted }.reduce(0) { $0 + ($1.visits ?? 0) }
    }
}
