import Counting
import Ingest
import Wire
import Zones

/// The calendar that sites live by: local days out of the time zone database.
let localCalendar: Intake.Calendar = { timezone, moment in
    guard let zone = Zone(named: timezone) else {
        preconditionFailure("the time zone \(timezone) was checked when the settings were read")
    }
    let day = zone.day(at: moment.second)
    return DaySpan(
        day: LocalDay(number: day.number), begins: Moment(second: day.begins), ends: Moment(second: day.ends))
}
