import Foundation

/// A time zone's calendar: the local day of a moment, and when that day begins and ends.
///
/// Only this type knows time zones. Days partition time: a day begins at the first instant at which its date has been
/// reached. So an hour that is repeated at a clock change belongs to the day that had begun, and a date that a zone
/// skips (Apia, 2011-12-30) is a day of length 0. Days of 23, 24, 24.5 and 25 hours are all handled correctly.
public struct Zone: Sendable {
    private let zone: TimeZone

    /// The zone with this identifier of the time zone database; nil if there is none.
    public init?(named name: String) {
        guard let zone = TimeZone(identifier: name) else { return nil }
        self.zone = zone
    }

    /// The identifier of the machine's own zone.
    public static var machine: String { TimeZone.current.identifier }

    /// A local day.
    public struct Day: Equatable, Sendable {
        /// Days since 1970-01-01 by the local calendar.
        public let number: Int32
        /// First second of the day and of the next, in seconds since the epoch.
        public let begins: Int64, ends: Int64
    }

    /// The local day of `second`, counted from the epoch.
    public func day(at second: Int64) -> Day {
        let pieces = pieces(around: second)
        // In a repeated hour, the local date may be one that has already ended.
        var number = Self.date(second, offset(at: second)) + 1
        while begin(of: number, in: pieces) > second { number -= 1 }
        return Day(
            number: Int32(number), begins: begin(of: number, in: pieces), ends: begin(of: number + 1, in: pieces))
    }

    /// The local days that touch a span of time, in order. A date that the zone skipped is left out.
    ///
    /// - Complexity: O(days) and O(changes of the clocks).
    public func days(from first: Int64, to last: Int64) -> [Day] {
        let pieces = pieces(from: first, to: last)
        var days: [Day] = []
        var next = day(at: first)
        // The piece in which a day begins. Earlier pieces are done.
        var rest = pieces[...]
        while true {
            if next.ends > next.begins { days.append(next) }
            guard next.ends <= last else { return days }
            while let piece = rest.first, piece.end <= next.begins { rest = rest.dropFirst() }
            let number = Int64(next.number) + 1
            next = Day(number: Int32(number), begins: next.ends, ends: begin(of: number + 1, in: Array(rest.prefix(4))))
        }
    }

    /// The first second of the local hour of `second`. The next hour begins at most 3600 seconds after it.
    public func hour(at second: Int64) -> Int64 {
        let local = second + offset(at: second)
        return second - (local % 3600 + 3600) % 3600
    }

    /// The second at which the zone's clocks show `local` (given as if it were UTC). In a repeated hour the later one.
    /// In a skipped hour, the second at which clocks without the change would show it.
    public func second(ofLocal local: Int64) -> Int64 {
        local - offset(at: local - offset(at: local))
    }

    /// A span of time from `start`, with one offset from UTC.
    private struct Piece {
        var start: Int64, end: Int64
        var offset: Int64
    }

    /// Enough time on both sides to include the day before and the day after.
    private static let reach: Int64 = 4 * 86_400

    private func pieces(around second: Int64) -> [Piece] { pieces(from: second, to: second) }

    private func pieces(from first: Int64, to last: Int64) -> [Piece] {
        var pieces: [Piece] = []
        var start = first - Self.reach
        while start < last + Self.reach {
            let end = nextChange(after: start) ?? .max
            pieces.append(Piece(start: start, end: end, offset: offset(at: start)))
            start = end
        }
        return pieces
    }

    /// The first second at which the local date is `number` or later.
    private func begin(of number: Int64, in pieces: [Piece]) -> Int64 {
        for piece in pieces {
            if Self.date(piece.start, piece.offset) >= number { return piece.start }
            let midnight = number * 86_400 - piece.offset
            if midnight < piece.end { return midnight }
        }
        preconditionFailure("no day begins within \(Self.reach) s")
    }

    private static func date(_ second: Int64, _ offset: Int64) -> Int64 {
        let local = second + offset
        return local >= 0 ? local / 86_400 : (local - 86_399) / 86_400
    }

    private func offset(at second: Int64) -> Int64 {
        Int64(zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(second))))
    }

    private func nextChange(after second: Int64) -> Int64? {
        zone.nextDaylightSavingTimeTransition(after: Date(timeIntervalSince1970: Double(second)))
            .map { Int64($0.timeIntervalSince1970.rounded()) }
    }
}
