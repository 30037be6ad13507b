import Synchronization
public import Wire

/// The settings of `[http]` that this module uses.
public struct WebConfiguration: Sendable {
    /// Host names that are served besides the loopback names, in any case and with any port.
    public var hosts: [String]
    /// Addresses of proxies that are trusted to report the visitor's address.
    public var proxies: Networks
    /// Whether a request from this machine that no proxy forwarded is the owner's. Never set it behind a proxy that
    /// leaves no trace in a request: everybody would be the owner.
    public var localAdmin: Bool
    /// The limits on what a client may use.
    public var limits: WebLimits

    /// The defaults of the configuration reference: loopback names only, and no owner except on the unix socket.
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

/// What a client may use.
public struct WebLimits: Sendable {
    /// Bytes of the request target and the names and values of all fields. Past it: 431, and the connection is closed.
    public var headerBytes = 8192
    /// Header fields of a request. Past it: 431, and the connection is closed.
    public var headerFields = 64
    /// Bytes of a request's body. Past it: 413, and the connection is closed.
    public var bodyBytes = 4096
    /// From a connection's start, or the end of a response, to the complete head of the next request; then it is
    /// closed.
    public var idle = Duration.seconds(10)
    /// From a request's head to the end of its response; then the connection is closed.
    public var request = Duration.seconds(10)
    /// The time that a request in progress still has when the daemon stops.
    public var drain = Duration.seconds(3)
    /// At shutdown, how long a request may still arrive on an open connection, so that no sent one is cut off.
    public var lastRequest = Duration.milliseconds(250)
    /// Connections open at once. Further ones are closed on arrival, and counted.
    public var connections = 2000
    /// Event streams among these connections. A further one gets 503. The last tenth of the places is for the owner.
    public var streams = 1000
    /// A stream is closed if its client has not read for this long.
    public var streamPatience = Duration.seconds(10)
    /// A stream sends a ping after this long without events.
    public var streamPing = Duration.seconds(15)
    /// Extra connections allowed on the unix socket, so that a flood does not lock the owner out.
    public var localConnections = 16

    /// The documented limits.
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

    /// Occupies a place, or counts a refusal if there is none.
    func enter(limit: Int) -> Bool {
        if openNow.add(1, ordering: .relaxed).newValue <= limit { return true }
        leave()
        refusedEver.add(1, ordering: .relaxed)
        return false
    }

    func leave() { openNow.subtract(1, ordering: .relaxed) }
}
