/// A point in time, in whole milliseconds since 1970-01-01T00:00:00Z.
///
/// The only time that the counting core knows. The core never reads a clock: a moment arrives with a hit or from the
/// caller of `advance`.
public struct Moment: Hashable, Comparable, Sendable {
    /// Milliseconds since the epoch; never negative.
    public let milliseconds: Int64

    /// The moment `milliseconds` after the epoch. A value outside 1970…2106 becomes the nearer end.
    public init(milliseconds: Int64) {
        self.milliseconds = min(max(milliseconds, 0), Self.millisecondsMax)
    }

    /// The first millisecond of second `second`.
    public init(second: Int64) {
        self.init(milliseconds: second * 1000)
    }

    /// 1970-01-01T00:00:00Z.
    public static let epoch = Moment(milliseconds: 0)
    /// 2106-02-07T06:28:15.999Z. Windows store seconds in 32 bits.
    static let millisecondsMax: Int64 = Int64(UInt32.max) * 1000 + 999

    /// Whole seconds since the epoch: the unit of gaps and of *online*.
    public var second: Int64 { milliseconds / 1000 }
    /// Whole minutes since the epoch.
    public var minute: Int64 { milliseconds / 60_000 }
    /// Whole quarter hours (UTC) since the epoch: the unit of history.
    public var quarter: Int64 { milliseconds / Self.quarterMilliseconds }

    static let quarterMilliseconds: Int64 = 900_000

    /// Earlier.
    public static func < (a: Moment, b: Moment) -> Bool { a.milliseconds < b.milliseconds }
    /// The moment `milliseconds` later (or earlier, when negative).
    public static func + (moment: Moment, milliseconds: Int64) -> Moment {
        Moment(milliseconds: moment.milliseconds + milliseconds)
    }
}

/// A calendar day of a site's own zone, as days since 1970-01-01.
public struct LocalDay: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Days since 1970-01-01, which is day 0.
    public let number: Int32

    /// The day `number` days after 1970-01-01.
    public init(number: Int32) { self.number = number }

    /// The day written as `2026-11-23`; nil if the text is no calendar day.
    public init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].count == 4, parts[1].count == 2, parts[2].count == 2,
            parts.allSatisfy({ $0.allSatisfy { $0.isASCII && $0.isNumber } }),
            let year = Int32(parts[0]), let month = Int32(parts[1]), let day = Int32(parts[2])
        else { return nil }
        self.init(year: year, month: month, day: day)
        guard civil == (year, month, day) else { return nil }
    }

    /// The day before this one.
    public var before: LocalDay { LocalDay(number: number - 1) }
    /// Months since January of year 0. Two days have the same value exactly if they are in the same calendar month.
    public var month: Int32 {
        let (year, month, _) = civil
        return year * 12 + month - 1
    }

    /// Earlier.
    public static func < (a: LocalDay, b: LocalDay) -> Bool { a.number < b.number }
    /// `2026-11-23`.
    public var description: String {
        let (year, month, day) = civil
        return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
    }

    // Days from and to the Gregorian calendar in integer arithmetic. Eras of 400 years begin on 1 March, so that a leap
    // day is the last day of its year. (Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil and
    // civil_from_days.)

    /// A day by its year, month 1…12 and day 1…31. A day that the month does not have is in the next month.
    public init(year: Int32, month: Int32, day: Int32) {
        let y = month <= 2 ? year - 1 : year
        let era = (y >= 0 ? y : y - 399) / 400
        let yearOfEra = y - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        number = era * 146_097 + dayOfEra - 719_468
    }

    /// Year, month 1…12 and day 1…31 of the Gregorian calendar.
    public var civil: (year: Int32, month: Int32, day: Int32) {
        let z = number + 719_468
        let era = (z >= 0 ? z : z - 146_096) / 146_097
        let dayOfEra = z - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * marchMonth + 2) / 5 + 1)
    }
}

extension Moment {
    /// RFC 3339 in UTC, whole seconds: `2026-11-23T07:45:12Z`.
    public var rfc3339: String {
        let day = LocalDay(number: Int32(second / 86_400))
        let rest = second % 86_400
        return "\(day)T\(padded(rest / 3600, 2)):\(padded(rest / 60 % 60, 2)):\(padded(rest % 60, 2))Z"
    }
}

private func padded(_ value: some BinaryInteger, _ digits: Int) -> String {
    let text = String(value)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
}
