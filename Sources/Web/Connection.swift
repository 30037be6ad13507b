import NIOCore
import NIOHTTP1

/// One connection: reads a request, answers it, reads the next.
///
/// Requests that come together wait their turn, and while any waits nothing more is read, nor while the client does not read
/// its answers: so it cannot make us hold more than one read and one answer. One timer a connection, which sets itself anew:
/// it closes a connection that is idle, whatever trickles in, and one whose request takes too long from its head to the end of
/// its answer.
final class Connection: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let service: WebService
    private let limits: WebLimits
    private let peer: Peer
    private let arrival: ArrivalNotice

    /// What came in and is not looked at yet.
    private var waiting = CircularBuffer<Event>()
    private var head: HTTPRequestHead?
    private var body = ByteBuffer()
    /// The route of the request that is answered next.
    private var route = Routes.other
    /// Somebody works on an answer.
    private var isAtWork = false
    /// Somebody looks at what waits.
    private var isWorking = false
    /// Somebody wants to read meanwhile.
    private var wantsToRead = false
    /// The last answer is given; what still comes is thrown away.
    private var isOver = false
    private var isStopping = false
    /// The answer is a stream of events, which has no end of its own.
    private var watcher: (feed: LiveFeed, client: LiveFeed.Client)?
    /// When the state that runs now began.
    private var since = NIODeadline.now()
    private var timer: Scheduled<Void>?

    private enum Event {
        case part(HTTPServerRequestPart)
        case malformed(HTTPParserError)
        /// The client has said all it will.
        case end
    }

    /// `arrival` stands before the parser of the same connection.
    init(_ service: WebService, _ limits: WebLimits, _ peer: Peer, _ arrival: ArrivalNotice) {
        self.service = service
        self.limits = limits
        self.peer = peer
        self.arrival = arrival
    }

    // MARK: What comes in

    func handlerAdded(context: ChannelHandlerContext) { setTimer(context) }
    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.cancel()
        if let watcher { watcher.feed.remove(watcher.client) }
    }

    /// Nothing more is read while something waits to be looked at, or while answers wait that the client does not read. One
    /// read ahead of the answer is cheaper than to tell the kernel twice a request.
    func read(context: ChannelHandlerContext) {
        if waiting.isEmpty, context.channel.isWritable { context.read() } else { wantsToRead = true }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable {
            work(context)
            context.flush()
        }
        context.fireChannelWritabilityChanged()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        take(.part(unwrapInboundIn(data)), context)
    }

    func channelReadComplete(context: ChannelHandlerContext) { context.flush() }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? HTTPParserError else { return context.close(promise: nil) }
        take(.malformed(error), context)
        context.flush()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is ChannelShouldQuiesceEvent:
            isStopping = true
            timer?.cancel()
            // Whoever watches comes again by itself.
            if watcher != nil { return context.close(promise: nil) }
            stop(context, after: limits.lastRequest)
        case ChannelEvent.inputClosed:
            take(.end, context)
            context.flush()
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    /// A request may be on its way here, or an answer on its way there.
    private func stop(_ context: ChannelHandlerContext, after time: Duration) {
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(time)) { [self] in
            let isBusy = isAtWork || head != nil || arrival.isPending || !waiting.isEmpty || !context.channel.isWritable
            if isBusy, time != limits.drain {
                stop(context, after: limits.drain)
            } else {
                context.close(promise: nil)
            }
        }
    }

    private func take(_ event: Event, _ context: ChannelHandlerContext) {
        if watcher != nil {
            // Nothing else is answered behind a stream.
            if case .part = event { return }
            return context.close(promise: nil)
        }
        waiting.append(event)
        work(context)
    }

    /// Looks at what waits until somebody is at work, or until more is answered than the client reads.
    private func work(_ context: ChannelHandlerContext) {
        // What is flushed below may come back here.
        guard !isWorking else { return }
        isWorking = true
        defer { isWorking = false }
        repeat {
            while !isAtWork, context.channel.isWritable, let event = waiting.popFirst() { look(at: event, context) }
            guard !context.channel.isWritable else { break }
            context.flush()
        } while context.channel.isWritable
        if wantsToRead, waiting.isEmpty, context.channel.isWritable {
            wantsToRead = false
            context.read()
        }
    }

    private func look(at event: Event, _ context: ChannelHandlerContext) {
        if isOver { return }
        switch event {
        case .part(.head(let head)): begin(head, context)
        case .part(.body(let bytes)): add(bytes, context)
        case .part(.end): ask(context)
        case .malformed(let error): refuse(error, context)
        case .end: end(context)
        }
    }

    private func begin(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        var head = head
        head.simplify()
        self.head = head
        body = ByteBuffer()
        since = .now()
        guard head.uri.hasPrefix("/") else {
            return refuse(Problem(.badRequest, "Ask for a path that begins with a slash."), context)
        }
        let length = head.headers.first(name: "Content-Length").flatMap { Int($0) } ?? 0
        if length > limits.bodyBytes { return refuseBody(context) }
        if head.version == .http1_1, head.headers["Expect"].contains(where: { $0.lowercased() == "100-continue" }) {
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: "HTTP/1.1 100 Continue\r\n\r\n")), promise: nil)
        }
    }

    private func add(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) {
        guard body.readableBytes + bytes.readableBytes <= limits.bodyBytes else { return refuseBody(context) }
        body.writeImmutableBuffer(bytes)
    }

    // MARK: Answers

    private func ask(_ context: ChannelHandlerContext) {
        guard let head else { return }
        isAtWork = true
        arrival.isPending = false
        let (route, reply) = service.routes.reply(to: Request(head: head, body: body, peer: peer))
        self.route = route
        switch reply {
        case .now(let answer): give(answer, context)
        case .events(let feed, let topic, let owner): watch(feed, topic, owner, context)
        case .later(let work):
            let here = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            let loop = context.eventLoop
            work { answer in
                loop.execute {
                    let (connection, context) = here.value
                    guard context.channel.isActive else { return }
                    connection.give(answer(), context)
                    connection.work(context)
                    context.flush()
                }
            }
        }
    }

    /// Begins a stream, with the state as it is.
    private func watch(_ feed: LiveFeed, _ topic: LiveFeed.Topic, _ owner: String?, _ context: ChannelHandlerContext) {
        guard !isStopping else {
            return give(Problem(.serviceUnavailable, "The daemon stops; try again in a moment.").answer, context)
        }
        guard let (version, state) = feed.current(topic) else { return give(Problem.unknownSite.answer, context) }
        let here = NIOLoopBound(context, eventLoop: context.eventLoop)
        let client = LiveFeed.Client(topic, owner: owner, version: version, on: context.eventLoop) { bytes in
            let context = here.value
            guard context.channel.isActive, context.channel.isWritable else { return false }
            context.writeAndFlush(NIOAny(bytes), promise: nil)
            return true
        } close: {
            here.value.close(promise: nil)
        }
        if let problem = feed.add(client) { return give(problem.answer, context) }
        context.channel.setOption(.socketOption(.so_sndbuf), value: LiveFeed.bufferBytes).assumeIsolated()
            .whenFailure { _ in context.close(promise: nil) }
        watcher = (feed, client)
        var answer = Answer(.ok, type: "text/event-stream; charset=utf-8")
        answer.add("Cache-Control", "no-store")
        // nginx would keep it back until a buffer is full.
        answer.add("X-Accel-Buffering", "no")
        if !topic.isOwners { answer.add("Access-Control-Allow-Origin", "*") }
        var bytes = context.channel.allocator.buffer(capacity: 1024 + state.readableBytes)
        answer.write(to: &bytes, isHead: false, isLast: true, isEndless: true)
        bytes.writeString("retry: 5000\n")
        bytes.writeImmutableBuffer(state)
        service.requests.add(route, .ok, (.now() - since).nanoseconds)
        context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
        timer?.cancel()
        wantsToRead = false
        context.read()
    }

    /// Writes an answer down, to be sent with the next flush.
    private func give(_ answer: Answer, _ context: ChannelHandlerContext, isLast: Bool = false) {
        let isLast = isLast || isStopping || !(head?.isKept ?? false)
        var bytes = context.channel.allocator.buffer(capacity: 512 + answer.body.readableBytes)
        answer.write(to: &bytes, isHead: head?.method == .HEAD, isLast: isLast)
        service.requests.add(route, answer.status, head == nil ? 0 : (.now() - since).nanoseconds)
        let written = isLast ? context.eventLoop.makePromise(of: Void.self) : nil
        context.write(wrapOutboundOut(bytes), promise: written)
        head = nil
        route = Routes.other
        isAtWork = false
        since = .now()
        guard let written else { return }
        isOver = true
        // Only the half that is ours: a full close would destroy an answer that is still on its way to a client that
        // sends on.
        written.futureResult.assumeIsolated().whenComplete { [isStopping] _ in
            context.close(mode: isStopping ? .all : .output, promise: nil)
        }
    }

    private func refuse(_ problem: Problem, _ context: ChannelHandlerContext) {
        give(problem.answer, context, isLast: true)
    }

    private func refuseBody(_ context: ChannelHandlerContext) {
        refuse(Problem(.payloadTooLarge, "Send at most \(limits.bodyBytes) bytes in a request's body."), context)
    }

    private func refuse(_ error: HTTPParserError, _ context: ChannelHandlerContext) {
        let problem =
            error == .headerOverflow
            ? Problem(
                .requestHeaderFieldsTooLarge,
                "Send at most \(limits.headerFields) header fields and \(limits.headerBytes) bytes of them.")
            : Problem(.badRequest, "This is not HTTP/1.1: \(error).")
        refuse(problem, context)
    }

    /// Nothing more will come, and all that came is answered.
    private func end(_ context: ChannelHandlerContext) {
        isOver = true
        let written = context.eventLoop.makePromise(of: Void.self)
        context.writeAndFlush(wrapOutboundOut(ByteBuffer()), promise: written)
        written.futureResult.assumeIsolated().whenComplete { _ in context.close(promise: nil) }
    }

    // MARK: Time

    private func setTimer(_ context: ChannelHandlerContext) {
        let (idle, request) = (TimeAmount(limits.idle), TimeAmount(limits.request))
        let due = since + (head == nil ? idle : request)
        if due <= .now() {
            // Who is in the middle of a request is told; who is not hears no more.
            guard !isOver, !isAtWork, head != nil || arrival.isPending else { return context.close(promise: nil) }
            refuse(Problem(.requestTimeout, "Send a request within \(limits.request)."), context)
            context.flush()
            return setTimer(context)
        }
        // The state may change to one with the shorter limit meanwhile.
        let next = min(due, .now() + min(idle, request))
        timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: next) { self.setTimer(context) }
    }
}

/// Notices bytes before the parser does: a head that is begun and not ended is no idle connection.
final class ArrivalNotice: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    /// Something came that is not part of a request that was answered.
    var isPending = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        isPending = true
        context.fireChannelRead(data)
    }
}

extension HTTPRequestHead {
    /// The connection can go on behind the answer: not with HTTP/1.0, and not where the parser stops because the client would
    /// speak another protocol.
    fileprivate var isKept: Bool {
        isKeepAlive && version != .http1_0 && method != .CONNECT && !headers.contains(name: "Upgrade")
    }

    /// Puts the host of a target in absolute form in the place of the Host field, as RFC 9112, 3.2.2, wants it.
    fileprivate mutating func simplify() {
        guard !uri.hasPrefix("/"), let scheme = uri.firstRange(of: "://"), headers["Host"].count == 1 else { return }
        let rest = uri[scheme.upperBound...]
        let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
        headers.replaceOrAdd(name: "Host", value: String(rest[..<end]))
        uri = rest[end...].hasPrefix("/") ? String(rest[end...]) : "/\(rest[end...])"
    }
}
