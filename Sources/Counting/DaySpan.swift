/// The time between two local midnights.
public struct DaySpan: Equatable, Sendable {
    /// The calendar day.
    public var day: LocalDay
    /// Its first moment.
    public var begins: Moment
    /// The first moment of the next day.
    public var ends: Moment

    /// The day from `begins` to just before `ends`.
    public init(day: LocalDay, begins: Moment, ends: Moment) {
        self.day = day
        self.begins = begins
        self.ends = ends
    }
}
