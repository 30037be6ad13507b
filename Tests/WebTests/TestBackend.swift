import Counting
import Web
import Wire

/// A backend that says what a test wants. What is not set is as if there were nothing to say.
struct TestBackend: Backend {
    struct Answers: Sendable {
        var report: @Sendable () -> Report
        var warnings: @Sendable () -> [Warning] = { [] }
        var publicNumbers: @Sendable (String) -> Set<PublicNumber> = { _ in PublicNumber.counter }
        var count: @Sendable (BrowserHit, @escaping @Sendable (Result<SiteReport, BeaconRejection>) -> Void) -> Void = {
            $1(.failure(.limit))
        }
        var isServed: @Sendable (String) -> Bool = { _ in true }
        var version = "unknown"
        var degraded: @Sendable () -> [String] = { [] }
        var durability: @Sendable () -> DurabilityNumbers = { DurabilityNumbers() }
        var lastReloadSucceeded: @Sendable () -> Bool = { true }
        var accessTokens: [AccessToken] = []
        var saveToken: @Sendable (AccessToken) throws -> Void = { _ in }
        var removeToken: @Sendable (String) throws -> Void = { _ in }
    }
    private let answers: Answers

    init(report: @escaping @Sendable () -> Report, _ set: (inout Answers) -> Void = { _ in }) {
        var answers = Answers(report: report)
        set(&answers)
        self.answers = answers
    }

    var report: Report { answers.report() }
    var warnings: [Warning] { answers.warnings() }
    func publicNumbers(of site: String) -> Set<PublicNumber> { answers.publicNumbers(site) }
    func isServed(_ site: String) -> Bool { answers.isServed(site) }
    func count(_ hit: BrowserHit, done: @escaping @Sendable (Result<SiteReport, BeaconRejection>) -> Void) {
        answers.count(hit, done)
    }
    func change(_ make: @escaping @Sendable (Engine) -> Record) async -> Record? { nil }
    func series(_ query: SeriesQuery) async -> SeriesAnswer { .unavailable }
    func rankings(of site: SiteIndex, on day: LocalDay) async -> (pages: Top, referrers: Top)? { nil }
    func audit() async -> [AuditLine]? { nil }
    var version: String { answers.version }
    var degraded: [String] { answers.degraded() }
    var durability: DurabilityNumbers { answers.durability() }
    var lastReloadSucceeded: Bool { answers.lastReloadSucceeded() }
    func reload() async -> Result<[String], ReloadError> { .success([]) }
    func checkpoint() async -> Bool { false }
    var accessTokens: [AccessToken] { answers.accessTokens }
    func save(_ token: AccessToken) throws { try answers.saveToken(token) }
    func removeToken(named name: String) throws { try answers.removeToken(name) }
    var siteKeys: [SiteKey] { [] }
    func save(_ key: SiteKey) throws {}
    func removeKey(_ id: String, of site: String) throws {}
    func use(keys: [String], of site: String) async {}
}
