import Foundation
import Glibc

/// A file of recorded beacons, one a line.
struct Recording {
    let name: String
    private let bytes: Data

    /// Reads the file whole; `-` is standard input. Unreadable input ends the command with status 66.
    init(_ name: String) throws {
        self.name = name
        do {
            bytes =
                name == "-"
                ? try FileHandle.standardInput.readToEnd() ?? Data()
                : try Data(contentsOf: URL(fileURLWithPath: name), options: .mappedIfSafe)
        } catch {
            say("cannot read \(name): \(error.localizedDescription)")
            throw Exit.noInput
        }
    }

    /// The stamp of the first line that has one, in milliseconds.
    var firstStamp: Int64? {
        var first: Int64?
        forEachLine { _, line in
            first = Self.stamp(line)?.milliseconds
            return first == nil
        }
        return first
    }

    /// Gives every line that is not blank to `body`, with its number from 1 on and without its end, until it returns false.
    func forEachLine(_ body: (Int, Span<UInt8>) -> Bool) {
        let span = bytes.span
        var start = 0
        var number = 0
        while start < span.count {
            var end = start
            while end < span.count, span[end] != 0x0a { end += 1 }
            number += 1
            let isCarriageReturn = end > start && span[end - 1] == 0x0d
            let line = span.extracting(start..<(isCarriageReturn ? end - 1 : end))
            if line.count > 0, !body(number, line) { return }
            start = end + 1
        }
    }

    /// 2106-01-27: the latest stamp, some days before the end of counted time.
    static let secondsMax: Int64 = 4_294_000_000

    /// `<unix seconds[.fraction]>` at the beginning of a line: milliseconds, and the bytes it takes.
    static func stamp(_ line: Span<UInt8>) -> (milliseconds: Int64, length: Int)? {
        var i = 0
        var seconds: Int64 = 0
        while i < line.count, line[i] &- 0x30 < 10 {
            guard i < 12 else { return nil }
            seconds = seconds * 10 + Int64(line[i] - 0x30)
            i += 1
        }
        guard i > 0, seconds <= secondsMax else { return nil }
        var milliseconds = seconds * 1000
        if i < line.count, line[i] == 0x2e {
            i += 1
            var unit: Int64 = 100
            while i < line.count, line[i] &- 0x30 < 10 {
                milliseconds += Int64(line[i] - 0x30) * unit
                unit /= 10
                i += 1
            }
        }
        return i == line.count || line[i] == 0x20 ? (milliseconds, i) : nil
    }
}
