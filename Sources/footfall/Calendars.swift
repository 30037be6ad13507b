import Counting
import Ingest
import Wire
import Zones

/// The calendar that sites live by: local days out of the time zone database.
let localCalendar: Intake.Calendar = { timezone, moment in
    // The settings' zones were checked; one that a stored site was in may be gone from this machine.
    guard let zone = Zone(named: timezone) ?? Zone(named: "UTC") else { preconditionFailure("there is no UTC") }
    let day = zone.day(at: moment.second)
    return DaySpan(
        day: LocalDay(number: day.number), begins: Moment(second: day.begins), ends: Moment(second: day.ends))
}
