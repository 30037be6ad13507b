package import NIOCore
package import NIOHTTP1

/// The rules of one HTTP/1.1 connection: one request at a time, one response for each, and a time limit for everything.
///
/// It holds no channel and no clock. The channel handler reports each event with the time, performs the returned
/// action, and then asks `next` until there is no more to do. It knows only that a response exists, not what is in it.
/// ```
/// idle ──head──► receiving ──end──► responding ──response──► idle …
///   │                │                   ├──stream──► streaming
///   └── a refusal, a timeout, or the last response ──► lingering      any state ──close──► closed
/// ```
package struct ConnectionStateMachine<Response: Sendable> {
    /// What has happened.
    package enum Event: Sendable {
        /// Bytes came from the client. The parser has not processed them yet.
        case bytesReceived
        /// The parser has read a part of a request.
        case part(HTTPServerRequestPart)
        /// The parser found that the bytes are not HTTP.
        case malformed(HTTPParserError)
        /// The client has closed its half: it sends no more, but may still read.
        case inputClosed
        /// The pipeline wants to read the next bytes.
        case readRequested
        /// The client has caught up with reading (true) or fallen behind (false).
        case writabilityChanged(Bool)
        /// The response to the request that `respond` handed out.
        case response(Response)
        /// An event stream answers the request that `respond` handed out. It begins with this.
        case stream(Response)
        /// The time of the last `schedule` has come.
        case timerFired
        /// The server stops gracefully.
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
        /// Report `timerFired` at this time. It replaces the previous time.
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
        /// What happens to the connection after the response.
        package var after = After.keepOpen
        /// The time since the request's head; zero if no head was read.
        package var elapsed = TimeAmount.zero
    }

    /// What happens to the connection after a response.
    package enum After: Equatable, Sendable {
        /// The next request may come.
        case keepOpen
        /// Close our half when the response is written. A full close would destroy the response while the client still sends.
        case closeOutput
        /// Close the channel when the response is written.
        case close
        /// Events follow until one side closes. Keep reading: nothing else shows that the client has gone.
        case stream
    }

    /// Why a request is refused before it reaches a route.
    package enum Refusal: Sendable {
        /// The request's target is not a path.
        case noPath
        /// The body is longer than `WebLimits.bodyBytes`.
        case bodyTooLong
        /// The bytes are not HTTP, or the head exceeds its limits.
        case malformed(HTTPParserError)
        /// The request was not complete in time.
        case timeout
    }

    private enum State {
        /// No request is open. The next one has to come within `WebLimits.idle`.
        case idle(since: NIODeadline)
        /// The head is read, and the body is coming.
        case receiving(HTTPRequestHead, body: ByteBuffer, since: NIODeadline)
        /// The request is complete, and waits for its response.
        case responding(HTTPRequestHead, since: NIODeadline)
        /// The response is an event stream, which ends with the connection.
        case streaming
        /// The last response is given. Further input is discarded.
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
        /// The server stops. A request on its way may still arrive until then.
        case lastRequest(until: NIODeadline)
        /// The requests in progress have until then.
        case draining(until: NIODeadline)
    }

    private let limits: WebLimits
    private var state: State
    private var shutdown = Shutdown.none
    /// Input waits here while a request is being answered, or the client is behind with reading.
    private var waiting = CircularBuffer<Input>()
    private var isWritable = true
    private var isReadRequested = false
    private var isScheduled = false
    /// Bytes arrived that belong to no request handed out so far.
    private var hasUnparsedBytes = false

    /// A connection accepted at `now`.
    package init(limits: WebLimits, now: NIODeadline) {
        self.limits = limits
        state = .idle(since: now)
    }

    /// Processes an event, and returns what to do at once. Call `next` afterwards, whatever it returns.
    package mutating func receive(_ event: Event, at now: NIODeadline) -> Action? {
        if case .closed = state { return nil }
        switch event {
        case .bytesReceived: hasUnparsedBytes = true
        case .part(let part): return enqueue(.part(part))
        case .malformed(let error): return enqueue(.malformed(error))
        case .inputClosed: return enqueue(.end)
        case .readRequested:
            // Reading once ahead of the response costs less than telling the kernel twice per request.
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

    /// What to do next; nil until the next event.
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

    /// Whether the server stops: then this request is the last, and no stream begins.
    package var isStopping: Bool { if case .none = shutdown { false } else { true } }

    // MARK: Input

    private mutating func enqueue(_ input: Input) -> Action? {
        if case .streaming = state {
            // No request is answered after a stream.
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
            // The client is in the middle of a request, so tell it.
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
        // The client of a stream reconnects by itself.
        if case .streaming = state { return close() }
        shutdown = .lastRequest(until: now + TimeAmount(limits.lastRequest))
        isScheduled = false
        return nil
    }

    /// Whether a request or a response is on its way.
    private var isBusy: Bool {
        switch state {
        case .receiving, .responding: true
        default: hasUnparsedBytes || !waiting.isEmpty || !isWritable
        }
    }

    /// When the present state times out; nil for a stream.
    private var deadline: NIODeadline? {
        switch state {
        case .idle(let since), .lingering(let since): since + TimeAmount(limits.idle)
        case .receiving(_, _, let since), .responding(_, let since): since + TimeAmount(limits.request)
        case .streaming, .closed: nil
        }
    }

    /// When to check the deadlines again. One timer serves all states, so it fires early enough for the shortest limit.
    private func nextCheck(at now: NIODeadline) -> NIODeadline? {
        switch shutdown {
        case .none: deadline.map { min($0, now + min(TimeAmount(limits.idle), TimeAmount(limits.request))) }
        case .lastRequest(let end), .draining(let end): if case .closed = state { nil } else { end }
        }
    }
}

extension HTTPRequestHead {
    /// Whether another request may follow: not with HTTP/1.0, nor for another protocol, where the parser stops.
    fileprivate var allowsNextRequest: Bool {
        isKeepAlive && version != .http1_0 && method != .CONNECT && !headers.contains(name: "Upgrade")
    }

    /// Turns a target in absolute form into a path, and its host into the Host field (RFC 9112, 3.2.2).
    fileprivate mutating func makeTargetRelative() {
        guard !uri.hasPrefix("/"), let scheme = uri.firstRange(of: "://"), headers["Host"].count == 1 else { return }
        let rest = uri[scheme.upperBound...]
        let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
        headers.replaceOrAdd(name: "Host", value: String(rest[..<end]))
        uri = rest[end...].hasPrefix("/") ? String(rest[end...]) : "/\(rest[end...])"
    }
}
