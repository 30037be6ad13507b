import Foundation

/// Finds the process that holds a port, so that an error can name it.
enum PortOwner {
    /// `name (pid 123)` of a process with a socket bound to the port; nil if no such process can be inspected.
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

    /// The inodes in /proc/net/udp and similar tables: column 2 is the local address `0100007F:1CCD`, column 10 the
    /// inode.
    private static func inodes(in table: String, port: UInt16) -> [Substring] {
        text(table).split(separator: "\n").dropFirst().compactMap { line in
            let columns = line.split(separator: " ")
            guard columns.count > 9, let digits = columns[1].split(separator: ":").last else { return nil }
            return UInt16(digits, radix: 16) == port ? columns[9] : nil
        }
    }

    private static func names(in directory: String) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
    }

    private static func link(_ path: String) -> String {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: path)) ?? ""
    }

    /// The text of a file in `/proc`; empty if it cannot be read.
    static func text(_ path: String) -> String {
        FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
}
