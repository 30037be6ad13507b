import Foundation
import Wire

/// A file of recorded beacons or of an access log, read line by line. It may be compressed by gzip.
struct Recording {
    let name: String
    private let source: Source

    private enum Source {
        case bytes(Data)
        case packed(URL)
        /// Standard input, line by line as it arrives.
        case live
    }

    /// Opens a file; `-` is all of standard input. If it cannot be read, prints why and is nil.
    init?(_ name: String) {
        self.name = name
        do {
            if name == "-" {
                source = .bytes(try FileHandle.standardInput.readToEnd() ?? Data())
                return
            }
            let url = URL(fileURLWithPath: name)
            if try url.resourceValues(forKeys: [.isDirectoryKey]).isDirectory == true {
                say("cannot read \(name): it is a folder; name the files in it")
                return nil
            }
            let bytes = try Data(contentsOf: url, options: .mappedIfSafe)
            if let packer = Self.packers.first(where: { bytes.starts(with: $0.mark) }) {
                say(
                    "cannot read \(name): it is packed by \(packer.name); unpack it first, as with \(packer.name) -dc FILE | footfall count -"
                )
                return nil
            }
            source = bytes.starts(with: [0x1f, 0x8b]) ? .packed(url) : .bytes(bytes)
        } catch CocoaError.fileReadNoSuchFile {
            say("cannot read \(name): there is no such file")
            return nil
        } catch {
            say("cannot read \(name): \(error.localizedDescription)")
            return nil
        }
    }

    private static let packers: [(name: String, mark: [UInt8])] = [
        ("bzip2", Array("BZh".utf8)), ("xz", [0xfd, 0x37, 0x7a, 0x58, 0x5a]), ("zstd", [0x28, 0xb5, 0x2f, 0xfd]),
    ]

    private init(live name: String) {
        self.name = name
        source = .live
    }

    /// Standard input as it arrives; it can be read once.
    static let standardInput = Recording(live: "-")

    /// All lines, from the first one.
    func lines() throws -> Lines {
        switch source {
        case .bytes(let bytes): return Lines(bytes)
        case .live: return Lines { FileHandle.standardInput.availableData }
        case .packed(let url):
            let (gzip, output) = try Self.unpacked(url)
            return Lines(gzip) { output.availableData }
        }
    }

    /// Decompresses a file with gzip(1), which every Debian has.
    static func unpacked(_ url: URL) throws -> (packer: Process, output: FileHandle) {
        let gzip = Process()
        let pipe = Pipe()
        gzip.executableURL = URL(fileURLWithPath: "/usr/bin/gzip")
        gzip.arguments = ["-cdq", url.path]
        gzip.standardOutput = pipe
        gzip.standardError = FileHandle.nullDevice
        try gzip.run()
        return (gzip, pipe.fileHandleForReading)
    }

    /// The lines of a recording, without empty ones. Only one chunk is in memory at a time.
    final class Lines {
        /// The number of the current line, from 1.
        private(set) var number = 0
        private var bytes: Data
        private var line = 0..<0
        private var next = 0
        private var isEnd: Bool
        private let more: () -> Data
        private let packer: Process?

        fileprivate init(_ bytes: Data) {
            self.bytes = bytes
            (isEnd, more, packer) = (true, { Data() }, nil)
            skipMark()
        }

        fileprivate init(_ packer: Process? = nil, _ more: @escaping () -> Data) {
            bytes = Data()
            (isEnd, self.more, self.packer) = (false, more, packer)
        }

        /// Skips a byte order mark.
        private func skipMark() { if bytes.starts(with: [0xef, 0xbb, 0xbf]) { next = 3 } }

        /// Goes to the next line; false at the end.
        func advance() -> Bool {
            while true {
                var end = next
                while true {
                    let bytes = bytes.span
                    while end < bytes.count, bytes[end] != 0x0a { end += 1 }
                    if end < bytes.count || isEnd { break }
                    end = read(end)
                }
                guard next < bytes.count else { return false }
                number += 1
                let isReturn = end > next && bytes.span[end - 1] == 0x0d
                line = next..<(isReturn ? end - 1 : end)
                next = min(end + 1, bytes.count)
                if !line.isEmpty { return true }
            }
        }

        /// Reads the next chunk; `end` is how far the data was searched, and its new position is returned. Only the beginning of
        /// a line longer than a mebibyte is kept, because no more of it is used.
        private func read(_ end: Int) -> Int {
            var end = end - next
            bytes = Data(bytes.dropFirst(next))
            next = 0
            if bytes.count > 1 << 20 {
                bytes.removeSubrange((Beacons.bytesMax + 1)...)
                end = bytes.count
            }
            let chunk = more()
            isEnd = chunk.isEmpty
            let isFirst = number == 0 && bytes.isEmpty
            bytes.append(chunk)
            if isFirst { skipMark() }
            return max(end, next)
        }

        /// Gives the current line without its line end.
        func withLine<R>(_ body: (Span<UInt8>) -> R) -> R { body(bytes.span.extracting(line)) }

        /// The file was complete. Ask after the last line.
        var isWhole: Bool {
            guard let packer else { return true }
            packer.waitUntilExit()
            return packer.terminationStatus != 1
        }

        deinit {
            // The caller may stop before the end.
            packer?.terminate()
        }
    }
}
