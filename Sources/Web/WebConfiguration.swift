public import Counting
import Synchronization
public import Wire

/// What the HTTP side asks of the rest of the daemon. Every closure is called on request threads, many at once, and
/// returns without waiting.
public struct WebState: Sendable {
    /// The newest report.
    public var report: @Sendable () -> Report
    /// Counts a hit and calls back once, on any thread, with the numbers of its site, this hit in them and written; false
    /// where no more can be taken in, and then nothing calls back.
    public var count: Count = { _, _ in false }
    /// Writes the record that is made of the counts as they are then, and calls back once, on any thread, with it, or nil
    /// where it is not written. False where none can be taken in, and then nothing calls back.
    public var change: Change = { _, _ in false }
    /// What does not work as it should, each in a few words; empty while all is well.
    public var degraded: @Sendable () -> [String] = { [] }
    /// What makes numbers doubtful and is not in the report.
    public var warnings: @Sendable () -> [Warning] = { [] }
    /// Reads the settings again, all or nothing; what is to be said about it, or why the old ones stay in force.
    public var reload: @Sendable () async -> Result<[String], ReloadError> = { .success([]) }
    /// The last time that settings were read again they were put in force, or there was none.
    public var lastReloadSucceeded: @Sendable () -> Bool = { true }
    /// What was changed by hand and what was found missing, oldest first; nil where the disk does not give it.
    public var audit: @Sendable (_ done: @escaping @Sendable ([AuditLine]?) -> Void) -> Void = { $0(nil) }
    /// Makes a checkpoint and calls back with whether the disk holds all that was counted before.
    public var checkpoint: @Sendable (_ done: @escaping @Sendable (Bool) -> Void) -> Void = { $0(false) }
    /// The past.
    public var history = HistoryAccess()
    /// How the journal and the checkpoints do.
    public var durability: @Sendable () -> DurabilityNumbers = { DurabilityNumbers() }
    /// A site is served by the settings in force.
    public var isServed: @Sendable (String) -> Bool = { _ in true }
    /// The numbers of a site that anybody may see; asked only for sites of the report.
    public var publicNumbers: @Sendable (String) -> Set<PublicNumber> = { _ in PublicNumber.counter }
    /// Who may see everything from elsewhere.
    public var tokens = Tokens()
    /// The keys of senders elsewhere.
    public var keys = SiteKeys()
    /// The version of the program, for the metrics.
    public var version = "unknown"

    /// How `count` is asked.
    public typealias Count =
        @Sendable (BrowserHit, @escaping @Sendable (Result<SiteReport, BeaconRejection>) -> Void) -> Bool

    /// How `change` is asked.
    public typealias Change =
        @Sendable (@escaping @Sendable (Engine) -> Record, @escaping @Sendable (Record?) -> Void) -> Bool

    /// What is not set answers as if there were nothing to say, and no more than `PublicNumber.counter` to see.
    public init(report: @escaping @Sendable () -> Report, _ set: (inout WebState) -> Void = { _ in }) {
        self.report = report
        set(&self)
    }
}

/// Why other settings are not in force: sentences with file, line and column.
public struct ReloadError: Error {
    /// For people, a line each.
    public let description: String

    /// For this reason.
    public init(_ description: String) { self.description = description }
}

/// The part of `[http]` that this module acts on.
public struct WebConfiguration: Sendable {
    /// Host names answered besides the loopback names, in any case and with any port.
    public var hosts: [String]
    /// Addresses whose word is taken for where a visitor is.
    public var proxies: Networks
    /// A request that comes from this machine without a proxy is the owner's. Never behind a proxy that says nothing of
    /// itself: everybody would be the owner.
    public var localAdmin: Bool
    /// What a client may use up.
    public var limits: WebLimits

    /// The defaults of the configuration reference: loopback names only, and no owner but on the unix socket.
    public init(
        hosts: [String] = [], proxies: Networks = Networks(), localAdmin: Bool = false,
        limits: WebLimits = WebLimits()
    ) {
        self.hosts = hosts
        self.proxies = proxies
        self.localAdmin = localAdmin
        self.limits = limits
    }
}

/// What a client may use up before a route is looked at.
public struct WebLimits: Sendable {
    /// Bytes of the request target and the names and values of all fields; past it 431 and the connection is closed.
    public var headerBytes = 8192
    /// Header fields of a request; past it 431 and the connection is closed.
    public var headerFields = 64
    /// Bytes of a request's body; past it 413 and the connection is closed.
    public var bodyBytes = 4096
    /// From a connection's start, or the end of an answer, to the complete head of the next request; then it is closed.
    public var idle = Duration.seconds(10)
    /// From a request's head to the last byte of its answer; then the connection is closed.
    public var request = Duration.seconds(10)
    /// What a request that runs still gets when the daemon stops.
    public var drain = Duration.seconds(3)
    /// At shutdown, how long a request may still come on a connection that is open, so that none that was sent is cut off.
    public var lastRequest = Duration.milliseconds(250)
    /// Connections open at once; further ones are closed as they come, and counted.
    public var connections = 2000
    /// Of these, event streams; a further one is answered with 503, and the last tenth of them is the owner's.
    public var streams = 1000
    /// A stream that its client has not read for so long is cut.
    public var streamPatience = Duration.seconds(10)
    /// A stream that has had nothing to say for so long says that it is there.
    public var streamPing = Duration.seconds(15)
    /// So many more are let in on the unix socket, so that a flood does not lock the owner out.
    public var localConnections = 16

    /// The limits of the documentation.
    public init() {}
}

/// Counts of connections, kept while the server runs and readable at any time.
public final class WebConnections: Sendable {
    private let openNow = Atomic<Int>(0)
    private let refusedEver = Atomic<UInt64>(0)

    /// Nothing open, nothing refused.
    public init() {}

    /// Connections open now.
    public var open: Int { openNow.load(ordering: .relaxed) }
    /// Connections closed at once because `WebLimits.connections` were open.
    public var refused: UInt64 { refusedEver.load(ordering: .relaxed) }

    /// Takes a place, or counts a refusal where there is none.
    func enter(limit: Int) -> Bool {
        if openNow.add(1, ordering: .relaxed).newValue <= limit { return true }
        leave()
        refusedEver.add(1, ordering: .relaxed)
        return false
    }

    func leave() { openNow.subtract(1, ordering: .relaxed) }
}
