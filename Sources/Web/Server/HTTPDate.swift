import Counting
import Glibc
import Synchronization

/// The Date field of RFC 9110: `Mon, 23 Nov 2026 07:45:12 GMT`. Made once a second.
enum HTTPDate {
    private static let last = Mutex<(second: Int64, field: String)>((0, ""))

    static func field() -> String {
        let second = Int64(time(nil))
        return last.withLock { last in
            if last.second != second { last = (second, "Date: \(text(Moment(second: second)))\r\n") }
            return last.field
        }
    }

    private static func text(_ moment: Moment) -> String {
        let day = LocalDay(number: Int32(moment.second / 86_400))
        let (year, month, date) = day.civil
        let weekday = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][Int(day.number % 7)]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let clock = moment.rfc3339.dropFirst(11).dropLast()
        return "\(weekday), \(date < 10 ? "0" : "")\(date) \(months[Int(month) - 1]) \(year) \(clock) GMT"
    }
}
