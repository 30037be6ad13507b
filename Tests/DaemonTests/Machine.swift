import Foundation
import Glibc

/// Everything that stays while daemons start and end: their sockets, held as systemd holds them, their directories and
/// settings.
///
/// Datagrams to the sockets wait there for the next daemon, so nothing may be lost, however often one ends.
final class Machine {
    /// The ports for beacons and for HTTP.
    let beaconPort: Int, httpPort: Int
    /// The directories of the daemon.
    let state: String, runtime: String
    let sites: [String]

    private let beacons: CInt, http: CInt
    let settings: URL
    private let folder: TemporaryFolder
    private let log: URL

    /// The names of the machine's three sites.
    static let threeSites = ["demo", "second.site", "third_site"]

    /// `state` is a directory provided by the caller. `tables` are further lines of the settings, by the name of their
    /// table. The runtime directory is in memory, unless it should be on a disk.
    init(
        sites: [String] = threeSites, state: String? = nil, isRuntimeInMemory: Bool = true,
        timezone: String = "UTC", tables: [String: String] = [:]
    ) throws {
        folder = try TemporaryFolder()
        self.sites = sites
        self.state = state ?? folder.path + "/state"
        // Short, because the path of a socket has 107 bytes at most.
        runtime = isRuntimeInMemory ? "/dev/shm/footfall-run-\(UUID())" : folder.path + "/run"
        (beacons, beaconPort) = try Self.socket(SOCK_DGRAM)
        (http, httpPort) = try Self.socket(SOCK_STREAM)
        settings = try folder.write(
            "footfall.toml",
            """
            [http]
            \(tables["http"] ?? "local_admin = true")
            [state]
            directory = "\(self.state)"
            runtime = "\(runtime)"
            \(tables["state"] ?? "")
            [limits]
            \(tables["limits"] ?? "")
            [log]
            \(tables["log"] ?? "")

            """
                + sites.map {
                    "[[site]]\nname = \"\($0)\"\ntimezone = \"\(timezone)\"\nonline_window = \"30m\"\n\(tables["site"] ?? "")\n"
                }
                .joined())
        log = try folder.write("log", "")
    }

    /// A loopback socket as a socket unit opens it, with a port above the low numbers.
    private static func socket(_ type: __socket_type) throws -> (CInt, Int) {
        let first = Glibc.socket(AF_INET, CInt(type.rawValue | SOCK_CLOEXEC.rawValue), 0)
        defer { close(first) }
        let descriptor = fcntl(first, F_DUPFD_CLOEXEC, 64)
        var one: CInt = 1
        var buffer: CInt = 64 << 20
        let size = socklen_t(MemoryLayout<CInt>.size)
        if type == SOCK_DGRAM {
            // With this size the kernel drops nothing. Root gets it whatever the machine's maximum is.
            unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &buffer, size)
            unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, size)
            unsafe setsockopt(descriptor, SOL_SOCKET, SO_TIMESTAMPNS, &one, size)
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = unsafe withUnsafeMutablePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard isBound, type == SOCK_DGRAM || listen(descriptor, 1024) == 0 else {
            throw Daemon.Failure(description: "no socket: error \(errno)")
        }
        return (descriptor, Int(UInt16(bigEndian: address.sin_port)))
    }

    deinit {
        close(beacons)
        close(http)
        do {
            if FileManager.default.fileExists(atPath: runtime) { try FileManager.default.removeItem(atPath: runtime) }
        } catch {
            print("left behind: \(runtime): \(error)")
        }
    }

    /// Starts a daemon on these sockets and directories, with `command` in front if it is given. Returns before the
    /// daemon is ready, which it may never be.
    func start(
        _ environment: [String: String] = [:], ignoring signals: String = "", by command: String = ""
    ) throws -> Life {
        let own = [
            "PATH": "/usr/bin:/bin", "SWIFT_BACKTRACE": "enable=no", "LISTEN_FDS": "2", "LISTEN_FDNAMES": "beacon:http",
        ]
        // The sockets are for one process, named by its id. The id stays the same across `exec`.
        let script =
            (signals.isEmpty ? "" : "trap '' \(signals); ") + "export LISTEN_PID=$$; exec \(command) \"$0\" \"$@\""
        return Life(
            try Child(
                "/bin/sh", ["-c", script, try footfallBinary(), "serve", "-c", settings.path],
                environment: own.merging(environment) { _, given in given }, descriptors: [beacons, http],
                input: "/dev/null", output: "/dev/null", errors: log.path),
            of: self)
    }

    /// Writes the settings again, or a file beside them.
    func write(_ name: String, _ text: String) throws { try folder.write(name, text) }

    /// One datagram.
    func send(_ beacon: String) {
        let descriptor = Glibc.socket(AF_INET, CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        defer { close(descriptor) }
        let bytes = Array(beacon.utf8)
        guard connectToLoopback(descriptor, beaconPort),
            unsafe Glibc.send(descriptor, bytes, bytes.count, 0) == bytes.count
        else { return print("not sent: \(beacon)") }
    }

    /// The output of an operator's command, and its status.
    func command(_ line: String) throws -> (status: Int32, output: String, errors: String) {
        try shell("'\(try footfallBinary())' \(line) -c '\(settings.path)'")
    }

    /// The output of all daemons of the machine.
    var said: String {
        get throws { try String(contentsOf: log, encoding: .utf8) }
    }

    /// The words in the log that mean a loss or a broken promise; none while all is well.
    var complaints: [String] {
        get throws {
            let words = ["Part of the journal is missing", "quarantine", "Fatal error", "damaged", "cannot", "Crash"]
            return try said.split(separator: "\n").map(String.init).filter { line in
                words.contains { line.contains($0) }
            }
        }
    }

    /// The receive ring as a dead daemon left it: everything except its own bookkeeping, and the place of a batch.
    func ring() throws -> (all: Data, receivedBytes: Data) {
        let all = try Data(contentsOf: URL(filePath: runtime + "/landing.ring"))
        return (all, all.suffix(64 * 8384))
    }

    /// Waits until a ready daemon has counted `datagrams` more datagrams, or all there are.
    func count(datagrams: Int, of traffic: KnownTraffic) throws {
        let before = try scrape()["ingest_datagrams_total"]
        try eventually("it counts") {
            try !traffic.isRunning || scrape()["ingest_datagrams_total"] >= before + datagrams
        }
    }

    /// The files in a directory and below it, by their relative paths.
    static func files(in directory: String) throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: directory).filter { path in
            var isDirectory: ObjCBool = false
            let exists = unsafe FileManager.default.fileExists(
                atPath: directory + "/" + path, isDirectory: &isDirectory)
            return exists && !isDirectory.boolValue
        }.sorted()
    }
}

/// One process of the daemon. It does not outlive this value.
final class Life {
    let process: Child
    private let machine: Machine

    init(_ process: Child, of machine: Machine) {
        self.process = process
        self.machine = machine
    }

    deinit { kill() }

    /// Ends it at once, as a lack of memory would.
    @discardableResult
    func kill() -> Int32 {
        process.signal(SIGKILL)
        return process.wait()
    }

    /// Ends it normally and returns its exit status.
    @discardableResult
    func stop() -> Int32 {
        process.terminate()
        return process.wait()
    }

    /// Waits until it reports that its numbers are right.
    func becomeReady() throws {
        try eventually("the daemon is ready") {
            guard process.isRunning else {
                let end = process.wait()
                throw Daemon.Failure(
                    description: "the daemon ended with status \(end): \(try machine.said.suffix(2000))")
            }
            return machine.get("/readyz")?.status == 200
        }
    }

    /// Waits until it ends by itself. Returns its exit status, or nil if it runs for too long.
    func awaitEnd(doing work: () throws -> Void = {}) throws -> Int32? {
        let end = Date(timeIntervalSinceNow: Daemon.patience)
        while process.isRunning {
            guard Date() < end else { return nil }
            try work()
            Thread.sleep(forTimeInterval: 0.002)
        }
        return process.wait()
    }
}
