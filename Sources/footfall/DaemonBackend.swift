import Counting
import History
import Ingest
import Platform
import Storage
import Web
import Wire

/// What HTTP asks, answered by the counting thread, the history, the settings and the state directory.
struct DaemonBackend: Backend {
    let counting: CountingThread
    let history: HistoryService
    let reloading: Reloading
    let health: Health
    let directory: StateDirectory
    let accessTokens: [AccessToken]
    let siteKeys: [SiteKey]

    private static let auditLinesMax = 10_000

    var report: Report { counting.publication.current }
    var warnings: [Warning] { health.warnings }
    func publicNumbers(of site: String) -> Set<PublicNumber> { reloading.publicNumbers(of: site) }
    func isServed(_ site: String) -> Bool { reloading.isServed(site) }

    func count(_ hit: BrowserHit, done: @escaping @Sendable (Result<SiteReport, BeaconRejection>) -> Void) {
        var hit = hit
        hit.stamp = Clocks.wall
        if !counting.ask(.hit(hit, done)) { done(.failure(.limit)) }
    }

    func change(_ make: @escaping @Sendable (Engine) -> Record) async -> Record? { await counting.write(make) }

    func series(_ query: SeriesQuery) async -> SeriesAnswer { await history.series(query) }
    func rankings(of site: SiteIndex, on day: LocalDay) async -> (pages: Top, referrers: Top)? {
        await history.rankings(site, day)
    }

    /// What was changed a moment ago is in the journal only, until a checkpoint takes it into the database.
    func audit() async -> [AuditLine]? {
        guard await counting.checkpoint() else { return nil }
        return try? directory.audit(limit: Self.auditLinesMax)
    }

    var version: String { Footfall.version }
    var degraded: [String] { health.degraded }
    var durability: DurabilityNumbers {
        health.numbers(longestPauseNanoseconds: counting.longestPauseNanoseconds)
    }
    var lastReloadSucceeded: Bool { reloading.lastSucceeded }
    func reload() async -> Result<[String], ReloadError> { await reloading.reload() }
    func checkpoint() async -> Bool { await counting.checkpoint() }

    func save(_ token: AccessToken) throws { try directory.save(token) }
    func removeToken(named name: String) throws { try directory.removeToken(name) }
    func save(_ key: SiteKey) throws { try directory.save(key) }
    func removeKey(_ id: String, of site: String) throws { try directory.removeSiteKey(id, of: site) }
    func use(keys: [String], of site: String) async {
        _ = await counting.change { $0.setKeys(keys, ofSite: site) }
    }
}
