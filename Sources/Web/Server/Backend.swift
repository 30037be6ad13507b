public import Counting
public import Wire

/// What HTTP asks of the rest of the daemon: the only link between this module and the program.
///
/// It is called on request threads, many at once. Calls that are not `async` return without waiting, unless they say
/// otherwise.
public protocol Backend: Sendable {
    // MARK: Numbers

    /// The newest numbers.
    var report: Report { get }
    /// Reasons to doubt the numbers that are not in the report.
    var warnings: [Warning] { get }
    /// The numbers of a site that anybody may see. Called only for sites of the report.
    func publicNumbers(of site: String) -> Set<PublicNumber>
    /// Whether the settings in force name the site.
    func isServed(_ site: String) -> Bool

    // MARK: Hits and changes

    /// Counts a hit. Calls back once, on any thread, with the numbers of its site; this hit is included, and written.
    func count(_ hit: BrowserHit, done: @escaping @Sendable (Result<SiteReport, BeaconRejection>) -> Void)
    /// Writes the record that `make` makes from the present counts. Nil if it is not written; then nothing has changed.
    func change(_ make: @escaping @Sendable (Engine) -> Record) async -> Record?

    // MARK: History

    /// A site's history in columns.
    func series(_ query: SeriesQuery) async -> SeriesAnswer
    /// The rankings of a site's local day: nil if the disk cannot give them, and empty if none are kept.
    func rankings(of site: SiteIndex, on day: LocalDay) async -> (pages: Top, referrers: Top)?
    /// Changes by hand and losses, oldest first; nil if the disk cannot give them.
    func audit() async -> [AuditLine]?

    // MARK: The daemon itself

    /// The version of the program.
    var version: String { get }
    /// What does not work as it should, each in a few words; empty if all is well.
    var degraded: [String] { get }
    /// The state of the journal and the checkpoints.
    var durability: DurabilityNumbers { get }
    /// Whether the settings that were read last are in force.
    var lastReloadSucceeded: Bool { get }
    /// Reads the settings again, all or nothing. Returns notes about them, or why the old ones stay in force.
    func reload() async -> Result<[String], ReloadError>
    /// Makes a checkpoint. True when the disk holds everything that was counted before.
    func checkpoint() async -> Bool

    // MARK: Tokens and keys

    /// All tokens at the start.
    var accessTokens: [AccessToken] { get }
    /// Stores a token. May wait for the disk.
    func save(_ token: AccessToken) throws
    /// Removes the token of a name. May wait for the disk.
    func removeToken(named name: String) throws
    /// The keys of all sites at the start.
    var siteKeys: [SiteKey] { get }
    /// Stores a key. May wait for the disk.
    func save(_ key: SiteKey) throws
    /// Removes a key. May wait for the disk.
    func removeKey(_ id: String, of site: String) throws
    /// Trusts beacons of a site with these keys and no others, from the moment it returns.
    func use(keys: [String], of site: String) async
}

/// Why new settings are not in force: sentences with file, line and column.
public struct ReloadError: Error {
    /// For people, one reason per line.
    public let description: String

    /// An error for this reason.
    public init(_ description: String) { self.description = description }
}
