import ArgumentParser
import Counting
import Glibc
import Ingest
import Logging
import ServiceLifecycle
import Storage
import Supervision
import UnixSignals
import Web
import Wire

/// `footfall serve`: the daemon.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the daemon.",
        discussion: """
            Receives beacons over UDP and serves the numbers over HTTP until SIGTERM or SIGINT. Without a settings file \
            it serves one site, demo, on loopback. Sockets handed over by systemd win over the settings.
            """)

    @OptionGroup var settingsOption: SettingsOption

    func run() async throws {
        let inherited = InheritedSocket.take()
        let logger = Logger(label: "footfall") { StreamLogHandler.standardError(label: $0) }
        let settings: Settings
        do {
            settings = try settingsOption.load()
        } catch {
            Supervisor.failed("the settings are wrong; see the journal, or run footfall check")
            waitBeforeFailing()
            throw error
        }
        for warning in settings.warnings { logger.warning("\(warning)") }
        let sockets: Sockets
        do {
            sockets = try Sockets(settings, inherited: inherited, logger: logger)
        } catch {
            say("\(error)")
            Supervisor.failed("\(error)")
            throw Exit.unavailable
        }
        try await serve(settings, sockets, logger)
    }

    private func serve(_ settings: Settings, _ sockets: Sockets, _ logger: Logger) async throws {
        let state: KeptState
        do {
            state = try KeptState(settings, logger: logger)
        } catch let error as StorageError {
            say("\(error)")
            Supervisor.failed("\(error)")
            throw error.isPermission ? Exit.noPermission : Exit.unavailable
        }
        let counting = CountingThread(
            state.intake, sockets: sockets.beacons, ring: state.ring, durability: state.durability
        ) { event in
            switch event {
            case .clock(let event):
                logger.warning("The wall clock jumped", metadata: ["clock.event": "\(event)"])
            case .unsaved(let error, let held):
                logger.error(
                    "The last checkpoint failed; the next start replays the journal, and names what was held in memory",
                    metadata: ["error": "\(error)", "lost.bytes": "\(held)"])
            }
        }
        let publicNumbers = Dictionary(
            uniqueKeysWithValues: settings.sites.map { ($0.name, Set($0.publicNumbers)) })
        let web = WebServer(
            listeners: sockets.listeners,
            state: WebState(
                report: { counting.publication.current },
                count: { hit, answer in
                    var hit = hit
                    hit.stamp = Clocks.wall
                    return counting.ask(.hit(hit, answer))
                },
                change: { counting.ask(.record($0, $1)) },
                degraded: { state.health.degraded },
                durability: { state.health.numbers(longestPauseNanoseconds: counting.longestPauseNanoseconds) },
                // A site that the settings name no longer keeps its numbers, for its owner.
                publicNumbers: { publicNumbers[$0] ?? [] },
                tokens: state.tokens, version: Footfall.version),
            configuration: WebConfiguration(
                hosts: settings.http.hosts, proxies: settings.http.proxyNetworks,
                localAdmin: settings.http.localAdmin))
        announce(settings, sockets, logger)
        let services = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [
                    .init(service: CountingService(thread: counting)),
                    .init(service: HealthService(health: state.health, sites: settings.sites.count, logger: logger)),
                    .init(service: web, successTerminationBehavior: .gracefullyShutdownGroup),
                ],
                gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
        // Settings are read once; the signal that asks others to read them again must not end the counting.
        signal(SIGHUP, SIG_IGN)
        Supervisor.ready(status: "\(settings.sites.count) sites")
        try await services.run()
        logger.notice("Stopped")
    }

    private func announce(_ settings: Settings, _ sockets: Sockets, _ logger: Logger) {
        logger.notice(
            "Serving",
            metadata: [
                "version": "\(Footfall.version)", "sites": "\(settings.sites.count)",
                "beacons": "\(sockets.beaconNames.joined(separator: " "))", "http": "http://\(sockets.httpName)",
                "local": "\(LocalSocket(runtime: settings.state.runtime).path)",
                "state": "\(settings.state.directory)",
            ])
        if CrashPoint.isBuiltIn { logger.warning("This build can be made to crash; it is for tests only") }
    }

    /// Under a supervisor that starts us again at once, a mistake in a file must not become a loop.
    private func waitBeforeFailing() {
        if environment["INVOCATION_ID"] != nil, isatty(STDERR_FILENO) == 0 { sleep(30) }
    }
}

/// Keeps the counting thread as long as the services run.
private struct CountingService: Service {
    let thread: CountingThread

    func run() async throws {
        defer {
            Supervisor.stopping()
            thread.stop()
        }
        try await gracefulShutdown()
    }
}
