import HTTPTypes
import Hummingbird
import HummingbirdCore
public import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1
import NIOPosix
public import ServiceLifecycle

/// A socket that is bound and listens.
public struct WebListener: Sendable {
    /// The socket's descriptor. The server that is given it closes it.
    public var descriptor: CInt
    /// It is the unix socket: whoever can connect is the owner.
    public var isLocal: Bool

    /// A listener on `descriptor`.
    public init(descriptor: CInt, isLocal: Bool) {
        self.descriptor = descriptor
        self.isLocal = isLocal
    }
}

/// Serves HTTP/1.1 on sockets that somebody else opened: systemd, the daemon, a test.
public struct WebServer: Service {
    private let listeners: [WebListener]
    private let routes: Routes
    private let limits: WebLimits
    private let connections: WebConnections
    private let logger: Logger

    /// A server for `listeners`; `connections` counts theirs together. Nothing is accepted before `run`.
    public init(
        listeners: [WebListener], state: WebState, configuration: WebConfiguration = WebConfiguration(),
        connections: WebConnections = WebConnections(), logger: Logger
    ) {
        self.listeners = listeners
        self.connections = connections
        self.logger = logger
        limits = configuration.limits
        routes = Routes(state: state, configuration: configuration, logger: logger)
    }

    /// Serves until graceful shutdown or cancellation. To be run once.
    ///
    /// At shutdown nothing more is accepted, idle connections are closed at once, and requests at work have
    /// `WebLimits.drain`. Throws where a listener cannot be accepted from.
    public func run() async throws {
        try await withThrowingTaskGroup { group in
            for listener in listeners { group.addTask { try await serve(listener) } }
            // The first that fails ends the others: half a server is none.
            for try await _ in group {}
        }
    }

    private func serve(_ listener: WebListener) async throws {
        let limit = limits.connections + (listener.isLocal ? limits.localConnections : 0)
        let server = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .serverChannelInitializer { [connections] channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(ConnectionCap(connections, limit: limit))
                }
            }
            // A client that has said all may still read.
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            // Nothing is read before `connection(on:)`.
            .childChannelOption(.autoRead, value: false)
            .bind(listener.descriptor, serverBackPressureStrategy: nil) { [limits] channel in
                channel.eventLoop.makeCompletedFuture { try Self.addHandlers(to: channel, limits: limits) }
            }
        try await withGracefulShutdownHandler {
            try await server.executeThenClose { accepted in
                try await withThrowingDiscardingTaskGroup { group in
                    for try await channel in accepted {
                        group.addTask { await serve(channel, isLocal: listener.isLocal) }
                    }
                }
            }
        } onGracefulShutdown: {
            server.channel.close(promise: nil)
        }
    }

    private typealias Connection = NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>

    /// Everything of a connection but its asynchronous side. Returns the channel for the one who accepts.
    private static func addHandlers(to channel: any Channel, limits: WebLimits) throws -> any Channel {
        var decoder = NIOHTTPDecoderLimitConfiguration()
        decoder.maxHeaderFieldSize = limits.headerBytes
        decoder.maxHeaderListSize = limits.headerBytes
        decoder.maxHeaderFieldCount = limits.headerFields
        let pipeline = channel.pipeline.syncOperations
        try pipeline.configureHTTPServerPipeline(
            withPipeliningAssistance: false, withErrorHandling: false, withOutboundHeaderValidation: false,
            withEncoderConfiguration: HTTPResponseEncoder.Configuration(), withDecoderLimitConfiguration: decoder)
        try pipeline.addHandler(ConnectionClock(limits: limits))
        try pipeline.addHandler(HTTP1ToHTTPServerCodec(secure: false))
        return channel
    }

    /// Begins to read from a channel that was accepted.
    ///
    /// Here and not where the handlers are added, because a connection must be executed once it is there: one that still
    /// waited to be taken when the server was cancelled would trap. A channel that is never taken is closed by its clock.
    private static func connection(on channel: any Channel) async throws -> Connection {
        try await channel.eventLoop.submit {
            try channel.syncOptions?.setOption(.autoRead, value: true)
            return try Connection(
                wrappingChannelSynchronously: channel,
                configuration: Connection.Configuration(isOutboundHalfClosureEnabled: true))
        }.get()
    }

    private func serve(_ channel: any Channel, isLocal: Bool) async {
        let peer: Peer = isLocal ? .unixSocket : channel.remoteAddress?.isLoopback == true ? .loopback : .remote
        do {
            try await withTaskCancellationHandler {
                try await withGracefulShutdownHandler {
                    try await Self.connection(on: channel).executeThenClose { requests, answers in
                        do {
                            try await serve(requests, answers, peer: peer)
                        } catch let error as HTTPParserError {
                            try await refuse(error, answers)
                        }
                        // A full close now would destroy an answer that is still on its way to a client that sends on.
                        answers.finish()
                        try await channel.closeFuture.get()
                    }
                } onGracefulShutdown: {
                    channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
                }
            } onCancel: {
                channel.close(promise: nil)
            }
        } catch {
            logger.trace("Connection ended", metadata: ["error": "\(error)"])
        }
    }

    /// Answers one request after the other until one of the two sides has enough.
    private func serve(
        _ requests: NIOAsyncChannelInboundStream<HTTPRequestPart>,
        _ answers: NIOAsyncChannelOutboundWriter<HTTPResponsePart>, peer: Peer
    ) async throws {
        var parts = requests.makeAsyncIterator()
        while case .head(let head)? = try await parts.next() {
            var body = ByteBuffer()
            var isComplete = false
            var isTooLong = head.headerFields[.contentLength].flatMap { Int($0) }.map { $0 > limits.bodyBytes } ?? false
            while !isComplete, !isTooLong, let part = try await parts.next() {
                switch part {
                case .body(var bytes):
                    isTooLong = body.readableBytes + bytes.readableBytes > limits.bodyBytes
                    body.writeBuffer(&bytes)
                case .end: isComplete = true
                case .head: preconditionFailure("a head inside a body")
                }
            }
            guard isComplete || isTooLong else { return }
            var isLast = head.headerFields[.connection] == "close"
            var response: Response
            if isTooLong {
                isLast = true
                response = Problem(.contentTooLarge, "Send at most \(limits.bodyBytes) bytes in a request's body.")
                    .response.finished(for: head.method)
            } else {
                let request = Request(head: head, body: RequestBody(buffer: body))
                response = await routes.respond(to: request, from: peer)
            }
            if isLast { response.headers[.connection] = "close" }
            try await ResponseWriter(outbound: answers).write(response: response.head, body: response.body)
            if isLast { return }
        }
    }

    private func refuse(
        _ error: HTTPParserError, _ answers: NIOAsyncChannelOutboundWriter<HTTPResponsePart>
    ) async throws {
        let problem =
            error == .headerOverflow
            ? Problem(
                .requestHeaderFieldsTooLarge,
                "Send at most \(limits.headerFields) header fields and \(limits.headerBytes) bytes of them.")
            : Problem(.badRequest, "This is not HTTP/1.1: \(error).")
        var response = problem.response.finished(for: .get)
        response.headers[.connection] = "close"
        try await ResponseWriter(outbound: answers).write(response: response.head, body: response.body)
    }
}

extension SocketAddress {
    fileprivate var isLoopback: Bool {
        guard let address = ipAddress else { return false }
        return address == "::1" || address.hasPrefix("127.") || address.hasPrefix("::ffff:127.")
    }
}
