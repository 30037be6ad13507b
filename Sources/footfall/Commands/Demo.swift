import ArgumentParser
import Foundation
import Glibc
import Settings
import Zones

struct Demo: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show a dashboard with invented visitors.",
        discussion: """
            Runs a daemon on free ports of loopback, with a temporary state that begins with three invented months, and sends it visitors \
            who come, read and leave. Ctrl-C ends it and deletes the state.
            """)

    @Option(help: "Visitors who come in a minute of the busiest hour; the invented months have at most 20.")
    var visitors = 20
    @Option(help: "Seconds after which it ends by itself.")
    var seconds: Int?

    func validate() throws {
        if !(1...100_000).contains(visitors) { throw ValidationError("--visitors takes 1 to 100000") }
    }

    func run() throws {
        // From here on a signal only ends the loop below, so that nothing is left behind.
        var ends: [any DispatchSourceSignal] = []
        let isOver = DispatchSemaphore(value: 0)
        for number in [SIGINT, SIGTERM, SIGHUP] {
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { isOver.signal() }
            source.resume()
            ends.append(source)
        }
        // A short name: the path of a socket in it may have 107 bytes at most.
        let name = "footfall-demo-\(UUID().uuidString.prefix(8))"
        let folder = FileManager.default.temporaryDirectory.appending(path: name)
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        defer { removeFolder(folder) }
        var live = try Live(past: folder.path + "/state", perMinute: visitors)
        let daemon = try start(in: folder)
        defer {
            daemon.terminate()
            daemon.waitUntilExit()
        }
        let (beacons, http) = try ports(of: daemon, folder.appending(path: "log"))
        // At once, also into a pipe.
        let lines = """
            http://127.0.0.1:\(http)/   (footfall stats -c \(folder.path)/footfall.toml; Ctrl-C ends it)
            All of it is invented: the three months behind, and the visitors who come now.

            """
        try FileHandle.standardOutput.write(contentsOf: Data(lines.utf8))
        let socket = try DatagramSocket(to: ListenAddress(host: "127.0.0.1", port: UInt16(beacons), isIPv6: false))
        let end = seconds.map { DispatchTime.now() + .seconds($0) }
        while daemon.isRunning, isOver.wait(timeout: .now() + .milliseconds(100)) == .timedOut,
            end.map({ .now() < $0 }) ?? true
        {
            for beacon in live.beacons() { socket.send(Array(beacon.utf8)) }
        }
        withExtendedLifetime(ends) {}
    }

    private func removeFolder(_ folder: URL) {
        do { try FileManager.default.removeItem(at: folder) } catch {
            say("\(folder.path) is left: \(error.localizedDescription)")
        }
    }

    private func start(in folder: URL) throws -> Process {
        let settings = """
            [beacon]
            listen = ["127.0.0.1:0"]
            [http]
            listen = "127.0.0.1:0"
            local_admin = true
            [state]
            directory = "\(folder.path)/state"
            runtime = "\(folder.path)/run"

            """
            + DemoCrowd.sites.map { "[[site]]\nname = \"\($0.name)\"\nhosts = [\"\($0.host)\"]\n" }.joined()
        let file = folder.appending(path: "footfall.toml")
        try Data(settings.utf8).write(to: file)
        let log = folder.appending(path: "log")
        try Data().write(to: log)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = ["serve", "-c", file.path]
        process.standardError = try FileHandle(forWritingTo: log)
        try process.run()
        return process
    }

    /// What it says when it serves.
    private func ports(of daemon: Process, _ log: URL) throws -> (beacons: Int, http: Int) {
        for _ in 0..<200 {
            let said = try String(contentsOf: log, encoding: .utf8)
            if let found = said.firstMatch(of: /beacons=127\.0\.0\.1:(\d+) http=http:\/\/127\.0\.0\.1:(\d+)/),
                let beacons = Int(found.1), let http = Int(found.2)
            {
                return (beacons, http)
            }
            guard daemon.isRunning else { break }
            usleep(50_000)
        }
        say("the daemon did not start: \(try String(contentsOf: log, encoding: .utf8))")
        throw Exit.unavailable
    }
}

/// The crowd as it comes now.
private struct Live {
    private var crowd: DemoCrowd
    private let zone: Zone
    private var day: Zone.Day
    /// The last second that was asked for, and what has not been sent of it.
    private var second: Int64
    private var waiting: [DemoCrowd.View] = []

    /// Writes the past to the directory `past` first.
    init(past: String, perMinute: Int) throws {
        let zone = Zone(named: Zone.machine) ?? Zone(named: "UTC")
        guard let zone else { preconditionFailure("there is no UTC") }
        self.zone = zone
        second = Int64(Date().timeIntervalSince1970)
        day = zone.day(at: second)
        crowd = DemoCrowd(perMinute: min(perMinute, 20), today: day.number, seed: 57_998)
        try DemoPast.write(to: past, &crowd, in: zone, named: Zone.machine, now: second)
        // The daemon knows those who come now by other keys, and would count who is in the middle of a visit twice.
        crowd.leave()
        crowd.perMinute = perMinute
    }

    /// The beacons of another tenth of a second.
    mutating func beacons() -> [String] {
        let now = Date().timeIntervalSince1970
        if now - Double(second) > 60 { second = Int64(now) - 1 }
        while second < Int64(now) {
            second += 1
            if second >= day.ends { day = zone.day(at: second) }
            crowd.advance(to: second, of: day, adding: &waiting)
        }
        let tenths = max(1, 10 - Int((now - now.rounded(.down)) * 10))
        let due = waiting.prefix((waiting.count + tenths - 1) / tenths)
        waiting.removeFirst(due.count)
        return due.map(beacon)
    }

    private func beacon(_ view: DemoCrowd.View) -> String {
        let site = DemoCrowd.sites[view.site]
        let start = "f1 s=\(site.name)&u=\(site.pages[view.page])"
        if view.isBot { return start + "&i=192.0.2.1&a=Googlebot/2.1" }
        let referrer = view.referrer.map { DemoCrowd.referrers[$0] } ?? site.host
        return start + "&v=\(view.visitor)" + (referrer.isEmpty ? "" : "&r=https://\(referrer)/")
    }
}
