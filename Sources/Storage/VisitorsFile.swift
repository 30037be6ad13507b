import Counting
import Glibc

/// The visitors of the last half hour and the views of the last moments, in a file beside the database. `FORMAT.md` has
/// the layout.
enum VisitorsFile {
    private static let magic: [UInt8] = [0x46, 0x46, 0x56, 0x49, 0x53, 0, 0, 1]
    private static let headerBytes = 40
    /// Larger than any table: a longer file is not ours.
    private static let bytesMax = 16 << 30

    static func name(_ sequence: UInt64) -> String { "visitors-" + Files.digits(sequence) }

    /// True for a name that we give: a checkpoint's file, or one that is not complete yet.
    static func isOurs(_ file: String) -> Bool {
        let name = file.hasSuffix(".new") ? file.dropLast(4) : file[...]
        guard name.hasPrefix("visitors-"), let sequence = UInt64(name.dropFirst(9), radix: 16) else { return false }
        return name == Self.name(sequence)
    }

    /// Deletes every file of visitors except `name`.
    static func sweep(_ directory: String, keeping name: String) throws(StorageError) {
        for other in try Files.names(in: directory) where isOurs(other) && other != name {
            try Files.delete(directory + "/" + other)
        }
    }

    /// Writes and syncs the file of a checkpoint. It gets its name when it is complete.
    ///
    /// - Complexity: O(visitors), in chunks of about 160 KiB.
    static func write(
        _ capture: Capture, sequence: UInt64, incarnation: [UInt8], in directory: String
    ) throws(StorageError) {
        let path = directory + "/" + name(sequence)
        let file = try OpenFile(path + ".new", flags: O_RDWR | O_CREAT | O_TRUNC, doing: "create")
        do throws(StorageError) {
            try fill(file, capture, sequence: sequence, incarnation: incarnation)
        } catch {
            // The journal may need the space it uses.
            unsafe unlink(file.path)
            throw error
        }
        try Files.rename(file.path, to: path)
        try Files.syncDirectory(directory)
    }

    private static func fill(
        _ file: OpenFile, _ capture: Capture, sequence: UInt64, incarnation: [UInt8]
    ) throws(StorageError) {
        var header = magic
        header.append(sequence, bytes: 8)
        header += incarnation
        header.append(UInt64(Capture.chunkCount), bytes: 8)
        try file.write(header, at: 0)
        var at = headerBytes
        for index in 0..<Capture.chunkCount {
            let chunk = capture.chunk(index)
            var head: [UInt8] = []
            head.append(UInt64(chunk.count), bytes: 4)
            head.append(UInt64(crc32c(chunk.span)), bytes: 4)
            try file.write(head.span, chunk.span, at: at)
            at += head.count + chunk.count
        }
        try file.sync()
    }

    /// Throws if a newer Footfall wrote the file.
    static func refuseNewer(_ path: String) throws(StorageError) {
        let head = try OpenFile(path, flags: O_RDONLY, doing: "open").read(first: magic.count)
        if head.count == magic.count, head.starts(with: magic.dropLast()), head[7] > magic[7] {
            throw .newer(path: path, version: Int(head[7]), known: Int(magic[7]))
        }
    }

    /// The chunks of a checkpoint's file.
    static func read(
        _ name: String, sequence: UInt64, incarnation: [UInt8], in directory: String
    ) throws(StorageError) -> [[UInt8]] {
        let path = directory + "/" + name
        let file = try OpenFile(path, flags: O_RDONLY, doing: "open")
        let bytes = try file.read(first: bytesMax)
        let damaged = StorageError.damaged(path: path, what: "its head or a checksum is wrong")
        guard bytes.count >= headerBytes else { throw damaged }
        let span = bytes.span
        guard bytes.starts(with: magic), span.word(at: 8) == sequence, Array(bytes[16..<32]) == incarnation,
            span.word(at: 32) == UInt64(Capture.chunkCount)
        else { throw damaged }
        var chunks: [[UInt8]] = []
        var at = headerBytes
        for _ in 0..<Capture.chunkCount {
            guard bytes.count - at >= 8 else { throw damaged }
            let length = Int(span.half(at: at))
            guard bytes.count - at - 8 >= length else { throw damaged }
            let chunk = span.extracting(at + 8..<at + 8 + length)
            guard crc32c(chunk) == span.half(at: at + 4) else { throw damaged }
            chunks.append([UInt8](copying: chunk))
            at += 8 + length
        }
        guard at == bytes.count else { throw damaged }
        return chunks
    }
}
