import Glibc

/// Finds who holds a port, so that an error can name them.
enum PortOwner {
    /// `name (pid 123)` of a process that has a socket bound to the port; nil where none may be looked at.
    static func find(port: UInt16, isDatagram: Bool) -> String? {
        let tables = isDatagram ? ["udp", "udp6"] : ["tcp", "tcp6"]
        let inodes = tables.flatMap { Self.inodes(in: "/proc/net/\($0)", port: port) }
        guard !inodes.isEmpty else { return nil }
        let links = Set(inodes.map { "socket:[\($0)]" })
        for pid in Self.names(in: "/proc") where pid.allSatisfy(\.isNumber) {
            let directory = "/proc/\(pid)/fd"
            if Self.names(in: directory).contains(where: { links.contains(link("\(directory)/\($0)")) }) {
                let name = text("/proc/\(pid)/comm").split(separator: "\n").first ?? "?"
                return "\(name) (pid \(pid))"
            }
        }
        return nil
    }

    /// The last columns of /proc/net/udp: local address `0100007F:1CCD` second, inode tenth.
    private static func inodes(in table: String, port: UInt16) -> [Substring] {
        let suffix = ":" + hex(port)
        return text(table).split(separator: "\n").dropFirst().compactMap { line in
            let columns = line.split(separator: " ")
            return columns.count > 9 && columns[1].hasSuffix(suffix) ? columns[9] : nil
        }
    }

    private static func hex(_ port: UInt16) -> String {
        let digits = String(port, radix: 16, uppercase: true)
        return String(repeating: "0", count: 4 - digits.count) + digits
    }

    private static func names(in directory: String) -> [String] {
        guard let stream = unsafe opendir(directory) else { return [] }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            unsafe withUnsafeBytes(of: &entry.pointee.d_name) {
                unsafe names.append(String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self))
            }
        }
        return names
    }

    private static func link(_ path: String) -> String {
        var target = [CChar](repeating: 0, count: 64)
        let count = unsafe readlink(path, &target, target.count)
        return String(decoding: target.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static func text(_ path: String) -> String {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = unsafe read(descriptor, &chunk, chunk.count)
            guard count > 0 else { break }
            bytes += chunk[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
