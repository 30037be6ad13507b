package import NIOCore
package import NIOHTTP1

/// The rules of one HTTP/1.1 connection: one request at a time, one response for each, and a time limit for everything.
///
/// It holds no channel and no clock. The channel handler reports each event with the time, performs the action that comes
/// back, and then asks `next` until there is no more to do. Of a response it only knows that there is one.
/// ```
/// idle ──head──► receiving ──end──► responding ──response──► idle …
///   │                │                   ├──stream──► streaming
///   └── a refusal, a timeout, or the last response ──► lingering      any state ──close──► closed
/// ```
package struct ConnectionStateMachine<Response: Sendable> {
    /// What has happened.
    package enum Event: Sendable {
        /// Bytes came from the client. The parser has not made anything of them yet.
        case bytesReceived
        /// The parser has read a part of a request.
        case part(HTTPServerRequestPart)
        /// The parser has found that the bytes are no HTTP.
        case malformed(HTTPParserError)
        /// The client has closed its half: it sends no more, and may still read.
        case inputClosed
        /// The pipeline wants to read the next bytes.
        case readRequested
        /// The client has begun or stopped to lag behind with reading.
        case writabilityChanged(Bool)
        /// The request that was handed out by `respond` has its response.
        case response(Response)
        /// The request that was handed out by `respond` is answered with an event stream, which begins with this.
        case stream(Response)
        /// The time of the last `schedule` has come.
        case timerFired
        /// The server stops in good order.
        case shutdown
        /// The channel has failed.
        case failed
        /// The channel is closed.
        case closed
    }

    /// What the channel handler has to do.
    package enum Action: Sendable {
        /// Find the response of this request, and report `response` or `stream`.
        case respond(HTTPRequestHead, body: ByteBuffer)
        /// Write the response.
        case write(Response, Framing)
        /// Write an error as the response: the request cannot be served.
        case refuse(Refusal, Framing)
        /// Write `100 Continue` at once.
        case sendContinue
        /// Read from the channel.
        case read
        /// Report `timerFired` at this time. It replaces the time before it.
        case schedule(NIODeadline)
        /// Close the channel when everything is written.
        case closeWhenWritten
        /// Close the channel now.
        case close
    }

    /// How a response is written.
    package struct Framing: Equatable, Sendable {
        /// The request's method is HEAD: the response has no body.
        package var isHead = false
        /// What becomes of the connection after the response.
        package var after = After.keepOpen
        /// The time since the request's head; zero where no head was read.
        package var elapsed = TimeAmount.zero
    }

    /// What becomes of the connection after a response.
    package enum After: Equatable, Sendable {
        /// The next request may come.
        case keepOpen
        /// Close our half when the response is written. A full close would destroy the response while the client still sends.
        case closeOutput
        /// Close the channel when the response is written.
        case close
        /// Events follow until one side closes. Read on: only so is it known when the client has gone.
        case stream
    }

    /// Why a request is refused before any route is asked.
    package enum Refusal: Sendable {
        /// The request's target is no path.
        case noPath
        /// The body is longer than `WebLimits.bodyBytes`.
        case bodyTooLong
        /// The bytes are no HTTP, or the head is past its limits.
        case malformed(HTTPParserError)
        /// The request did not come to its end in time.
        case timeout
    }

    private enum State {
        /// No request is open. The next one has to come within `WebLimits.idle`.
        case idle(since: NIODeadline)
        /// The head is read, and the body is coming.
        case receiving(HTTPRequestHead, body: ByteBuffer, since: NIODeadline)
        /// The request is complete, and its response is awaited.
        case responding(HTTPRequestHead, since: NIODeadline)
        /// The response is an event stream, which ends with the connection.
        case streaming
        /// The last response is given. What still comes is thrown away.
        case lingering(since: NIODeadline)
        /// Nothing happens any more.
        case closed
    }

    /// A part of the input that waits for its turn.
    private enum Input {
        case part(HTTPServerRequestPart)
        case malformed(HTTPParserError)
        case end
    }

    private enum Shutdown {
        /// The server runs.
        case none
        /// The server stops. A request that is on its way may still come until then.
        case lastRequest(until: NIODeadline)
        /// The requests at work have until then.
        case draining(until: NIODeadline)
    }

    private let limits: WebLimits
    private var state: State
    private var shutdown = Shutdown.none
    /// Input is looked at while no request is being answered and the client keeps up with reading.
    private var waiting = CircularBuffer<Input>()
    private var isWritable = true
    private var isReadRequested = false
    private var isScheduled = false
    /// Bytes came that belong to no request that was handed out.
    private var hasUnparsedBytes = false

    /// A connection that was accepted `now`.
    package init(limits: WebLimits, now: NIODeadline) {
        self.limits = limits
        state = .idle(since: now)
    }

    /// Takes an event in, and returns what has to be done at once. Whatever it returns, ask `next` afterwards.
    package mutating func receive(_ event: Event, at now: NIODeadline) -> Action? {
        if case .closed = state { return nil }
        switch event {
        case .bytesReceived: hasUnparsedBytes = true
        case .part(let part): return enqueue(.part(part))
        case .malformed(let error): return enqueue(.malformed(error))
        case .inputClosed: return enqueue(.end)
        case .readRequested:
            // One read ahead of the response costs less than to tell the kernel twice a request.
            if waiting.isEmpty, isWritable { return .read }
            isReadRequested = true
        case .writabilityChanged(let isWritable): self.isWritable = isWritable
        case .response(let response): return .write(response, endRequest(at: now))
        case .stream(let response): return .write(response, beginStream(at: now))
        case .timerFired: return timeOut(at: now)
        case .shutdown: return stop(at: now)
        case .failed: return close()
        case .closed: state = .closed
        }
        return nil
    }

    /// What there is to do next; nil until the next event.
    package mutating func next(at now: NIODeadline) -> Action? {
        while isReadyForInput, let input = waiting.popFirst() {
            if let action = process(input, at: now) { return action }
        }
        if isReadRequested, waiting.isEmpty, isWritable {
            isReadRequested = false
            return .read
        }
        if !isScheduled, let time = nextCheck(at: now) {
            isScheduled = true
            return .schedule(time)
        }
        return nil
    }

    /// The server stops: this request is the last, and no stream begins.
    package var isStopping: Bool { if case .none = shutdown { false } else { true } }

    // MARK: Input

    private mutating func enqueue(_ input: Input) -> Action? {
        if case .streaming = state {
            // No request is answered behind a stream.
            if case .part = input { return nil }
            return close()
        }
        waiting.append(input)
        return nil
    }

    private var isReadyForInput: Bool {
        switch state {
        case .idle, .receiving, .lingering: isWritable
        case .responding, .streaming, .closed: false
        }
    }

    private mutating func process(_ input: Input, at now: NIODeadline) -> Action? {
        if case .lingering = state { return nil }
        switch input {
        case .part(.head(let head)): return begin(head, at: now)
        case .part(.body(let bytes)): return append(bytes, at: now)
        case .part(.end):
            guard case .receiving(let head, let body, let since) = state else { return nil }
            state = .responding(head, since: since)
            hasUnparsedBytes = false
            return .respond(head, body: body)
        case .malformed(let error): return refuse(.malformed(error), at: now)
        case .end:
            state = .lingering(since: now)
            return .closeWhenWritten
        }
    }

    private mutating func begin(_ head: HTTPRequestHead, at now: NIODeadline) -> Action? {
        var head = head
        head.makeTargetRelative()
        state = .receiving(head, body: ByteBuffer(), since: now)
        guard head.uri.hasPrefix("/") else { return refuse(.noPath, at: now) }
        let length = head.headers.first(name: "Content-Length").flatMap { Int($0) } ?? 0
        if length > limits.bodyBytes { return refuse(.bodyTooLong, at: now) }
        let expectsContinue = head.headers["Expect"].contains { $0.lowercased() == "100-continue" }
        return head.version == .http1_1 && expectsContinue ? .sendContinue : nil
    }

    private mutating func append(_ bytes: ByteBuffer, at now: NIODeadline) -> Action? {
        guard case .receiving(let head, var body, let since) = state else { return nil }
        guard body.readableBytes + bytes.readableBytes <= limits.bodyBytes else {
            return refuse(.bodyTooLong, at: now)
        }
        body.writeImmutableBuffer(bytes)
        state = .receiving(head, body: body, since: since)
        return nil
    }

    // MARK: Output

    private mutating func refuse(_ refusal: Refusal, at now: NIODeadline) -> Action {
        var framing = Framing(after: afterLast)
        if case .receiving(let head, _, let since) = state {
            framing.isHead = head.method == .HEAD
            framing.elapsed = now - since
        }
        state = .lingering(since: now)
        return .refuse(refusal, framing)
    }

    private mutating func endRequest(at now: NIODeadline) -> Framing {
        guard case .responding(let head, let since) = state else { preconditionFailure("no request is at work") }
        let isLast = isStopping || !head.allowsNextRequest
        state = isLast ? .lingering(since: now) : .idle(since: now)
        return Framing(isHead: head.method == .HEAD, after: isLast ? afterLast : .keepOpen, elapsed: now - since)
    }

    private mutating func beginStream(at now: NIODeadline) -> Framing {
        guard case .responding(_, let since) = state else { preconditionFailure("no request is at work") }
        state = .streaming
        waiting.removeAll()
        isReadRequested = false
        return Framing(after: .stream, elapsed: now - since)
    }

    private var afterLast: After { isStopping ? .close : .closeOutput }

    private mutating func close() -> Action {
        state = .closed
        return .close
    }

    // MARK: Time

    private mutating func timeOut(at now: NIODeadline) -> Action? {
        isScheduled = false
        switch shutdown {
        case .none:
            guard let deadline, deadline <= now else { return nil }
            switch state {
            case .idle where !hasUnparsedBytes: return close()
            // The client is in the middle of a request: tell it.
            case .idle, .receiving: return refuse(.timeout, at: now)
            case .responding, .lingering, .streaming, .closed: return close()
            }
        case .lastRequest(let end):
            guard end <= now else { return nil }
            guard isBusy else { return close() }
            shutdown = .draining(until: now + TimeAmount(limits.drain))
            return nil
        case .draining(let end): return end <= now ? close() : nil
        }
    }

    private mutating func stop(at now: NIODeadline) -> Action? {
        // The client of a stream comes again by itself.
        if case .streaming = state { return close() }
        shutdown = .lastRequest(until: now + TimeAmount(limits.lastRequest))
        isScheduled = false
        return nil
    }

    /// A request is on its way here, or a response on its way there.
    private var isBusy: Bool {
        switch state {
        case .receiving, .responding: true
        default: hasUnparsedBytes || !waiting.isEmpty || !isWritable
        }
    }

    /// When the present state has lasted long enough; nil for a stream.
    private var deadline: NIODeadline? {
        switch state {
        case .idle(let since), .lingering(let since): since + TimeAmount(limits.idle)
        case .receiving(_, _, let since), .responding(_, let since): since + TimeAmount(limits.request)
        case .streaming, .closed: nil
        }
    }

    /// When to look at the deadlines again. One timer serves all states, so it comes early enough for the shortest limit.
    private func nextCheck(at now: NIODeadline) -> NIODeadline? {
        switch shutdown {
        case .none: deadline.map { min($0, now + min(TimeAmount(limits.idle), TimeAmount(limits.request))) }
        case .lastRequest(let end), .draining(let end): if case .closed = state { nil } else { end }
        }
    }
}

extension HTTPRequestHead {
    /// Another request may follow: not with HTTP/1.0, and not where the parser stops because the client wants another protocol.
    fileprivate var allowsNextRequest: Bool {
        isKeepAlive && version != .http1_0 && method != .CONNECT && !headers.contains(name: "Upgrade")
    }

    /// Makes a target in absolute form a path, and its host the Host field, as RFC 9112, 3.2.2, wants it.
    fileprivate mutating func makeTargetRelative() {
        guard !uri.hasPrefix("/"), let scheme = uri.firstRange(of: "://"), headers["Host"].count == 1 else { return }
        let rest = uri[scheme.upperBound...]
        let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
        headers.replaceOrAdd(name: "Host", value: String(rest[..<end]))
        uri = rest[end...].hasPrefix("/") ? String(rest[end...]) : "/\(rest[end...])"
    }
}
