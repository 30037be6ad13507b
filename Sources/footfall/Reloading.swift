import Counting
import Ingest
import Logging
import Platform
import ServiceLifecycle
import Settings
import Supervision
import Synchronization
import UnixSignals
import Web

/// The current settings, and how new ones replace them: all or nothing, while beacons are counted.
final class Reloading: Sendable {
    private let option: SettingsOption
    private let started: Settings
    private let hadFiles: Bool
    private let logger: Logger
    private let threshold: LogThreshold
    private let current: Mutex<Current>

    private struct Current {
        var publicNumbers: [String: Set<PublicNumber>]
        var lastSucceeded = true
        /// The newest reload; reloads run one after the other.
        var newest: Task<Result<[String], ReloadError>, Never>?
        /// Applies settings; nil until the daemon runs.
        var apply: (@Sendable (Settings) async -> IngestPipeline.Reloaded)?
    }

    init(_ option: SettingsOption, _ settings: Settings, _ logger: Logger, _ threshold: LogThreshold) {
        self.option = option
        self.logger = logger
        self.threshold = threshold
        started = settings
        hadFiles = Settings.hasFiles(option.config)
        current = Mutex(Current(publicNumbers: settings.publicNumbers))
    }

    /// The numbers of a site that everyone may see; none if the site is no longer in the settings.
    func publicNumbers(of site: String) -> Set<PublicNumber> { current.withLock { $0.publicNumbers[site] ?? [] } }

    func isServed(_ site: String) -> Bool { current.withLock { $0.publicNumbers[site] != nil } }

    var lastSucceeded: Bool { current.withLock { $0.lastSucceeded } }

    /// From now on settings can change.
    func begin(_ counting: CountingThread, _ web: WebServer) {
        current.withLock { current in
            current.apply = { settings in
                let result = await counting.reload(settings)
                if result == .done { web.reload(settings.http.configuration()) }
                return result
            }
        }
    }

    /// Reads and applies the settings. Returns notes such as what waits for a restart, or why the old settings stay.
    func reload() async -> Result<[String], ReloadError> {
        let task = current.withLock { current in
            let before = current.newest
            let task = Task {
                _ = await before?.value
                return await reloadNow()
            }
            current.newest = task
            return task
        }
        return await task.value
    }

    private func reloadNow() async -> Result<[String], ReloadError> {
        Supervisor.reloading()
        let result = await read()
        current.withLock { $0.lastSucceeded = if case .success = result { true } else { false } }
        switch result {
        case .success(let notes):
            logger.write(.reloaded)
            for note in notes { logger.write(.settingsNote, ["note": "\(note)"]) }
        case .failure(let error):
            logger.write(
                .notReloaded, ["error": "\(error.description)"]
            )
        }
        Supervisor.ready(
            status: lastSucceeded
                ? "settings reloaded" : "the settings are wrong and the old ones in force; see the journal")
        return result
    }

    private func read() async -> Result<[String], ReloadError> {
        let settings: Settings
        do throws(SettingsError) {
            settings = try option.read()
        } catch {
            return .failure(ReloadError(error.description))
        }
        guard !hadFiles || Settings.hasFiles(option.config) else {
            return .failure(
                ReloadError(
                    "There is no settings file any more. Only a daemon that starts without one serves the demo."))
        }
        guard let apply = current.withLock({ $0.apply }) else {
            return .failure(ReloadError("The daemon is starting; ask again."))
        }
        switch await apply(settings) {
        case .done:
            current.withLock { $0.publicNumbers = settings.publicNumbers }
            threshold.adopt(settings.log.level)
            return .success(settings.warnings + settings.waitingForRestart(since: started))
        case .waiting, .unwritten:
            return .failure(ReloadError("The disk accepts nothing now, so nothing was changed; /readyz says why."))
        case .tooMany:
            return .failure(
                ReloadError(
                    "There would be more sites than [limits] sites, those counted once included, or more than "
                        + "\(IngestPipeline.siteRecordsMax) changed at once; restart the daemon."))
        }
    }

}

extension CountingThread {
    /// Retries until the salts of new sites are stored, for a little less than the time limit of a request.
    fileprivate func reload(_ settings: Settings) async -> IngestPipeline.Reloaded {
        let profiles = settings.sites.map(\.profile)
        let end = Clocks.steady + 8000
        let result = await change { pipeline -> IngestPipeline.Reloaded? in
            let result = pipeline.reload(profiles, rules: settings.admissionRules)
            return result == .waiting && Clocks.steady < end ? nil : result
        }
        return result ?? .unwritten
    }
}

/// Reloads the settings on SIGHUP.
struct ReloadService: Service {
    let reloading: Reloading

    func run() async throws {
        for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() {
            _ = await reloading.reload()
        }
    }
}

extension Settings {
    fileprivate var publicNumbers: [String: Set<PublicNumber>] {
        Dictionary(uniqueKeysWithValues: sites.map { ($0.name, Set($0.publicNumbers)) })
    }
}

extension Settings.HTTP {
    /// The configuration of the server, with at most so many connections.
    func configuration(connections: Int = .max) -> WebConfiguration {
        var limits = WebLimits()
        limits.connections = min(limits.connections, connections)
        return WebConfiguration(hosts: hosts, proxies: proxyNetworks, localAdmin: localAdmin, limits: limits)
    }
}
