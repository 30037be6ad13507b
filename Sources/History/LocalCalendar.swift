public import Counting
import Storage
import Zones

/// The calendar that sites live by: local days out of the time zone database.
public enum LocalCalendar {
    /// The local day of a zone that a moment lies in.
    public static func day(in timezone: String, at moment: Moment) -> DaySpan {
        if let day = shortDay(at: moment) { return day }
        // The settings' zones were checked; one that a stored site was in may be gone from this machine.
        let day = zone(named: timezone).day(at: moment.second)
        return DaySpan(
            day: LocalDay(number: day.number), begins: Moment(second: day.begins), ends: Moment(second: day.ends))
    }

    /// The zone of this name; UTC where this machine does not know it.
    static func zone(named name: String) -> Zone {
        guard let zone = Zone(named: name) ?? Zone(named: "UTC") else { preconditionFailure("there is no UTC") }
        return zone
    }

    /// Tests that need many midnights have short days, in builds for tests only.
    private static func shortDay(at moment: Moment) -> DaySpan? {
        guard let seconds = TestHooks.daySeconds else { return nil }
        let number = moment.second / seconds
        // Numbered from 1970 on: days far in the future, but days.
        return DaySpan(
            day: LocalDay(number: Int32(number % 2_000_000)), begins: Moment(second: number * seconds),
            ends: Moment(second: (number + 1) * seconds))
    }
}
