public import Counting
public import Wire

/// What HTTP asks of the rest of the daemon: the one seam between this module and the program.
///
/// It is asked on request threads, many at once. What is not `async` returns without waiting, except where it says so.
public protocol Backend: Sendable {
    // MARK: Numbers

    /// The newest numbers.
    var report: Report { get }
    /// What makes numbers doubtful and is not in the report.
    var warnings: [Warning] { get }
    /// The numbers of a site that anybody may see; asked only for sites of the report.
    func publicNumbers(of site: String) -> Set<PublicNumber>
    /// Whether the settings in force name the site.
    func isServed(_ site: String) -> Bool

    // MARK: Hits and changes

    /// Counts a hit, and calls back once, on any thread, with the numbers of its site. This hit is in them, and written.
    func count(_ hit: BrowserHit, done: @escaping @Sendable (Result<SiteReport, BeaconRejection>) -> Void)
    /// Writes the record that `make` makes of the present counts. Nil where it is not written, and nothing has changed.
    func change(_ make: @escaping @Sendable (Engine) -> Record) async -> Record?

    // MARK: History

    /// A site's history in columns.
    func series(_ query: SeriesQuery) async -> SeriesAnswer
    /// The rankings of a site's local day: nil where the disk does not give them, and empty where none are kept.
    func rankings(of site: SiteIndex, on day: LocalDay) async -> (pages: Top, referrers: Top)?
    /// Changes by hand and losses, oldest first; nil where the disk does not give them.
    func audit() async -> [AuditLine]?

    // MARK: The daemon itself

    /// The version of the program.
    var version: String { get }
    /// What does not work as it should, each in a few words; empty while all is well.
    var degraded: [String] { get }
    /// How the journal and the checkpoints do.
    var durability: DurabilityNumbers { get }
    /// The settings that were read last are in force.
    var lastReloadSucceeded: Bool { get }
    /// Reads the settings again, all or nothing. Gives notes about them, or why the old ones stay in force.
    func reload() async -> Result<[String], ReloadError>
    /// Makes a checkpoint. True when the disk holds all that was counted before.
    func checkpoint() async -> Bool

    // MARK: Tokens and keys

    /// All tokens at the start.
    var accessTokens: [AccessToken] { get }
    /// Keeps a token. May wait for the disk.
    func save(_ token: AccessToken) throws
    /// Forgets the token of a name. May wait for the disk.
    func removeToken(named name: String) throws
    /// The keys of all sites at the start.
    var siteKeys: [SiteKey] { get }
    /// Keeps a key. May wait for the disk.
    func save(_ key: SiteKey) throws
    /// Forgets a key. May wait for the disk.
    func removeKey(_ id: String, of site: String) throws
    /// Believes beacons of a site by these keys and no others, from when it returns.
    func use(keys: [String], of site: String) async
}

/// Why new settings are not in force: sentences with file, line and column.
public struct ReloadError: Error {
    /// For people, a line each.
    public let description: String

    /// For this reason.
    public init(_ description: String) { self.description = description }
}
