import Foundation
import NIOCore
import Testing
import Web

@Suite("Connections and their limits")
struct ConnectionTests {
    static let get = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"

    @Test("requests sent at once are answered in their order on one connection")
    func pipelined() async throws {
        try await withServer { server async throws in
            for local in [false, true] {
                let client = try await server.connect(local: local)
                let paths = ["/healthz", "/api/v1/sites/portal", "/nowhere", "/readyz"]
                let requests = (0..<50).map { "GET \(paths[$0 % 4]) HTTP/1.1\r\nHost: localhost\r\n\r\n" }
                try await client.send(requests.joined())
                for i in 0..<50 {
                    let response = try await client.response()
                    #expect(response.status == [200, 200, 404, 200][i % 4])
                    if i % 4 == 3 { #expect(response.body == "ready") }
                }
                try await client.send(Self.get)
                #expect(try await client.response().body == "ok")
            }
        }
    }

    @Test(
        "the connection is closed where the client wants it",
        arguments: [
            ("HTTP/1.1", "Connection: close", true), ("HTTP/1.1", "Connection: TE, Close", true),
            ("HTTP/1.0", "X: y", true), ("HTTP/1.0", "Connection: keep-alive", true),
            ("HTTP/1.1", "Upgrade: h2c", true), ("HTTP/1.1", "X: y", false),
        ])
    func close(version: String, field: String, isClosed: Bool) async throws {
        try await withServer { server async throws in
            let client = try await server.connect()
            try await client.send("GET /healthz \(version)\r\nHost: localhost\r\n\(field)\r\n\r\n")
            let response = try await client.response()
            #expect((response.fields["connection"] == "close") == isClosed)
            if isClosed {
                #expect(try await client.isClosed())
            } else {
                try await client.send(Self.get)
                #expect(try await client.response().status == 200)
            }
        }
    }

    @Test("a client that reads no responses does not get ever more of them, and loses none when it reads at last")
    func unread() async throws {
        try await withServer { server async throws in
            let client = try await server.connect()
            let (rounds, each) = (40, 100)
            let request = "GET /api/v1/definitions HTTP/1.1\r\nHost: localhost\r\n\r\n"
            for _ in 0..<rounds { try await client.send(String(repeating: request, count: each)) }
            // Others are served meanwhile, often enough that all would be answered by now.
            for _ in 0..<200 { #expect(try await server.ask("/healthz").status == 200) }
            let series = #"http_requests_total{route="/api/v1/definitions",code="200"}"#
            let answered = try #require(try await server.scrape()[series].flatMap { Int($0) })
            #expect(answered < rounds * each, "\(answered) answers wait in memory")
            for _ in 0..<rounds * each { #expect(try await client.response().status == 200) }
        }
    }

    @Test("a client that waits for 100 Continue gets it, or 413 if its body is too large")
    func expectation() async throws {
        try await withServer { server async throws in
            let client = try await server.connect()
            let head = "POST /healthz HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
            try await client.send(head + "Content-Length: 3\r\n\r\n")
            #expect(try await client.response(hasBody: false).status == 100)
            try await client.send("abc")
            #expect(try await client.response().status == 405)
            try await client.send(head + "Content-Length: 5000\r\n\r\n")
            #expect(try await client.response().status == 413)
        }
    }

    @Test("a target that is no path is refused", arguments: ["*healthz", "healthz", "*"])
    func target(_ target: String) async throws {
        try await withServer { server async throws in
            #expect(try await server.ask(target).status == 400)
        }
    }

    @Test("as many header fields as allowed are read, and one more is refused")
    func fields() async throws {
        try await withServer { server async throws in
            let client = try await server.connect()
            func request(fields: Int) -> String {
                let more = (1..<fields).map { "X-\($0): y\r\n" }.joined()
                return "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\(more)\r\n"
            }
            try await client.send(request(fields: 64))
            #expect(try await client.response().status == 200)
            try await client.send(request(fields: 65) + Self.get)
            let response = try await client.response()
            #expect(response.status == 431)
            #expect(try response.problem.contains("64 header fields"))
            #expect(response.fields["connection"] == "close" && response.fields["x-content-type-options"] == "nosniff")
            #expect(try await client.isClosed())
        }
    }

    @Test(
        "more than 8 KiB of head is refused",
        arguments: [
            Long("a field", "GET / HTTP/1.1\r\nHost: localhost\r\nX: ", "a", 8192, "\r\n\r\n"),
            Long("the target", "GET /", "a", 8192, " HTTP/1.1\r\nHost: localhost\r\n\r\n"),
            Long(
                "many fields", "GET / HTTP/1.1\r\nHost: localhost\r\n",
                "X: \(String(repeating: "a", count: 1000))\r\n", 9, "\r\n"),
            Long("no end in sight", "GET / HTTP/1.1\r\nHost: localhost\r\nX: ", "a", 500_000, ""),
        ])
    func headBytes(request: Long) async throws {
        try await withServer { server async throws in
            let client = try await server.connect()
            try await client.send(request.text)
            let response = try await client.response()
            #expect(response.status == 431)
            #expect(try response.problem.contains("8192 bytes"))
            #expect(try await client.isClosed())
        }
    }

    @Test(
        "what is not HTTP is refused in HTTP",
        arguments: [
            "hello\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}\r\n", "GET /healthz\r\n\r\n",
            "GET /healthz HTTP/1.1\r\nHost localhost\r\n\r\n",
            "GET /healthz HTTP/1.1\r\nHost: localhost\r\n X: y\r\n\r\n",
            "POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
            "POST /healthz HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
            "POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        ])
    func malformed(request: String) async throws {
        try await withServer { server async throws in
            let client = try await server.connect()
            try await client.send(Self.get + request + Self.get)
            #expect(try await client.response().body == "ok")
            let response = try await client.response()
            #expect(response.status == 400)
            #expect(try response.problem.contains("not HTTP/1.1"))
            #expect(try await client.isClosed())
        }
    }

    @Test(
        "a body of 4 KiB is read, and more is refused even if it keeps coming",
        arguments: [
            Long("announced", "Content-Length: 4097\r\n\r\n", "", 0, ""),
            Long("sent", "Content-Length: 1000000\r\n\r\n", "a", 1_000_000, ""),
            Long(
                "in chunks", "Transfer-Encoding: chunked\r\n\r\n",
                "400\r\n\(String(repeating: "a", count: 1024))\r\n", 200, ""),
        ])
    func body(request: Long) async throws {
        try await withServer { server async throws in
            let client = try await server.connect()
            let head = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
            try await client.send(head + "Content-Length: 4096\r\n\r\n" + String(repeating: "a", count: 4096))
            #expect(try await client.response().status == 200)
            try await client.send(head + request.text)
            let response = try await client.response()
            #expect(response.status == 413)
            #expect(try response.problem.contains("4096 bytes"))
            #expect(try await client.isClosed())
        }
    }

    @Test("a client that has closed its half still gets its responses")
    func halfClosed() async throws {
        try await withServer { server async throws in
            let client = try await server.connect()
            try await client.send(Self.get + Self.get)
            try await client.finish()
            #expect(try await client.response().body == "ok")
            #expect(try await client.response().body == "ok")
            #expect(try await client.isClosed())
        }
    }

    @Test(
        "a connection without a complete request is closed, and a client that had begun one is told",
        arguments: ["", "GET /heal", "GET / HTTP/1.1\r\nX: "])
    func idle(beginning: String) async throws {
        try await withServer(WebConfiguration()) { server async throws in
            let first = try await TimedConnection(to: server)
            if !beginning.isEmpty { try await first.send(beginning) }
            try await first.wait(.milliseconds(9900))
            #expect(try await first.received().isEmpty && first.isOpen)
            try await first.wait(.milliseconds(200))
            #expect(try await first.received().hasPrefix("HTTP/1.1 408 ") == !beginning.isEmpty)
            #expect(!first.isOpen)
            let second = try await TimedConnection(to: server)
            try await second.send(Self.get + beginning)
            #expect(try await second.received().hasPrefix("HTTP/1.1 200 "))
            try await second.wait(.seconds(11))
            #expect(try await second.received().isEmpty && !second.isOpen)
        }
    }

    @Test("a client that says nothing is cut off by the real clock as well")
    func silent() async throws {
        var configuration = WebConfiguration(limits: .patient)
        configuration.limits.idle = .milliseconds(20)
        try await withServer(configuration) { server async throws in
            #expect(try await server.connect().isClosed())
        }
    }

    @Test("a client that does not finish its request is told, cut off and counted")
    func deadline() async throws {
        try await withServer(WebConfiguration()) { server async throws in
            let client = try await TimedConnection(to: server)
            try await client.send("POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\na")
            // What trickles in does not help.
            for _ in 0..<3 {
                try await client.wait(.seconds(3))
                try await client.send("b")
            }
            #expect(try await client.received().isEmpty && client.isOpen)
            try await client.wait(.seconds(2))
            #expect(try await client.received().hasPrefix("HTTP/1.1 408 ") && !client.isOpen)
            let count = try await server.scrape()[#"http_requests_total{route="other",code="408"}"#]
            #expect(count == "1")
        }
    }

    @Test("connections past the limit are closed as they come, and counted; the owner still gets in")
    func cap() async throws {
        var configuration = WebConfiguration(limits: .patient)
        configuration.limits.connections = 2
        configuration.limits.localConnections = 1
        try await withServer(configuration) { server async throws in
            var clients: [Client] = []
            for _ in 0..<2 {
                let client = try await server.connect()
                try await client.send(Self.get)
                #expect(try await client.response().status == 200)
                clients.append(client)
            }
            #expect(server.connections.open == 2 && server.connections.refused == 0)
            #expect(try await server.connect().isClosed())
            #expect(server.connections.refused == 1)
            let owner = try await server.connect(local: true)
            try await owner.send(Self.get)
            #expect(try await owner.response().status == 200)
            #expect(try await server.connect(local: true).isClosed())
            #expect(server.connections.refused == 2 && server.connections.open == 3)
            // With a place given back somebody else gets in.
            try await owner.finish()
            #expect(try await owner.isClosed())
            clients.removeLast()
            try await until { server.connections.open == 1 }
            let next = try await server.connect()
            try await next.send(Self.get)
            #expect(try await next.response().status == 200)
        }
    }

    @Test("a request that was on its way when the server stopped is answered")
    func lastRequest() async throws {
        var configuration = WebConfiguration(limits: .patient)
        configuration.limits.lastRequest = .seconds(30)
        try await withServer(configuration) { server async throws in
            let (new, used) = (try await server.connect(), try await server.connect())
            try await used.send(Self.get)
            #expect(try await used.response().status == 200)
            try await until { server.connections.open == 2 }
            await server.stop()
            try await server.acceptsNoMore()
            for connection in [new, used] {
                try await connection.send(Self.get)
                #expect(try await connection.response().status == 200)
                #expect(try await connection.isClosed())
            }
        }
    }

    @Test("stopping closes idle connections before long and accepts no more")
    func stop() async throws {
        try await withServer { server async throws in
            let used = try await server.connect()
            try await used.send(Self.get)
            #expect(try await used.response().status == 200)
            let local = try await server.connect(local: true)
            try await local.send(Self.get)
            #expect(try await local.response().status == 200)
            await server.stop()
            #expect(try await used.isClosed())
            #expect(try await local.isClosed())
            try await server.acceptsNoMore()
            try await until { server.connections.open == 0 }
        }
    }

    @Test("a server that is cancelled while connections come in ends")
    func cancelled() async throws {
        for _ in 0..<20 {
            try await withThrowingTaskGroup { tasks in
                let tcp = try Listening.tcp()
                let server = WebServer(
                    listeners: [WebListener(descriptor: tcp.descriptor, isLocal: false)],
                    backend: TestBackend(report: { knownReport }))
                var clients: [Client] = []
                for _ in 0..<50 { clients.append(try await Client.connect(toPort: tcp.port)) }
                tasks.addTask { try await server.run() }
                // All of them wait in the kernel, so they are accepted faster than they are taken.
                try await clients[0].send(Self.get)
                #expect(try await clients[0].response().status == 200)
                tasks.cancelAll()
                while await tasks.nextResult() != nil {}
            }
        }
    }

    @Test("a request at work when the daemon stops is still answered")
    func stopAtWork() async throws {
        try await withServer { server async throws in
            let client = try await server.connect()
            // The first answer shows that the second head has been read: they came together.
            let head = "GET /api/v1/sites/portal HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n"
            try await client.send(Self.get + head + "a")
            #expect(try await client.response().status == 200)
            let idle = try await server.connect()
            try await idle.send(Self.get)
            #expect(try await idle.response().status == 200)
            await server.stop()
            #expect(try await idle.isClosed())
            try await client.send("b")
            #expect(try await client.response().status == 200)
            #expect(try await client.isClosed())
        }
    }

    @Test("a request that hangs does not keep the daemon from stopping")
    func stopHanging() async throws {
        var configuration = WebConfiguration(limits: .patient)
        configuration.limits.drain = .milliseconds(100)
        try await withServer(configuration) { server async throws in
            let client = try await server.connect()
            try await client.send(Self.get + "GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\na")
            #expect(try await client.response().status == 200)
            await server.stop()
            #expect(try await client.isClosed())
        }
    }
}

/// A long request under a short name.
struct Long: CustomTestStringConvertible {
    let testDescription: String
    let text: String

    init(_ name: String, _ beginning: String, _ part: String, _ times: Int, _ end: String) {
        testDescription = name
        text = beginning + String(repeating: part, count: times) + end
    }
}

/// Yields until `condition` holds; half a minute of patience.
func until(_ condition: () async throws -> Bool) async throws {
    let clock = ContinuousClock()
    let deadline = clock.now + .seconds(30)
    while try await !condition() {
        try #require(clock.now < deadline)
        await Task.yield()
    }
}
