import Foundation
import Glibc
import Wire

/// A file of recorded beacons or of access logs, one line each, read as a stream; it may be packed by gzip.
struct Recording {
    let name: String
    private let source: Source

    private enum Source {
        case bytes(Data)
        /// Unpacked by gzip(1), which every Debian has.
        case packed(URL)
        /// Standard input, line by line as it comes.
        case live
    }

    /// Opens the file; `-` is all of standard input. Unreadable input ends the command with status 66.
    init(_ name: String) throws {
        self.name = name
        do {
            if name == "-" {
                source = .bytes(try FileHandle.standardInput.readToEnd() ?? Data())
            } else {
                let url = URL(fileURLWithPath: name)
                let bytes = try Data(contentsOf: url, options: .mappedIfSafe)
                source = bytes.starts(with: [0x1f, 0x8b]) ? .packed(url) : .bytes(bytes)
            }
        } catch {
            say("cannot read \(name): \(error.localizedDescription)")
            throw Exit.noInput
        }
    }

    private init(live name: String) {
        self.name = name
        source = .live
    }

    /// Standard input as it comes, to be read once.
    static let standardInput = Recording(live: "-")

    /// Gives every line that is not blank to `body`, with its number from 1 on and without its end, until it returns false.
    func forEachLine(_ body: (Int, Span<UInt8>) -> Bool) throws {
        switch source {
        case .bytes(let bytes):
            var lines = Lines()
            _ = lines.take(bytes.span, isEnd: true, body)
        case .live: _ = Self.read(FileHandle.standardInput, body)
        case .packed(let url):
            let gzip = Process()
            let pipe = Pipe()
            gzip.executableURL = URL(fileURLWithPath: "/usr/bin/gzip")
            gzip.arguments = ["-cdq", url.path]
            gzip.standardOutput = pipe
            try gzip.run()
            let isWanted = Self.read(pipe.fileHandleForReading, body)
            // A reader that has enough closes the pipe; gzip ends by that.
            try pipe.fileHandleForReading.close()
            gzip.waitUntilExit()
            if isWanted, gzip.terminationStatus == 1 {
                say("\(name) is damaged: gzip could not unpack all of it, and what is missing is not counted")
                throw Exit.data
            }
        }
    }

    /// Reads a stream; false where no more of it was wanted.
    private static func read(_ file: FileHandle, _ body: (Int, Span<UInt8>) -> Bool) -> Bool {
        var lines = Lines()
        var rest = Data()
        while case let chunk = file.availableData, !chunk.isEmpty {
            rest.append(chunk)
            let (taken, isWanted) = lines.take(rest.span, isEnd: false, body)
            guard isWanted else { return false }
            if taken > 0 { rest = Data(rest.dropFirst(taken)) }
            lines.shorten(&rest)
        }
        return lines.take(rest.span, isEnd: true, body).1
    }

    private struct Lines {
        var number = 0
        /// How far the line at the beginning was looked through without finding its end.
        private var seen = 0

        /// Keeps only the beginning of a line whose end has not come after a mebibyte: no more of it is looked at anyway.
        mutating func shorten(_ rest: inout Data) {
            guard rest.count > 1 << 20 else { return }
            rest.removeSubrange((rest.startIndex + Beacons.bytesMax + 1)...)
            seen = rest.count
        }

        /// Takes the lines that are whole; how many bytes they have, and false where no more are wanted.
        mutating func take(_ bytes: Span<UInt8>, isEnd: Bool, _ body: (Int, Span<UInt8>) -> Bool) -> (Int, Bool) {
            var start = 0
            // A mark that some editors put in front of UTF-8.
            if number == 0, bytes.count >= 3, bytes[0] == 0xef, bytes[1] == 0xbb, bytes[2] == 0xbf { start = 3 }
            while start < bytes.count {
                var end = start + seen
                while end < bytes.count, bytes[end] != 0x0a { end += 1 }
                guard end < bytes.count || isEnd else {
                    seen = end - start
                    break
                }
                seen = 0
                number += 1
                let isCarriageReturn = end > start && bytes[end - 1] == 0x0d
                let line = bytes.extracting(start..<(isCarriageReturn ? end - 1 : end))
                start = min(end + 1, bytes.count)
                if line.count > 0, !body(number, line) { return (start, false) }
            }
            return (start, true)
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
