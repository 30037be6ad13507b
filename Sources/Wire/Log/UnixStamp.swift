/// When a recorded beacon arrived, as written before it: `<unix seconds[.fraction]>`.
public struct UnixStamp: Equatable, Sendable {
    /// Milliseconds since the epoch. Finer parts are dropped.
    public let milliseconds: Int64
    /// The number of its bytes, without the space after it.
    public let length: Int

    /// 2106-01-27: the latest stamp, some days before the end of counted time.
    public static let secondsMax = RecordedLine.millisecondsMax / 1000

    /// Reads the beginning of a line. After the stamp, the line ends or continues with a space.
    public init?(_ line: Span<UInt8>) {
        var i = 0
        var seconds: Int64 = 0
        while i < line.count, isDigit(line[i]) {
            guard i < 12 else { return nil }
            seconds = seconds * 10 + Int64(line[i] - UInt8(ascii: "0"))
            i += 1
        }
        guard i > 0, seconds <= Self.secondsMax else { return nil }
        var milliseconds = seconds * 1000
        if i < line.count, line[i] == .dot {
            i += 1
            var unit: Int64 = 100
            while i < line.count, isDigit(line[i]) {
                milliseconds += Int64(line[i] - UInt8(ascii: "0")) * unit
                unit /= 10
                i += 1
            }
        }
        guard i == line.count || line[i] == .space else { return nil }
        (self.milliseconds, length) = (milliseconds, i)
    }
}
