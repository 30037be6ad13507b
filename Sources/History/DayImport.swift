public import Counting
import Zones

/// The corrections that make the days of a site equal to a table: all of them, or none.
///
/// Days that Footfall counted itself are never changed. Importing the same table twice changes nothing the second time.
public struct DayImport: Equatable, Sendable {
    /// A signed number to add to one day.
    public struct Correction: Equatable, Sendable {
        /// The day to correct.
        public var day: LocalDay
        /// The numbers to add; never both zero.
        public var visits: Int64, views: Int64
    }

    /// Sorted by day.
    public let corrections: [Correction]
    /// How many days already equal the table.
    public let unchanged: Int
    /// How many days Footfall counted itself.
    public let own: Int

    /// Why nothing is imported.
    public enum Refusal: Error, Equatable {
        /// The site has a baseline that may already contain these days, so they would be counted twice.
        case mayBeInStart
        /// A day lies in the future of the site's time zone.
        case future(LocalDay)
        /// So many days would lose something, this one first. A table that holds only a part of a day would undo the import
        /// of the other part.
        case lower(days: Int, first: LocalDay)
    }

    /// Compares a table with the `kept` days of a site in `timezone`, which starts from the baseline `start`.
    ///
    /// - Parameters:
    ///   - onTop: The baseline does not contain the days of the table.
    ///   - lower: Days may lose something.
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

    /// The visits of imported days, which the number of an older counter may contain as well.
    public static func visitsTakenOver(_ kept: [LocalDay: DayTable.Day]) -> Int64 {
        kept.values.filter { !$0.isCounted }.reduce(0) { $0 + ($1.visits ?? 0) }
    }
}
