package import NIOCore
import NIOPosix
public import ServiceLifecycle
import Synchronization
import Wire

/// A bound socket that listens.
public struct WebListener: Sendable {
    /// The socket's descriptor. The server that receives it closes it.
    public var descriptor: CInt
    /// Whether it is the unix socket: everybody who can connect is the owner.
    public var isLocal: Bool

    /// A listener on `descriptor`.
    public init(descriptor: CInt, isLocal: Bool) {
        self.descriptor = descriptor
        self.isLocal = isLocal
    }
}

/// Serves HTTP/1.1 on sockets that others opened: systemd, the daemon, a test.
public struct WebServer: Service {
    private let listeners: [WebListener]
    private let service: WebService
    private let limits: WebLimits
    private let connections: WebConnections

    /// A server for `listeners`. `connections` counts all their connections. Nothing is accepted before `run`.
    public init(
        listeners: [WebListener], backend: any Backend, configuration: WebConfiguration = WebConfiguration(),
        connections: WebConnections = WebConnections()
    ) {
        self.listeners = listeners
        self.connections = connections
        limits = configuration.limits
        service = WebService(backend, configuration, connections)
    }

    /// Uses new settings from the next request on. Limits do not change.
    public func reload(_ configuration: WebConfiguration) { service.reload(configuration) }

    /// Serves until graceful shutdown or cancellation. Run it only once.
    ///
    /// At shutdown no more connections are accepted. A request may still arrive on an open one within
    /// `WebLimits.lastRequest`, and requests in progress have `WebLimits.drain`. Throws if a listener fails.
    public func run() async throws {
        let open = OpenChannels()
        for listener in listeners { open.add(listener: try await accept(from: listener, open)) }
        try await withTaskCancellationHandler {
            try await withGracefulShutdownHandler {
                try await open.listenersClosed()
            } onGracefulShutdown: {
                open.quiesce()
            }
        } onCancel: {
            open.close()
        }
        await open.connectionsClosed()
    }

    /// Serves a channel that no listener accepted, as if it came over TCP. Called on its loop.
    package func serve(_ channel: any Channel) throws {
        try Connection.addHandlers(to: channel, service, limits, Peer(address: nil, isLocal: false))
    }

    private func accept(from listener: WebListener, _ open: OpenChannels) async throws -> any Channel {
        let limit = limits.connections + (listener.isLocal ? limits.localConnections : 0)
        var bootstrap = ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
        if !listener.isLocal { bootstrap = bootstrap.childChannelOption(.tcpOption(.tcp_nodelay), value: 1) }
        return
            try await bootstrap
            .serverChannelInitializer { [connections] channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(ConnectionCap(connections, open, limit: limit))
                }
            }
            // A client that has closed its half may still read.
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { [limits, service] channel in
                channel.eventLoop.makeCompletedFuture {
                    let peer = Peer(
                        address: channel.remoteAddress.flatMap(NetworkAddress.init), isLocal: listener.isLocal)
                    try Connection.addHandlers(to: channel, service, limits, peer)
                    open.begin(channel)
                }
            }
            .withBoundSocket(listener.descriptor).get()
    }
}

/// The open listeners and connections of a server, so that all of them can be closed.
private final class OpenChannels: Sendable {
    private struct State {
        var listeners: [any Channel] = []
        var connections: [ObjectIdentifier: any Channel] = [:]
        var isStopping = false
    }
    private let state = Mutex(State())

    func add(listener: any Channel) { state.withLock { $0.listeners.append(listener) } }

    /// Adds a connection when it is accepted, so that none is missed while it is being set up.
    func add(_ channel: any Channel) {
        state.withLock { $0.connections[ObjectIdentifier(channel)] = channel }
        channel.closeFuture.whenComplete { [self] _ in
            state.withLock { _ = $0.connections.removeValue(forKey: ObjectIdentifier(channel)) }
        }
    }

    /// Called when the connection is set up. One that came after `quiesce` stops like those before it.
    func begin(_ channel: any Channel) {
        guard state.withLock({ $0.isStopping }) else { return }
        channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
    }

    /// Accepts no more connections, and lets requests in progress be answered.
    func quiesce() {
        let (listeners, connections) = stop()
        for listener in listeners {
            // When a listener is closed, SwiftNIO drops its connections that are still being set up.
            listener.setOption(.autoRead, value: false).whenComplete { _ in
                listener.eventLoop.scheduleTask(in: .milliseconds(50)) { listener.close(promise: nil) }
            }
        }
        for channel in connections { channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }
    }

    func close() {
        let (listeners, connections) = stop()
        for channel in listeners + connections { channel.close(promise: nil) }
    }

    private func stop() -> (listeners: [any Channel], connections: [any Channel]) {
        state.withLock { state in
            state.isStopping = true
            return (state.listeners, Array(state.connections.values))
        }
    }

    /// Returns when every listener is closed. If one fails, the others are closed too: half a server is of no use.
    func listenersClosed() async throws {
        let listeners = state.withLock { $0.listeners }
        do {
            try await withThrowingTaskGroup { group in
                for listener in listeners { group.addTask { try await listener.closeFuture.get() } }
                try await group.next()
                if !state.withLock({ $0.isStopping }) { throw ChannelError.eof }
                try await group.waitForAll()
            }
        } catch {
            close()
            throw error
        }
    }

    func connectionsClosed() async {
        while let next = state.withLock({ $0.connections.values.first }) {
            do {
                try await next.closeFuture.get()
            } catch {
                // The connection is closed anyway.
            }
        }
    }
}

/// Closes connections beyond the limit as they arrive.
private final class ConnectionCap: ChannelInboundHandler {
    typealias InboundIn = any Channel
    typealias InboundOut = any Channel

    private let connections: WebConnections
    private let open: OpenChannels
    private let limit: Int

    init(_ connections: WebConnections, _ open: OpenChannels, limit: Int) {
        self.connections = connections
        self.open = open
        self.limit = limit
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let connection = unwrapInboundIn(data)
        guard connections.enter(limit: limit) else { return connection.close(promise: nil) }
        open.add(connection)
        connection.closeFuture.whenComplete { [connections] _ in connections.leave() }
        context.fireChannelRead(data)
    }
}

extension NetworkAddress {
    /// The address of a peer; nil if it has none.
    fileprivate init?(_ address: NIOCore.SocketAddress) {
        guard let text = address.ipAddress else { return nil }
        self.init(Array(text.utf8.prefix { $0 != UInt8(ascii: "%") }).span)
    }
}
