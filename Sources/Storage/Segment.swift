import Counting
import Glibc

/// One file of the journal, allocated in full before its first frame.
struct Segment {
    let file: OpenFile
    let ordinal: UInt64
    let bytes: Int

    static let headerBytes = 64
    /// Version 1 had no hits of a fixed head.
    static let version: UInt8 = 2
    private static let magic: [UInt8] = [0x46, 0x46, 0x53, 0x45, 0x47, 0, 0]

    static func name(_ ordinal: UInt64) -> String { Files.digits(ordinal) + ".segment" }

    /// The number in a segment's name; nil if the name is not a segment's.
    static func ordinal(_ name: String) -> UInt64? {
        // Accept only names that we would give: a stray file is not a segment, and numbers must have room to rise.
        guard let ordinal = UInt64(name.prefix(16), radix: 16), ordinal < 1 << 56, name == Self.name(ordinal) else {
            return nil
        }
        return ordinal
    }

    /// Creates a segment: allocated and with its head. If `isSynced`, the disk also has its name.
    init(
        making ordinal: UInt64, in directory: String, bytes: Int, incarnation: [UInt8], isSynced: Bool = true
    ) throws(StorageError) {
        let path = directory + "/" + Self.name(ordinal)
        file = try OpenFile(path, flags: O_RDWR | O_CREAT | O_EXCL, doing: "create")
        self.ordinal = ordinal
        self.bytes = bytes
        do throws(StorageError) {
            try file.allocate(bytes)
            try file.write(Self.header(ordinal, bytes: bytes, incarnation), at: 0)
            if isSynced {
                try file.sync()
                try Files.syncDirectory(directory)
            }
        } catch {
            // A file without room for its frames is useless, and in the way of the next try.
            unsafe unlink(path)
            throw error
        }
    }

    private static func header(_ ordinal: UInt64, bytes: Int, _ incarnation: [UInt8]) -> [UInt8] {
        var header = magic + [version]
        header.append(0, bytes: 4)
        header.append(UInt64(bytes), bytes: 4)
        header += incarnation
        header.append(ordinal, bytes: 8)
        header.append(0, bytes: 24)
        let crc = crc32c(header.span.extracting(12..<headerBytes))
        for i in 0..<4 { header[8 + i] = UInt8(truncatingIfNeeded: crc >> UInt32(8 * i)) }
        return header
    }

    /// What the head of a segment says.
    enum Header: Equatable {
        /// Ours, with the size with which the file was created.
        case ours(bytes: Int)
        /// Another incarnation's.
        case foreign
        /// Written by a newer Footfall.
        case newer(version: Int)
        /// Never written: the process died while it created the file.
        case blank
        case damaged
    }

    /// Throws if a newer Footfall wrote the segment.
    static func refuseNewer(_ path: String) throws(StorageError) {
        // An unreadable segment head has no version. That must not stop the start.
        let (head, _) = try OpenFile(path, flags: O_RDONLY, doing: "open").readWhatIsLeft(first: headerBytes)
        let nobodys = [UInt8](repeating: 0, count: 16)
        if case .newer(let found) = header(of: head.span, incarnation: nobodys) {
            throw .newer(path: path, version: found, known: Int(version))
        }
    }

    static func header(of bytes: Span<UInt8>, incarnation: [UInt8]) -> Header {
        guard bytes.count >= headerBytes else { return isZero(bytes, from: 0) ? .blank : .damaged }
        if isZero(bytes.extracting(first: headerBytes), from: 0) { return .blank }
        let isSound = crc32c(bytes.extracting(12..<headerBytes)) == bytes.half(at: 8)
        let magic = magic.span
        guard isSound, equal(bytes.extracting(first: 7), magic) else { return .damaged }
        guard bytes[7] <= version else { return .newer(version: Int(bytes[7])) }
        let incarnation = incarnation.span
        guard equal(bytes.extracting(16..<32), incarnation) else { return .foreign }
        return .ours(bytes: Int(bytes.half(at: 12)))
    }
}

/// True if all bytes from `offset` on are zero.
func isZero(_ bytes: Span<UInt8>, from offset: Int) -> Bool {
    var at = offset
    while at + 8 <= bytes.count {
        if bytes.word(at: at) != 0 { return false }
        at += 8
    }
    while at < bytes.count {
        if bytes[at] != 0 { return false }
        at += 1
    }
    return true
}
