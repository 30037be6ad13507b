import Counting
import Ingest
import Storage
import Wire
import Zones

/// The calendar that sites live by: local days out of the time zone database.
let localCalendar: Intake.Calendar = { timezone, moment in
    if let day = shortDay(at: moment) { return day }
    // The settings' zones were checked; one that a stored site was in may be gone from this machine.
    guard let zone = Zone(named: timezone) ?? Zone(named: "UTC") else { preconditionFailure("there is no UTC") }
    let day = zone.day(at: moment.second)
    return DaySpan(
        day: LocalDay(number: day.number), begins: Moment(second: day.begins), ends: Moment(second: day.ends))
}

/// Tests that need many midnights have short days, in builds for tests only.
private func shortDay(at moment: Moment) -> DaySpan? {
    guard let seconds = TestHooks.daySeconds else { return nil }
    let number = moment.second / seconds
    // Numbered from 1970 on: days far in the future, but days.
    return DaySpan(
        day: LocalDay(number: Int32(number % 2_000_000)), begins: Moment(second: number * seconds),
        ends: Moment(second: (number + 1) * seconds))
}
