import CKernel
import Counting
import Glibc

/// An open file. It is closed exactly once.
public final class OpenFile: Sendable {
    let descriptor: CInt
    let path: String

    /// Opens or creates a file. Does not follow a link in the last place of the path.
    init(_ path: String, flags: CInt, doing: String) throws(StorageError) {
        descriptor = unsafe open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0o640)
        self.path = path
        guard descriptor >= 0 else { throw .system(doing: doing, path: path, error: errno) }
    }

    deinit { close(descriptor) }

    /// Writes both pieces, one after the other.
    func write(_ first: Span<UInt8>, _ second: Span<UInt8>, at offset: Int) throws(StorageError) {
        let error = unsafe first.withUnsafeBufferPointer { first in
            unsafe second.withUnsafeBufferPointer { second in
                unsafe ck_write(
                    descriptor, first.baseAddress, first.count, second.baseAddress, second.count, Int64(offset))
            }
        }
        guard error == 0 else { throw .system(doing: "write", path: path, error: error) }
    }

    func write(_ bytes: [UInt8], at offset: Int) throws(StorageError) {
        try write(bytes.span, bytes.span.extracting(first: 0), at: offset)
    }

    /// Reserves the space of the whole file on the disk.
    func allocate(_ bytes: Int) throws(StorageError) {
        let error = posix_fallocate(descriptor, 0, off_t(bytes))
        guard error == 0 else { throw .system(doing: "allocate", path: path, error: error) }
    }

    /// Returns when the disk has everything written so far.
    func sync() throws(StorageError) {
        guard fdatasync(descriptor) == 0 else { throw .system(doing: "sync", path: path, error: errno) }
    }

    /// The bytes of the file, at most the first `limit`.
    func read(first limit: Int) throws(StorageError) -> [UInt8] {
        let (bytes, error, _) = read(limit, skipsUnreadable: false)
        guard error == 0 else { throw .system(doing: "read", path: path, error: error) }
        return bytes
    }

    /// The same, but with zeros for what the disk cannot read any more, and where the unreadable part begins.
    func readWhatIsLeft(first limit: Int) throws(StorageError) -> (bytes: [UInt8], unreadable: Int?) {
        let (bytes, error, unreadable) = read(limit, skipsUnreadable: true)
        guard error == 0 else { throw .system(doing: "read", path: path, error: error) }
        return (bytes, unreadable)
    }

    private func read(_ limit: Int, skipsUnreadable: Bool) -> (bytes: [UInt8], error: CInt, unreadable: Int?) {
        let size = Int(min(lseek(descriptor, 0, SEEK_END), off_t(limit)))
        guard size >= 0 else { return ([], errno, nil) }
        var error: CInt = 0
        var unreadable: Int?
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            while count < size {
                let got = unsafe pread(
                    descriptor, buffer.baseAddress.map { unsafe $0 + count }, size - count, off_t(count))
                if got < 0, errno == EINTR { continue }
                if got < 0, errno == EIO, skipsUnreadable {
                    let end = min(size, (count / Self.blockBytes + 1) * Self.blockBytes)
                    unsafe buffer[count..<end].initialize(repeating: 0)
                    unreadable = unreadable ?? count
                    count = end
                    continue
                }
                if got < 0 { error = errno }
                guard got > 0 else { return }
                count += got
            }
        }
        return (bytes, error, unreadable)
    }

    private static let blockBytes = 4096
}

enum Files {
    /// Creates a directory and those above it.
    static func makeDirectory(_ path: String) throws(StorageError) {
        var made = ""
        for part in path.split(separator: "/") {
            made += "/" + part
            guard unsafe mkdir(made, 0o750) != 0 else { continue }
            // The directories above may exist and not be writable.
            let error = errno
            guard exists(made) else { throw .system(doing: "create", path: made, error: error) }
        }
        guard unsafe access(path, W_OK | X_OK) == 0 else { throw .system(doing: "write to", path: path, error: errno) }
    }

    static func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

    /// The names in a directory, sorted.
    static func names(in directory: String) throws(StorageError) -> [String] {
        guard let handle = unsafe opendir(directory) else {
            throw .system(doing: "read", path: directory, error: errno)
        }
        defer { unsafe closedir(handle) }
        var names: [String] = []
        while let entry = unsafe readdir(handle) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
                unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    static func delete(_ path: String) throws(StorageError) {
        guard unsafe unlink(path) == 0 || errno == ENOENT else {
            throw .system(doing: "delete", path: path, error: errno)
        }
    }

    static func rename(_ path: String, to other: String) throws(StorageError) {
        guard unsafe Glibc.rename(path, other) == 0 else { throw .system(doing: "rename", path: path, error: errno) }
    }

    static func name(of path: String) -> String { path.split(separator: "/").last.map(String.init) ?? path }

    /// Moves a file, if it exists, into a directory, which is created. The file keeps its name, or gets a number if
    /// that is taken.
    static func move(_ path: String, into directory: String) throws(StorageError) {
        try makeDirectory(directory)
        let name = name(of: path)
        var target = directory + "/" + name
        var number = 1
        while exists(target) {
            number += 1
            target = directory + "/\(name).\(number)"
        }
        guard unsafe Glibc.rename(path, target) == 0 || errno == ENOENT else {
            throw .system(doing: "move", path: path, error: errno)
        }
    }

    /// Returns when the disk has the names in a directory.
    static func syncDirectory(_ path: String) throws(StorageError) {
        // The dot follows a link: systemd's state directory is a link if the service has a dynamic user.
        let directory = try OpenFile(path + "/.", flags: O_RDONLY | O_DIRECTORY, doing: "open")
        guard fsync(directory.descriptor) == 0 else { throw .system(doing: "sync", path: path, error: errno) }
    }

    /// 16 hexadecimal digits, so that names sort like numbers.
    static func digits(_ number: UInt64) -> String {
        let text = String(number, radix: 16)
        return String(repeating: "0", count: 16 - text.count) + text
    }
}

/// CRC-32C of the bytes, continued from `crc`.
func crc32c(_ bytes: Span<UInt8>, from crc: UInt32 = 0) -> UInt32 {
    unsafe bytes.withUnsafeBufferPointer { unsafe ck_crc32c(crc, $0.baseAddress, $0.count) }
}

extension Span where Element == UInt8 {
    /// The four bytes from `offset`, lowest first. All must lie inside the span.
    func half(at offset: Int) -> UInt32 { UInt32(pair(at: offset)) | UInt32(pair(at: offset + 2)) << 16 }
}

extension [UInt8] {
    /// Appends the lowest `count` bytes of a number, lowest first.
    mutating func append(_ number: UInt64, bytes count: Int) {
        for i in 0..<count { append(UInt8(truncatingIfNeeded: number >> UInt64(8 * i))) }
    }

    /// 16 bytes from the system's random source.
    static var incarnation: [UInt8] { (0..<16).map { _ in UInt8.random(in: .min ... .max) } }
}
