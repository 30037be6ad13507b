import NIOCore
import NIOHTTP1
import Testing
import Web

@Suite("The rules of a connection")
struct ConnectionStateMachineTests {
    // MARK: Requests and responses

    @Test(
        "after a response the next request may come, unless the client or its version does not allow it",
        arguments: [
            (Head("/a"), "write A"), (Head("/a", .HEAD), "write A, head only"),
            (Head("/a", ["Connection": "close"]), "write A, then close output"),
            (Head("/a", ["Connection": "TE, Close"]), "write A, then close output"),
            (Head("/a", version: .http1_0), "write A, then close output"),
            (Head("/a", ["Connection": "keep-alive"], version: .http1_0), "write A, then close output"),
            (Head("/a", ["Upgrade": "h2c"]), "write A, then close output"),
            (Head("/a", .CONNECT), "write A, then close output"),
        ])
    func framing(head: Head, written: String) {
        var connection = Tested()
        #expect(connection.after(.part(.head(head.head))) == [])
        #expect(connection.after(.part(.end(nil))) == ["respond \(head.method) /a"])
        #expect(connection.after(.response("A")) == [written])
    }

    @Test("requests that come together are answered one after the other")
    func pipelined() {
        var connection = Tested()
        #expect(connection.after(request("/a") + request("/b") + request("/c")) == ["respond GET /a"])
        #expect(connection.after(.response("A")) == ["write A", "respond GET /b"])
        #expect(connection.after(.response("B")) == ["write B", "respond GET /c"])
        #expect(connection.after(request("/d")) == [])
        #expect(connection.after(.response("C")) == ["write C", "respond GET /d"])
    }

    @Test("nothing more is read while a request waits for its turn")
    func reading() {
        var connection = Tested()
        #expect(connection.after(.readRequested) == ["read"])
        #expect(connection.after(request("/a")) == ["respond GET /a"])
        // One read ahead.
        #expect(connection.after(.readRequested) == ["read"])
        #expect(connection.after(request("/b")) == [])
        #expect(connection.after(.readRequested) == [])
        #expect(connection.after(.response("A")) == ["write A", "respond GET /b", "read"])
    }

    @Test("while the client does not read its responses, no more are made and nothing is read")
    func unwritable() {
        var connection = Tested()
        #expect(connection.after(request("/a") + request("/b")) == ["respond GET /a"])
        #expect(connection.after(.writabilityChanged(false)) == [])
        #expect(connection.after(.response("A")) == ["write A"])
        #expect(connection.after(.readRequested) == [])
        #expect(connection.after(.writabilityChanged(true)) == ["respond GET /b", "read"])
    }

    @Test(
        "a target is a path, or has one behind its host",
        arguments: [
            ("/a?b", "respond GET /a?b at x"), ("http://y/a", "respond GET /a at y"),
            ("http://y", "respond GET / at y"),
            ("http://y?b", "respond GET /?b at y"), ("a", "refuse noPath, then close output"),
            ("*", "refuse noPath, then close output"),
        ])
    func target(target: String, action: String) {
        var connection = Tested(showsHost: true)
        #expect(connection.after(request(target, ["Host": "x"])) == [action])
    }

    // MARK: Bodies

    @Test("a body is handed out whole")
    func wholeBody() {
        var connection = Tested()
        let head = Head("/a", .POST, ["Content-Length": "8"])
        #expect(connection.after(.part(.head(head.head))) == [])
        #expect(connection.after(chunk("abcd")) == [])
        #expect(connection.after(chunk("efgh")) == [])
        #expect(connection.after(.part(.end(nil))) == ["respond POST /a abcdefgh"])
    }

    @Test("a body that is too long is refused as soon as it is known to be, and what still comes is thrown away")
    func bodyTooLong() {
        let refused = "refuse bodyTooLong, then close output"
        var announced = Tested()
        #expect(announced.after(.part(.head(Head("/a", .POST, ["Content-Length": "9"]).head))) == [refused])
        #expect(announced.after([chunk("abcdefghi"), .part(.end(nil))] + request("/b")) == [])
        var sent = Tested()
        #expect(sent.after(.part(.head(Head("/a", .POST, ["Transfer-Encoding": "chunked"]).head))) == [])
        #expect(sent.after(chunk("abcdefgh")) == [])
        #expect(sent.after(chunk("i")) == [refused])
        #expect(sent.after([chunk("j"), .part(.end(nil))] + request("/b")) == [])
        #expect(sent.after(.readRequested) == ["read"])
    }

    @Test("a client that waits for 100 Continue gets it, unless its body is too long")
    func expectation() {
        var connection = Tested()
        func head(_ length: String, _ version: HTTPVersion = .http1_1) -> Tested.Machine.Event {
            .part(
                .head(Head("/a", .POST, ["Expect": "100-Continue", "Content-Length": length], version: version).head))
        }
        #expect(connection.after(head("8")) == ["continue"])
        #expect(connection.after([chunk("abcdefgh"), .part(.end(nil))]) == ["respond POST /a abcdefgh"])
        #expect(connection.after(.response("A")) == ["write A"])
        #expect(connection.after(head("9")) == ["refuse bodyTooLong, then close output"])
        var old = Tested()
        #expect(old.after(head("8", .http1_0)) == [])
    }

    // MARK: Ends

    @Test("bytes that are no HTTP are refused after the requests before them are answered, and end the connection")
    func malformed() {
        var connection = Tested()
        #expect(connection.after(request("/a") + [.malformed(.invalidMethod)] + request("/b")) == ["respond GET /a"])
        #expect(connection.after(.response("A")) == ["write A", "refuse malformed, then close output"])
        #expect(connection.after(request("/c")) == [])
    }

    @Test("a client that has closed its half gets its responses before the connection is closed")
    func halfClosed() {
        var connection = Tested()
        #expect(connection.after(request("/a") + request("/b") + [.inputClosed]) == ["respond GET /a"])
        #expect(connection.after(.response("A")) == ["write A", "respond GET /b"])
        #expect(connection.after(.response("B")) == ["write B", "close when written"])
    }

    @Test("a response for a client that has gone is dropped, and nothing else happens any more")
    func disconnected() {
        var connection = Tested()
        #expect(connection.after(request("/a") + request("/b")) == ["respond GET /a"])
        #expect(connection.after(.closed) == [])
        #expect(connection.after(.response("A")) == [])
        #expect(connection.after(request("/c")) == [])
        #expect(connection.after(.stream("S")) == [])
        #expect(connection.after(.shutdown) == [] && connection.wait(.hours(1)) == [])
    }

    @Test("a channel that fails is closed, whatever is at work")
    func failed() {
        var connection = Tested()
        #expect(connection.after(request("/a")) == ["respond GET /a"])
        #expect(connection.after(.failed) == ["close"])
        #expect(connection.after(.response("A")) == [])
    }

    // MARK: Time

    @Test(
        "a connection waits for nothing without a limit",
        arguments: [
            // What has come, and what happens 10 s (a request: 20 s) later.
            Wait("nothing", [], 10, ["close"]),
            Wait("the beginning of a head", [.bytesReceived], 10, ["refuse timeout, then close output"]),
            Wait("a head", [.bytesReceived, .part(.head(Head("/a").head))], 20, ["refuse timeout, then close output"]),
            Wait(
                "a head and a part of the body", [.bytesReceived, .part(.head(Head("/a").head)), chunk("a")], 20,
                ["refuse timeout, then close output"]),
            Wait("a request whose response does not come", request("/a"), 20, ["close"]),
            Wait("a request that was answered", request("/a") + [.response("A")], 10, ["close"]),
            Wait("a refused request", [.malformed(.invalidMethod)], 10, ["close"]),
        ])
    func timeout(waiting: Wait) {
        var connection = Tested()
        _ = connection.after(waiting.events)
        #expect(connection.wait(.seconds(waiting.seconds) - .nanoseconds(1)) == [])
        #expect(connection.wait(.nanoseconds(1)) == waiting.actions)
        if waiting.actions != ["close"] { #expect(connection.wait(.seconds(10)) == ["close"]) }
    }

    @Test("bytes that trickle in do not move a deadline, and each request has its own")
    func trickle() {
        var connection = Tested()
        _ = connection.after([.bytesReceived, .part(.head(Head("/a").head))])
        for _ in 0..<3 {
            #expect(connection.wait(.seconds(6)) == [])
            #expect(connection.after([.bytesReceived, chunk("a")]) == [])
        }
        #expect(connection.wait(.seconds(2)) == ["refuse timeout, then close output"])
        var patient = Tested()
        for _ in 0..<10 {
            #expect(patient.after(request("/a") + [.response("A")]) == ["respond GET /a", "write A"])
            #expect(patient.wait(.seconds(9)) == [])
        }
        #expect(patient.wait(.seconds(1)) == ["close"])
    }

    @Test("a response is timed from the head of its request")
    func elapsed() {
        var connection = Tested()
        _ = connection.after(.part(.head(Head("/a").head)))
        _ = connection.wait(.seconds(2))
        _ = connection.after(.part(.end(nil)))
        _ = connection.wait(.seconds(3))
        _ = connection.after(.response("A"))
        #expect(connection.elapsed == .seconds(5))
        _ = connection.wait(.seconds(1))
        _ = connection.after(.malformed(.invalidMethod))
        #expect(connection.elapsed == .zero)
    }

    // MARK: Event streams

    @Test("a stream does not end by itself, and no request is answered after it")
    func stream() {
        var connection = Tested()
        #expect(connection.after(request("/a")) == ["respond GET /a"])
        #expect(connection.after(.stream("S")) == ["write S, then stream"])
        #expect(connection.wait(.hours(24)) == [])
        #expect(connection.after(request("/b")) == [])
        #expect(connection.after(.readRequested) == ["read"])
        #expect(connection.after(.inputClosed) == ["close"])
    }

    @Test(
        "a stream ends when its client sends rubbish, when the server stops, and when the channel fails",
        arguments: [("no HTTP", .malformed(.invalidMethod)), ("a shutdown", .shutdown), ("a failure", .failed)]
            as [(String, Tested.Machine.Event)])
    func streamEnds(by name: String, event: Tested.Machine.Event) {
        var connection = Tested()
        _ = connection.after(request("/a") + [.stream("S")])
        #expect(connection.after(event) == ["close"], "\(name)")
    }

    // MARK: Shutdown

    @Test("a stopping server still answers a request that was on its way, and then closes the connection")
    func lastRequest() {
        var connection = Tested()
        #expect(!connection.machine.isStopping)
        #expect(connection.after(.shutdown) == [] && connection.machine.isStopping)
        #expect(connection.wait(.milliseconds(999)) == [])
        #expect(connection.after(request("/a")) == ["respond GET /a"])
        #expect(connection.after(.response("A")) == ["write A, then close"])
        var idle = Tested()
        #expect(idle.after(.shutdown) == [] && idle.wait(.milliseconds(999)) == [])
        #expect(idle.wait(.milliseconds(1)) == ["close"])
    }

    @Test(
        "a request that is at work when the server stops gets some more time, with a limit",
        arguments: [
            Wait("the beginning of a head", [.bytesReceived], 3, ["close"]),
            Wait("a head", [.bytesReceived, .part(.head(Head("/a").head))], 3, ["close"]),
            Wait("a request without a response", request("/a"), 3, ["close"]),
            Wait(
                "a response that is not read", request("/a") + [.writabilityChanged(false), .response("A")], 3,
                ["close"]),
        ])
    func draining(waiting: Wait) {
        var connection = Tested()
        _ = connection.after(waiting.events + [.shutdown])
        #expect(connection.wait(.seconds(1)) == [])
        #expect(connection.wait(.seconds(waiting.seconds) - .nanoseconds(1)) == [])
        #expect(connection.wait(.nanoseconds(1)) == waiting.actions)
    }
}

/// A request's head.
struct Head: CustomTestStringConvertible {
    let method: HTTPMethod
    let head: HTTPRequestHead
    var testDescription: String { "\(head)" }

    init(
        _ uri: String, _ method: HTTPMethod = .GET, _ fields: KeyValuePairs<String, String> = [:],
        version: HTTPVersion = .http1_1
    ) {
        self.method = method
        head = HTTPRequestHead(
            version: version, method: method, uri: uri, headers: HTTPHeaders(fields.map { ($0.key, $0.value) }))
    }

    init(_ uri: String, _ fields: KeyValuePairs<String, String>, version: HTTPVersion = .http1_1) {
        self.init(uri, .GET, fields, version: version)
    }
}

/// What a connection waits for, for so many seconds, and what it does then.
struct Wait: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let events: [Tested.Machine.Event]
    let seconds: Int64
    let actions: [String]

    init(_ name: String, _ events: [Tested.Machine.Event], _ seconds: Int64, _ actions: [String]) {
        testDescription = name
        (self.events, self.seconds, self.actions) = (events, seconds, actions)
    }
}

private func request(_ uri: String, _ fields: KeyValuePairs<String, String> = [:]) -> [Tested.Machine.Event] {
    [.bytesReceived, .part(.head(Head(uri, fields).head)), .part(.end(nil))]
}

private func chunk(_ text: String) -> Tested.Machine.Event { .part(.body(ByteBuffer(string: text))) }

/// A machine with a clock that is moved by hand, and its actions in words.
struct Tested {
    typealias Machine = ConnectionStateMachine<String>

    private(set) var machine: Machine
    private(set) var elapsed = TimeAmount.zero
    private let showsHost: Bool
    private var now = NIODeadline.uptimeNanoseconds(1)
    private var timer: NIODeadline?

    init(showsHost: Bool = false) {
        var limits = WebLimits()
        limits.bodyBytes = 8
        (limits.idle, limits.request) = (.seconds(10), .seconds(20))
        (limits.lastRequest, limits.drain) = (.seconds(1), .seconds(3))
        machine = Machine(limits: limits, now: now)
        self.showsHost = showsHost
        _ = rest()
    }

    /// Events in, actions out.
    mutating func after(_ events: [Machine.Event]) -> [String] {
        events.flatMap { event -> [String] in
            let first = machine.receive(event, at: now).flatMap { words($0) }
            return (first.map { [$0] } ?? []) + rest()
        }
    }

    mutating func after(_ event: Machine.Event) -> [String] { after([event]) }

    /// Lets time pass; the timer fires when it is due.
    mutating func wait(_ time: TimeAmount) -> [String] {
        let end = now + time
        var actions: [String] = []
        while let due = timer, due <= end {
            now = max(now, due)
            timer = nil
            actions += after(.timerFired)
        }
        now = end
        return actions
    }

    private mutating func rest() -> [String] {
        var actions: [String] = []
        while let action = machine.next(at: now) {
            if let words = words(action) { actions.append(words) }
        }
        return actions
    }

    private mutating func words(_ action: Machine.Action) -> String? {
        switch action {
        case .respond(let head, let body):
            let host = showsHost ? " at \(head.headers.first(name: "Host") ?? "")" : ""
            return "respond \(head.method) \(head.uri)\(host)"
                + (body.readableBytes > 0 ? " \(String(buffer: body))" : "")
        case .write(let response, let framing): return "write \(response)\(words(framing))"
        case .refuse(let refusal, let framing):
            let name =
                switch refusal {
                case .noPath: "noPath"
                case .bodyTooLong: "bodyTooLong"
                case .malformed: "malformed"
                case .timeout: "timeout"
                }
            return "refuse \(name)\(words(framing))"
        case .sendContinue: return "continue"
        case .read: return "read"
        case .closeWhenWritten: return "close when written"
        case .close: return "close"
        case .schedule(let time):
            timer = time
            return nil
        }
    }

    private mutating func words(_ framing: Machine.Framing) -> String {
        elapsed = framing.elapsed
        let after =
            switch framing.after {
            case .keepOpen: ""
            case .closeOutput: ", then close output"
            case .close: ", then close"
            case .stream: ", then stream"
            }
        return (framing.isHead ? ", head only" : "") + after
    }
}
