import NIOCore
import NIOHTTP1

/// Closes a connection that is idle or whose request takes too long, and in good order when the daemon stops.
///
/// Either no request is at work (then `idle` runs from the last answer, whatever trickles in) or the first of those at
/// work has `request` from its head to the end of its answer. One timer a connection, which sets itself anew.
final class ConnectionClock: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private let idle: TimeAmount
    private let request: TimeAmount
    private let drain: TimeAmount
    /// Requests whose head was read and whose answer is not yet written.
    private var atWork = 0
    /// When the state that runs now began.
    private var since = NIODeadline.now()
    private var isStopping = false
    private var timer: Scheduled<Void>?

    init(limits: WebLimits) {
        idle = TimeAmount(limits.idle)
        request = TimeAmount(limits.request)
        drain = TimeAmount(limits.drain)
    }

    func handlerAdded(context: ChannelHandlerContext) { setTimer(context) }

    func handlerRemoved(context: ChannelHandlerContext) { timer?.cancel() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .head(var head) = unwrapInboundIn(data) else { return context.fireChannelRead(data) }
        if atWork == 0 { since = .now() }
        atWork += 1
        head.simplify()
        context.fireChannelRead(wrapInboundOut(.head(head)))
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(var head) where isStopping:
            head.headers.replaceOrAdd(name: "connection", value: "close")
            context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .end:
            // The answer to a head that could not be parsed ends a request that never began.
            atWork = max(0, atWork - 1)
            since = .now()
            guard isStopping, atWork == 0 else { return context.write(data, promise: promise) }
            let written = promise ?? context.eventLoop.makePromise()
            written.futureResult.assumeIsolated().whenComplete { _ in context.close(promise: nil) }
            context.writeAndFlush(data, promise: written)
        default:
            context.write(data, promise: promise)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard event is ChannelShouldQuiesceEvent else { return context.fireUserInboundEventTriggered(event) }
        isStopping = true
        guard atWork > 0 else { return context.close(promise: nil) }
        timer?.cancel()
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: drain) { context.close(promise: nil) }
    }

    private func setTimer(_ context: ChannelHandlerContext) {
        let due = since + (atWork > 0 ? request : idle)
        guard due > .now() else { return context.close(promise: nil) }
        // The state may change to one with the shorter limit meanwhile.
        let next = min(due, .now() + min(idle, request))
        timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: next) { self.setTimer(context) }
    }
}

extension HTTPRequestHead {
    /// Says in the fields what further on would be lost: that HTTP/1.0 closes unless it says otherwise, and that the
    /// host of a target in absolute form takes the place of the Host field (RFC 9112, 3.2.2).
    fileprivate mutating func simplify() {
        if !isKeepAlive { headers.replaceOrAdd(name: "connection", value: "close") }
        guard !uri.hasPrefix("/"), let scheme = uri.firstRange(of: "://") else { return }
        let rest = uri[scheme.upperBound...]
        let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
        headers.replaceOrAdd(name: "host", value: String(rest[..<end]))
        uri = rest[end...].hasPrefix("/") ? String(rest[end...]) : "/\(rest[end...])"
    }
}

/// Lets no more connections in than there are places for.
final class ConnectionCap: ChannelInboundHandler {
    typealias InboundIn = any Channel
    typealias InboundOut = any Channel

    private let connections: WebConnections
    private let limit: Int

    init(_ connections: WebConnections, limit: Int) {
        self.connections = connections
        self.limit = limit
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let connection = unwrapInboundIn(data)
        guard connections.enter(limit: limit) else { return connection.close(promise: nil) }
        connection.closeFuture.whenComplete { [connections] _ in connections.leave() }
        context.fireChannelRead(data)
    }
}
