import Counting

/// What a line of a log file says besides its hit: its format and its time.
public struct RecordedLine: Sendable {
    /// The format of the line.
    public let format: LogFormat
    /// Milliseconds since the epoch. Without a zone, of the local clock.
    public let stamp: Int64
    /// True if the time names its zone.
    public let hasZone: Bool

    /// Reads a line; nil if it has no known format or no complete date.
    public init?(_ line: Span<UInt8>) {
        guard let header = SyslogHeader(line) else { return nil }
        let body = line.extracting(header.message..<line.count)
        var time: (stamp: Int64, hasZone: Bool)?
        if Beacons.isNative(body) {
            format = .f1
        } else {
            guard let fields = LogFormat.fields(of: body) else { return nil }
            format = LogFormat.detect(body)
            time = fields[.time].flatMap { Self.time(body.extracting($0)) }
        }
        guard let time = time ?? header.date.flatMap({ Self.time(line.extracting($0)) }) else { return nil }
        (stamp, hasZone) = time
    }

    /// 2106-01-27: the latest stamp, some days before the end of counted time.
    static let millisecondsMax: Int64 = 4_294_000_000_000

    /// Reads `23/Nov/2026:07:49:43 +0000`, `2026-11-23T07:49:43.5Z`, or unix seconds to nanoseconds.
    static func time(_ text: Span<UInt8>) -> (stamp: Int64, hasZone: Bool)? {
        // Apache always writes them in brackets.
        if text.count > 2, text[0] == .openBracket, text[text.count - 1] == .closeBracket {
            return time(text.extracting(1..<text.count - 1))
        }
        var reader = Reader(text: text)
        let time =
            if text.count > 2, text[2] == .slash { reader.logDate() } else if text.count > 4, !isDigit(text[4]) {
                reader.isoDate()
            } else { reader.unixTime() }
        guard let time, reader.i == text.count, (0...millisecondsMax).contains(time.stamp) else { return nil }
        return time
    }

    private struct Reader: ~Escapable {
        let text: Span<UInt8>
        var i = 0

        @_lifetime(copy text)
        init(text: Span<UInt8>) { self.text = text }

        /// A number of exactly `digits` digits.
        mutating func number(_ digits: Int) -> Int64? {
            guard i + digits <= text.count else { return nil }
            var value: Int64 = 0
            for _ in 0..<digits {
                guard isDigit(text[i]) else { return nil }
                value = value * 10 + Int64(text[i] - UInt8(ascii: "0"))
                i += 1
            }
            return value
        }

        mutating func skip(_ marks: UInt8...) -> Bool {
            guard i < text.count, marks.contains(text[i]) else { return false }
            i += 1
            return true
        }

        mutating func logDate() -> (stamp: Int64, hasZone: Bool)? {
            guard let day = number(2), skip(.slash), let month = month(), skip(.slash), let year = number(4),
                skip(.colon)
            else { return nil }
            return clock(on: Self.days(year, month, day))
        }

        mutating func isoDate() -> (stamp: Int64, hasZone: Bool)? {
            guard let year = number(4), skip(.dash, .slash), let month = number(2), skip(.dash, .slash),
                let day = number(2),
                skip(UInt8(ascii: "T"), UInt8(ascii: "t"), .space)
            else { return nil }
            return clock(on: Self.days(year, month, day))
        }

        /// `07:49:43`, a fraction, a zone.
        private mutating func clock(on days: Int64?) -> (stamp: Int64, hasZone: Bool)? {
            guard let days, let hour = number(2), skip(.colon), let minute = number(2), skip(.colon),
                let second = number(2), hour < 24, minute < 60, second < 61
            else { return nil }
            var stamp = (((days * 24 + hour) * 60 + minute) * 60 + second) * 1000 + fraction()
            if skip(UInt8(ascii: "Z"), UInt8(ascii: "z")) { return (stamp, true) }
            _ = skip(.space)
            guard i < text.count else { return (stamp, false) }
            let isWest = text[i] == .dash
            guard skip(.plus, .dash), let hours = number(2) else { return nil }
            _ = skip(.colon)
            guard let minutes = number(2) else { return nil }
            let offset = (hours * 60 + minutes) * 60_000
            stamp += isWest ? offset : -offset
            return (stamp, true)
        }

        /// `.123456` as whole milliseconds.
        private mutating func fraction() -> Int64 {
            guard skip(.dot, .comma) else { return 0 }
            var milliseconds: Int64 = 0
            var unit: Int64 = 100
            while i < text.count, isDigit(text[i]) {
                milliseconds += Int64(text[i] - UInt8(ascii: "0")) * unit
                unit /= 10
                i += 1
            }
            return milliseconds
        }

        mutating func unixTime() -> (stamp: Int64, hasZone: Bool)? {
            let start = i
            while i < text.count, isDigit(text[i]), i - start < 19 { i += 1 }
            let digits = i - start
            i = start
            guard digits > 0, digits < 19 || text[start] < UInt8(ascii: "9"), let value = number(digits) else {
                return nil
            }
            // Seconds with twelve digits would be in the year 5000. So twelve digits are milliseconds, and more are
            // micro- or nanoseconds.
            if digits > 11 {
                _ = fraction()
                return (digits > 17 ? value / 1_000_000 : digits > 14 ? value / 1000 : value, true)
            }
            return (value * 1000 + fraction(), true)
        }

        /// 1…12 for `Jan` to `Dec`.
        private mutating func month() -> Int64? {
            guard i + 3 <= text.count else { return nil }
            let names = Self.months.span
            for month in 0..<12 where equal(names.extracting(month * 3..<month * 3 + 3), text.extracting(i..<i + 3)) {
                i += 3
                return Int64(month + 1)
            }
            return nil
        }

        private static let months = Array("JanFebMarAprMayJunJulAugSepOctNovDec".utf8)

        /// Days since 1970-01-01. A day that the month does not have is in the next month.
        private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64? {
            guard (1970...2106).contains(year), (1...12).contains(month), (1...31).contains(day) else { return nil }
            return Int64(LocalDay(year: Int32(year), month: Int32(month), day: Int32(day)).number)
        }
    }
}
