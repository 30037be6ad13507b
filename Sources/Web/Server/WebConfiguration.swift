import Synchronization
public import Wire

/// The settings of `[http]` that this module acts on.
public struct WebConfiguration: Sendable {
    /// Host names answered besides the loopback names, in any case and with any port.
    public var hosts: [String]
    /// Addresses of proxies whose word about the visitor's address is believed.
    public var proxies: Networks
    /// A request from this machine that no proxy has passed on is the owner's. Never set it behind a proxy that leaves no
    /// trace in a request: everybody would be the owner.
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

/// What a client may use.
public struct WebLimits: Sendable {
    /// Bytes of the request target and the names and values of all fields; past it 431 and the connection is closed.
    public var headerBytes = 8192
    /// Header fields of a request; past it 431 and the connection is closed.
    public var headerFields = 64
    /// Bytes of a request's body; past it 413 and the connection is closed.
    public var bodyBytes = 4096
    /// From a connection's start, or the end of a response, to the complete head of the next request; then it is closed.
    public var idle = Duration.seconds(10)
    /// From a request's head to the end of its response; then the connection is closed.
    public var request = Duration.seconds(10)
    /// The time that a request at work still has when the daemon stops.
    public var drain = Duration.seconds(3)
    /// At shutdown, how long a request may still come on an open connection, so that none that was sent is cut off.
    public var lastRequest = Duration.milliseconds(250)
    /// Connections open at once. Further ones are closed as they come, and counted.
    public var connections = 2000
    /// Of these, event streams. A further one gets 503, and the last tenth of the places is the owner's.
    public var streams = 1000
    /// A stream whose client has not read for so long is cut.
    public var streamPatience = Duration.seconds(10)
    /// A stream without events for so long sends a ping.
    public var streamPing = Duration.seconds(15)
    /// So many more connections are let in on the unix socket, so that a flood does not lock the owner out.
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
