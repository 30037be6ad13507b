import Foundation

/// The real daemon, on free loopback ports and with its own directories.
final class Daemon {
    /// The ports for beacons and for HTTP.
    let beaconPort: Int, httpPort: Int
    /// Its settings file, for the commands that talk to it.
    let settings: URL

    private let process: Child
    private let log: URL
    private let folder: TemporaryFolder

    /// How long it may take to start or respond, in seconds. Only a daemon that hangs takes that long.
    static let patience = 60.0

    /// What went wrong, with all output of the daemon.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// Returns when the daemon is ready. `sites` is TOML.
    init(sites: String = "[[site]]\nname = \"demo\"\ntimezone = \"UTC\"") throws {
        folder = try TemporaryFolder()
        settings = try folder.write(
            "footfall.toml",
            """
            [beacon]
            listen = ["127.0.0.1:0"]
            receive_buffer = "1MiB"
            [http]
            listen = "127.0.0.1:0"
            local_admin = true
            [state]
            directory = "\(folder.path)/state"
            runtime = "\(folder.path)/run"
            \(sites)
            """)
        log = try folder.write("log", "")
        process = try Child(
            try footfallBinary(), ["serve", "-c", settings.path],
            environment: ["PATH": "/usr/bin:/bin", "SWIFT_BACKTRACE": "enable=no"], input: "/dev/null",
            output: "/dev/null", errors: log.path)
        do {
            (beaconPort, httpPort) = try Self.ports(of: process, log)
            let ready = "http://127.0.0.1:\(httpPort)/readyz"
            try eventually("the daemon is ready") { try shell("curl -sf --max-time 5 \(ready)").output == "ready" }
        } catch {
            process.terminate()
            throw error
        }
    }

    /// Its whole output so far.
    var said: String {
        get throws { try String(contentsOf: log, encoding: .utf8) }
    }

    /// Ends it normally, like systemd, and returns its exit status.
    @discardableResult
    func stop() -> Int32 {
        process.terminate()
        return process.wait()
    }

    deinit { stop() }

    /// The ports it got, from the line in which it names them.
    private static func ports(of process: Child, _ log: URL) throws -> (Int, Int) {
        var ports: (Int, Int)?
        try eventually("the daemon names its ports") {
            let said = try String(contentsOf: log, encoding: .utf8)
            let form = #/beacons=127\.0\.0\.1:(\d+) http=http://127\.0\.0\.1:(\d+) .*Serving\n/#
            if let line = said.firstMatch(of: form),
                let beacon = Int(line.1), let http = Int(line.2)
            {
                ports = (beacon, http)
            } else if !process.isRunning {
                throw Failure(description: "the daemon ended with status \(process.wait()): \(said)")
            }
            return ports != nil
        }
        guard let ports else { throw Failure(description: "no ports") }
        return ports
    }
}

/// Asks again and again until it is true. Throws if that takes longer than anybody would wait.
func eventually(_ what: String, _ isSo: () throws -> Bool) throws {
    let end = Date(timeIntervalSinceNow: Daemon.patience)
    while try !isSo() {
        guard Date() < end else { throw Daemon.Failure(description: "not within \(Daemon.patience) s: \(what)") }
        Thread.sleep(forTimeInterval: 0.01)
    }
}
