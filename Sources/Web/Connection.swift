import NIOCore
import NIOHTTP1

/// One connection: reads a request, answers it, reads the next.
///
/// Requests that come together wait their turn, and while one is worked on nothing more is read, so a client cannot make
/// us hold more than it has been answered. One timer a connection, which sets itself anew: it closes a connection that is
/// idle, whatever trickles in, and one whose request takes too long from its head to the end of its answer.
final class Connection: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let routes: Routes
    private let limits: WebLimits
    private let peer: Peer

    /// What came in and is not looked at yet.
    private var waiting = CircularBuffer<Event>()
    /// The request that is coming in.
    private var head: HTTPRequestHead?
    private var body = ByteBuffer()
    /// Somebody works on an answer.
    private var isAtWork = false
    /// Somebody wants to read meanwhile.
    private var wantsToRead = false
    /// The last answer is given; what still comes is thrown away.
    private var isOver = false
    /// The daemon stops.
    private var isStopping = false
    /// When the state that runs now began.
    private var since = NIODeadline.now()
    private var timer: Scheduled<Void>?

    private enum Event {
        case part(HTTPServerRequestPart)
        case malformed(HTTPParserError)
        /// The client has said all it will.
        case end
    }

    init(_ routes: Routes, _ limits: WebLimits, _ peer: Peer) {
        self.routes = routes
        self.limits = limits
        self.peer = peer
    }

    // MARK: What comes in

    func handlerAdded(context: ChannelHandlerContext) { setTimer(context) }
    func handlerRemoved(context: ChannelHandlerContext) { timer?.cancel() }

    func read(context: ChannelHandlerContext) {
        if isAtWork { wantsToRead = true } else { context.read() }
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
            guard isAtWork || head != nil else { return context.close(promise: nil) }
            timer?.cancel()
            timer = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(limits.drain)) {
                context.close(promise: nil)
            }
        case ChannelEvent.inputClosed:
            take(.end, context)
            context.flush()
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    private func take(_ event: Event, _ context: ChannelHandlerContext) {
        waiting.append(event)
        work(context)
    }

    /// Looks at what waits until somebody is at work.
    private func work(_ context: ChannelHandlerContext) {
        while !isAtWork, let event = waiting.popFirst() {
            if isOver { continue }
            switch event {
            case .part(.head(let head)): begin(head, context)
            case .part(.body(let bytes)): add(bytes, context)
            case .part(.end): ask(context)
            case .malformed(let error): refuse(error, context)
            case .end: end(context)
            }
        }
    }

    private func begin(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        var head = head
        head.simplify()
        self.head = head
        body = ByteBuffer()
        since = .now()
        let length = head.headers.first(name: "Content-Length").flatMap { Int($0) } ?? 0
        if length > limits.bodyBytes { refuseBody(context) }
    }

    private func add(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) {
        guard body.readableBytes + bytes.readableBytes <= limits.bodyBytes else { return refuseBody(context) }
        body.writeImmutableBuffer(bytes)
    }

    // MARK: Answers

    private func ask(_ context: ChannelHandlerContext) {
        guard let head else { return }
        isAtWork = true
        switch routes.reply(to: Request(head: head, body: body, peer: peer)) {
        case .now(let answer): give(answer, context)
        case .later(let work):
            let here = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            let loop = context.eventLoop
            work { answer in
                loop.execute {
                    let (connection, context) = here.value
                    guard context.channel.isActive else { return }
                    connection.give(answer, context)
                    connection.work(context)
                    context.flush()
                }
            }
        }
    }

    /// Writes an answer down, to be sent with the next flush.
    private func give(_ answer: Answer, _ context: ChannelHandlerContext, isLast: Bool = false) {
        let isLast = isLast || isStopping || !(head?.isKeepAlive ?? false)
        var bytes = context.channel.allocator.buffer(capacity: 512 + answer.body.readableBytes)
        answer.write(to: &bytes, isHead: head?.method == .HEAD, isLast: isLast)
        let written = isLast ? context.eventLoop.makePromise(of: Void.self) : nil
        context.write(wrapOutboundOut(bytes), promise: written)
        head = nil
        isAtWork = false
        since = .now()
        if wantsToRead {
            wantsToRead = false
            context.read()
        }
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
        guard due > .now() else { return context.close(promise: nil) }
        // The state may change to one with the shorter limit meanwhile.
        let next = min(due, .now() + min(idle, request))
        timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: next) { self.setTimer(context) }
    }
}

extension HTTPRequestHead {
    /// Puts the host of a target in absolute form in the place of the Host field, as RFC 9112, 3.2.2, wants it.
    fileprivate mutating func simplify() {
        guard !uri.hasPrefix("/"), let scheme = uri.firstRange(of: "://") else { return }
        let rest = uri[scheme.upperBound...]
        let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
        headers.replaceOrAdd(name: "Host", value: String(rest[..<end]))
        uri = rest[end...].hasPrefix("/") ? String(rest[end...]) : "/\(rest[end...])"
    }
}
