public import Counting
import Storage
import Zones

/// The local days of sites, from the time zone database.
public enum LocalCalendar {
    /// The local day that contains a moment.
    public static func day(in timezone: String, at moment: Moment) -> DaySpan {
        if let day = shortDay(at: moment) { return day }
        // Zones in the settings were checked, but the zone of a stored site may be gone from this machine.
        let day = zone(named: timezone).day(at: moment.second)
        return DaySpan(
            day: LocalDay(number: day.number), begins: Moment(second: day.begins), ends: Moment(second: day.ends))
    }

    /// The zone of this name, or UTC if this machine does not know it.
    static func zone(named name: String) -> Zone {
        guard let zone = Zone(named: name) ?? Zone(named: "UTC") else { preconditionFailure("there is no UTC") }
        return zone
    }

    /// In builds for tests, a day can be as short as `FOOTFALL_DAY_SECONDS`, for tests that need many midnights.
    private static func shortDay(at moment: Moment) -> DaySpan? {
        guard let seconds = TestHooks.daySeconds else { return nil }
        let number = moment.second / seconds
        // Such short days lie far in the future, but they are days.
        return DaySpan(
            day: LocalDay(number: Int32(number % 2_000_000)), begins: Moment(second: number * seconds),
            ends: Moment(second: (number + 1) * seconds))
    }
}
