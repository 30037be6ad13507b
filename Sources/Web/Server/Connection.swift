import NIOCore
import NIOHTTP1

/// One connection: performs what `ConnectionStateMachine` decides.
///
/// It answers on the thread that read the request. Requests that come together wait their turn. Nothing more is read
/// while one waits, or while the client does not read its responses. So a client cannot make us hold more than one read
/// and one response.
final class Connection: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// A response, and the route under which it is counted.
    private typealias RoutedResponse = (response: Response, route: String)
    private typealias Machine = ConnectionStateMachine<RoutedResponse>

    private let service: WebService
    private let limits: WebLimits
    private let peer: Peer
    private var machine: Machine
    private var timer: Scheduled<Void>?
    private var stream: (feed: LiveFeed, client: LiveFeed.Client)?
    /// Whether actions are being performed; a flush among them may report an event of its own.
    private var isPerforming = false

    private init(_ service: WebService, _ limits: WebLimits, _ peer: Peer, now: NIODeadline) {
        self.service = service
        self.limits = limits
        self.peer = peer
        machine = Machine(limits: limits, now: now)
    }

    /// Adds all that a connection needs to the pipeline of its channel. Called on the channel's loop.
    static func addHandlers(to channel: any Channel, _ service: WebService, _ limits: WebLimits, _ peer: Peer) throws {
        var decoder = NIOHTTPDecoderLimitConfiguration()
        decoder.maxHeaderFieldSize = limits.headerBytes
        decoder.maxHeaderListSize = limits.headerBytes
        decoder.maxHeaderFieldCount = limits.headerFields
        let connection = Connection(service, limits, peer, now: channel.eventLoop.now)
        try channel.pipeline.syncOperations.addHandlers(
            ArrivalNotice(connection),
            ByteToMessageHandler(
                HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes, limitConfiguration: decoder)),
            connection)
    }

    // MARK: Events

    func handlerAdded(context: ChannelHandlerContext) { proceed(context) }

    func handlerRemoved(context: ChannelHandlerContext) {
        _ = machine.receive(.closed, at: context.eventLoop.now)
        timer?.cancel()
        if let stream { stream.feed.remove(stream.client) }
    }

    func read(context: ChannelHandlerContext) { receive(.readRequested, context) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        receive(.part(unwrapInboundIn(data)), context)
    }

    func channelReadComplete(context: ChannelHandlerContext) { context.flush() }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        receive(.writabilityChanged(context.channel.isWritable), context)
        if context.channel.isWritable { context.flush() }
        context.fireChannelWritabilityChanged()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        receive((error as? HTTPParserError).map { .malformed($0) } ?? .failed, context)
        context.flush()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is ChannelShouldQuiesceEvent: receive(.shutdown, context)
        case ChannelEvent.inputClosed:
            receive(.inputClosed, context)
            context.flush()
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    /// Bytes arrived that the parser has not seen yet.
    fileprivate func noteBytes(_ context: ChannelHandlerContext) {
        _ = machine.receive(.bytesReceived, at: context.eventLoop.now)
    }

    // MARK: Actions

    private func receive(_ event: Machine.Event, _ context: ChannelHandlerContext) {
        if let action = machine.receive(event, at: context.eventLoop.now) { perform(action, context) }
        proceed(context)
    }

    /// Performs what there is to do, until it has to wait for an event.
    private func proceed(_ context: ChannelHandlerContext) {
        guard !isPerforming else { return }
        isPerforming = true
        defer { isPerforming = false }
        while true {
            while let action = machine.next(at: context.eventLoop.now) { perform(action, context) }
            guard !context.channel.isWritable else { return }
            // The client has not read all answers yet. Perhaps the kernel takes them.
            context.flush()
            guard context.channel.isWritable else { return }
        }
    }

    private func perform(_ action: Machine.Action, _ context: ChannelHandlerContext) {
        switch action {
        case .respond(let head, let body): respond(to: HTTPRequest(head: head, body: body, peer: peer), context)
        case .write(let routed, let framing): write(routed, framing, context)
        case .refuse(let refusal, let framing): write((problem(refusal).response, Router.other), framing, context)
        case .sendContinue:
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: "HTTP/1.1 100 Continue\r\n\r\n")), promise: nil)
        case .read: context.read()
        case .schedule(let time): schedule(time, context)
        case .closeWhenWritten:
            let written = context.eventLoop.makePromise(of: Void.self)
            context.writeAndFlush(wrapOutboundOut(ByteBuffer()), promise: written)
            written.futureResult.assumeIsolated().whenComplete { _ in context.close(promise: nil) }
        case .close: context.close(promise: nil)
        }
    }

    private func schedule(_ time: NIODeadline, _ context: ChannelHandlerContext) {
        timer?.cancel()
        timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: time) { [self] in
            receive(.timerFired, context)
            context.flush()
        }
    }

    private func respond(to request: HTTPRequest, _ context: ChannelHandlerContext) {
        let (route, action) = service.router.action(for: request)
        switch action {
        case .now(let response): receive(.response((response, route)), context)
        case .events(let feed, let topic, let owner): beginStream(feed, topic, owner, route, context)
        case .later(let work):
            let here = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            let loop = context.eventLoop
            work { response in
                loop.execute {
                    let (connection, context) = here.value
                    guard context.channel.isActive else { return }
                    connection.receive(.response((response(), route)), context)
                    context.flush()
                }
            }
        }
    }

    /// Writes a response. The next flush sends it.
    private func write(_ routed: RoutedResponse, _ framing: Machine.Framing, _ context: ChannelHandlerContext) {
        let (response, route) = routed
        var bytes = context.channel.allocator.buffer(capacity: 512 + response.body.readableBytes)
        response.write(
            to: &bytes, isHead: framing.isHead, isLast: framing.after != .keepOpen,
            isEndless: framing.after == .stream)
        service.requests.add(route, response.status, framing.elapsed.nanoseconds)
        switch framing.after {
        case .keepOpen: context.write(wrapOutboundOut(bytes), promise: nil)
        case .stream:
            context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
            context.read()
        case .closeOutput, .close:
            let written = context.eventLoop.makePromise(of: Void.self)
            context.write(wrapOutboundOut(bytes), promise: written)
            written.futureResult.assumeIsolated().whenComplete { _ in
                context.close(mode: framing.after == .close ? .all : .output, promise: nil)
            }
        }
    }

    private func problem(_ refusal: Machine.Refusal) -> Problem {
        switch refusal {
        case .noPath: Problem(.badRequest, "Ask for a path that begins with a slash.")
        case .bodyTooLong:
            Problem(.payloadTooLarge, "Send at most \(limits.bodyBytes) bytes in a request's body.")
        case .malformed(.headerOverflow):
            Problem(
                .requestHeaderFieldsTooLarge,
                "Send at most \(limits.headerFields) header fields and \(limits.headerBytes) bytes of them.")
        case .malformed(let error): Problem(.badRequest, "This is not HTTP/1.1: \(error).")
        case .timeout: Problem(.requestTimeout, "Send a request within \(limits.request).")
        }
    }

    // MARK: Event streams

    /// Begins a stream with the present state.
    private func beginStream(
        _ feed: LiveFeed, _ topic: LiveFeed.Topic, _ owner: String?, _ route: String, _ context: ChannelHandlerContext
    ) {
        guard !machine.isStopping else {
            let problem = Problem(.serviceUnavailable, "The daemon stops; try again in a moment.")
            return receive(.response((problem.response, route)), context)
        }
        guard let (version, state) = feed.current(topic) else {
            return receive(.response((Problem.unknownSite.response, route)), context)
        }
        let client = self.client(of: topic, owner, version, context)
        if let problem = feed.add(client) { return receive(.response((problem.response, route)), context) }
        stream = (feed, client)
        context.channel.setOption(.socketOption(.so_sndbuf), value: LiveFeed.bufferBytes).assumeIsolated()
            .whenFailure { _ in context.close(promise: nil) }
        var body = context.channel.allocator.buffer(capacity: 16 + state.readableBytes)
        body.writeString("retry: 5000\n")
        body.writeImmutableBuffer(state)
        var response = Response(.ok, body: body, type: "text/event-stream; charset=utf-8")
        response.add("Cache-Control", "no-store")
        // Without this, nginx buffers the events.
        response.add("X-Accel-Buffering", "no")
        if !topic.isOwners { response.add("Access-Control-Allow-Origin", "*") }
        receive(.stream((response, route)), context)
    }

    /// A client of the feed that writes to this connection.
    private func client(
        of topic: LiveFeed.Topic, _ owner: String?, _ version: UInt64, _ context: ChannelHandlerContext
    ) -> LiveFeed.Client {
        let here = NIOLoopBound(context, eventLoop: context.eventLoop)
        return LiveFeed.Client(topic, owner: owner, version: version, on: context.eventLoop) { bytes in
            let context = here.value
            guard context.channel.isActive, context.channel.isWritable else { return false }
            context.writeAndFlush(NIOAny(bytes), promise: nil)
            return true
        } close: {
            here.value.close(promise: nil)
        }
    }
}

/// Notices bytes before the parser does: a connection with an unfinished head is not idle.
private final class ArrivalNotice: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let connection: Connection

    init(_ connection: Connection) { self.connection = connection }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        connection.noteBytes(context)
        context.fireChannelRead(data)
    }
}
