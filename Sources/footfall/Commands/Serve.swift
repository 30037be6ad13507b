import ArgumentParser
import Counting
import Glibc
import History
import Ingest
import Logging
import Platform
import ServiceLifecycle
import Settings
import Storage
import Supervision
import UnixSignals
import Web
import Wire

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the daemon.",
        discussion: """
            Receives beacons over UDP and serves the numbers over HTTP until SIGTERM or SIGINT. Without a settings \
            file it serves one site, demo, on loopback. Sockets passed by systemd override the settings.
            """)

    @OptionGroup var settingsOption: SettingsOption

    func run() async throws {
        // Until settings can be reloaded, SIGHUP must not end the daemon.
        signal(SIGHUP, SIG_IGN)
        let inherited = InheritedSocket.adoptAll()
        let threshold = LogThreshold()
        let logger = Logger.daemon(threshold)
        let settings: Settings
        do {
            settings = try settingsOption.read()
        } catch {
            fail("\(error)", logger, status: "the settings are wrong; see the journal, or run footfall check", wait: 30)
            throw Exit.configuration
        }
        threshold.adopt(settings.log.level)
        for warning in settings.warnings { logger.write(.settingsNote, ["note": "\(warning)"]) }
        let sockets: Sockets
        do {
            sockets = try Sockets(settings, inherited: inherited, logger: logger)
        } catch {
            fail("\(error)", logger)
            throw Exit.unavailable
        }
        try await serve(settings, sockets, logger, threshold)
    }

    private func serve(
        _ settings: Settings, _ sockets: Sockets, _ logger: Logger, _ threshold: LogThreshold
    ) async throws {
        // Replaying a long journal takes time. Tell systemd, or it would kill the daemon.
        Supervisor.extendStart(seconds: 60)
        let patience = Task {
            while true {
                try await Task.sleep(for: .seconds(20))
                Supervisor.extendStart(seconds: 60)
            }
        }
        defer { patience.cancel() }
        let state: RecoveredState
        do {
            state = try RecoveredState(settings, logger: logger)
        } catch let error as StorageError {
            fail("\(error)", logger)
            throw error.isPermission ? Exit.noPermission : Exit.unavailable
        }
        let counting = CountingThread(
            state.pipeline, sockets: sockets.beacons, ring: state.ring, checkpointer: state.checkpointer
        ) { event in
            switch event {
            case .clock(let event):
                logger.write(.clockJumped, ["clock.event": "\(event)"])
            case .unsaved(let error, let lost):
                logger.write(.unsaved, ["error": "\(error)", "lost.bytes": "\(lost)"])
            case .alive: Supervisor.alive()
            }
        }
        let reloading = Reloading(settingsOption, settings, logger, threshold)
        let backend = DaemonBackend(
            counting: counting,
            history: HistoryService(
                reader: state.history, checkpointer: state.checkpointer, engine: LiveEngine(counting: counting)),
            reloading: reloading, health: state.health, directory: state.directory, accessTokens: state.accessTokens,
            siteKeys: state.siteKeys)
        let web = WebServer(
            listeners: sockets.listeners, backend: backend,
            configuration: settings.http.configuration(connections: Descriptors.raise()))
        reloading.begin(counting, web)
        announce(settings, sockets, logger)
        let services = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [
                    .init(service: CountingService(thread: counting)),
                    .init(service: ReloadService(reloading: reloading)),
                    .init(service: web, successTerminationBehavior: .gracefullyShutdownGroup),
                    // The last service is stopped first, and tells systemd.
                    .init(
                        service: HealthService(
                            health: state.health, report: { counting.publication.current }, logger: logger)),
                ],
                gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
        patience.cancel()
        Supervisor.ready(status: state.health.summary(of: counting.publication.current))
        try await services.run()
        logger.write(.stopped)
    }

    private func announce(_ settings: Settings, _ sockets: Sockets, _ logger: Logger) {
        logger.write(
            .serving,
            [
                "version": "\(Footfall.version)", "sites": "\(settings.sites.count)",
                "beacons": "\(sockets.beaconNames.joined(separator: " "))", "http": "http://\(sockets.httpName)",
                "local": "\(sockets.localName)",
                "state": "\(settings.state.directory)",
            ])
        if TestHooks.areBuiltIn { logger.write(.crashable) }
    }

    /// Reports why the daemon cannot start. The wait keeps a supervisor that restarts at once from looping over a mistake in a
    /// file or a full disk.
    private func fail(_ reason: String, _ logger: Logger, status: String? = nil, wait seconds: UInt32 = 3) {
        if SystemJournal.isListening { logger.write(.cannotStart, ["reason": "\(reason)"]) } else { say(reason) }
        Supervisor.failed(status ?? reason)
        if environment["INVOCATION_ID"] != nil, isatty(STDERR_FILENO) == 0 { sleep(seconds) }
    }
}

/// Keeps the counting thread while the services run.
private struct CountingService: Service {
    let thread: CountingThread

    func run() async throws {
        defer { thread.stop() }
        try await gracefulShutdown()
    }
}
