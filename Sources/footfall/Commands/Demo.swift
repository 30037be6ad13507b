import ArgumentParser
import Foundation
import Glibc
import Settings

struct Demo: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show a dashboard with visitors that are made up.",
        discussion: """
            Runs a daemon with a state of its own that is gone afterwards, on ports of loopback, and sends it visitors who come, read and \
            leave. Ends with Ctrl-C. The first minutes are all the history there is.
            """)

    @Option(help: "Visitors who come in a minute.")
    var visitors = 60
    @Option(help: "Seconds until it ends by itself.")
    var seconds: Int?

    func validate() throws {
        if !(1...100_000).contains(visitors) { throw ValidationError("--visitors takes 1 to 100000") }
    }

    func run() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "footfall-demo-\(UUID())")
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        defer { removeFolder(folder) }
        let daemon = try start(in: folder)
        defer {
            daemon.terminate()
            daemon.waitUntilExit()
        }
        let (beacons, http) = try ports(of: daemon, folder.appending(path: "log"))
        // At once, also into a pipe.
        let line = "http://127.0.0.1:\(http)/   (footfall stats -c \(folder.path)/footfall.toml; Ctrl-C ends it)\n"
        try FileHandle.standardOutput.write(contentsOf: Data(line.utf8))
        let socket = try DatagramSocket(to: ListenAddress(host: "127.0.0.1", port: UInt16(beacons), isIPv6: false))
        var ends: [any DispatchSourceSignal] = []
        let isOver = DispatchSemaphore(value: 0)
        for number in [SIGINT, SIGTERM, SIGHUP] {
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { isOver.signal() }
            source.resume()
            ends.append(source)
        }
        var crowd = Crowd(perMinute: visitors)
        let end = seconds.map { DispatchTime.now() + .seconds($0) }
        while daemon.isRunning, isOver.wait(timeout: .now() + .milliseconds(100)) == .timedOut,
            end.map({ .now() < $0 }) ?? true
        {
            for beacon in crowd.pass() { socket.send(Array(beacon.utf8)) }
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

            """ + Crowd.sites.map { "[[site]]\nname = \"\($0)\"\n" }.joined()
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

/// People who come, read some pages and leave.
private struct Crowd {
    static let sites = ["portal", "shop"]
    private static let pages = [
        "/", "/tin-tuc", "/gioi-thieu", "/lien-he", "/tin-tuc/le-hoi", "/thu-tuc", "/van-ban", "/hinh-anh",
    ]
    private static let referrers = [
        "", "", "https://www.google.com/", "https://www.facebook.com/", "https://coccoc.com/", "https://zalo.me/",
    ]

    private struct Visitor {
        let site: String, id: Int, from: String
        var pages: Int
        var next: Int
    }

    private let perMinute: Int
    private var here: [Visitor] = []
    private var ticks = 0
    private var arrived = 0

    init(perMinute: Int) { self.perMinute = perMinute }

    /// A tenth of a second later: the beacons that it brings.
    mutating func pass() -> [String] {
        ticks += 1
        // A third of them is there from the first minute on.
        let due = perMinute * ticks / 600 + (ticks == 1 ? perMinute / 3 : 0)
        while arrived < due {
            arrived += 1
            here.append(
                Visitor(
                    site: Self.sites[arrived % 3 == 0 ? 1 : 0], id: arrived, from: Self.referrers.randomElement() ?? "",
                    pages: Int.random(in: 1...7), next: ticks))
        }
        var beacons: [String] = []
        for i in here.indices where here[i].next <= ticks {
            let visitor = here[i]
            let page = Self.pages[min(Int.random(in: 0..<8), Int.random(in: 0..<8))]
            beacons.append("f1 s=\(visitor.site)&v=\(visitor.id)&u=\(page)&r=\(visitor.from)")
            here[i].pages -= 1
            here[i].next = ticks + Int.random(in: 50...600)
        }
        here.removeAll { $0.pages == 0 }
        if ticks % 97 == 0 { beacons.append("f1 s=portal&i=192.0.2.1&u=/&a=Googlebot/2.1") }
        return beacons
    }
}
