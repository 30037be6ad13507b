import Counting
import Foundation
import Synchronization
import Testing
import Web

@Suite("Tokens")
struct TokenTests {
    private final class Store: Sendable {
        let names = Mutex<[String: [UInt8]]>([:])
        let isFailing = Mutex(false)
        struct Full: Error {}

        func save(_ token: AccessToken) throws {
            if isFailing.withLock({ $0 }) { throw Full() }
            names.withLock { $0[token.name] = token.hash }
        }

        func remove(_ name: String) throws {
            if isFailing.withLock({ $0 }) { throw Full() }
            names.withLock { $0[name] = nil }
        }
    }

    private static let secret = "a-token-from-the-service-manager"

    private static func backend(_ store: Store) -> TestBackend {
        TestBackend(report: { knownReport }) { answers in
            answers.publicNumbers = { _ in [] }
            answers.accessTokens = [AccessToken(name: "token", text: secret)]
            (answers.saveToken, answers.removeToken) = (store.save, store.remove)
        }
    }

    @Test("the holder of a token sees every number from anywhere, until it is revoked")
    func life() async throws {
        let store = Store()
        try await withServer(backend: Self.backend(store)) { server async throws in
            let made = try await server.send("POST", "/api/v1/tokens", #"{"name":"dash.1"}"#, local: true)
            #expect(made.status == 200 && made.fields["cache-control"] == "no-store")
            let token = try #require(try made.json["token"] as? String)
            #expect(token.hasPrefix("ff_") && token.utf8.count == 46)
            // Nothing that is kept can be used.
            #expect(store.names.withLock { $0["dash.1"]?.count } == 32)
            #expect(store.names.withLock { $0["dash.1"] } != Array(token.utf8.prefix(32)))

            let fields = ["Authorization: Bearer \(token)", "X-Forwarded-For: 192.0.2.1"]
            #expect(try await server.ask("/api/v1/sites", fields).status == 200)
            #expect(try await server.ask("/api/v1/sites/portal", fields).json["bots"] != nil)
            let list = try await server.ask("/api/v1/tokens", fields).body
            #expect(list.contains("dash.1") && !list.contains(token))

            #expect(try await server.send("POST", "/api/v1/tokens", #"{"name":"dash.1"}"#, local: true).status == 409)
            #expect(try await server.send("DELETE", "/api/v1/tokens/dash.1", "", local: true).status == 200)
            #expect(try await server.ask("/api/v1/sites", fields).status == 401)
            #expect(try await server.send("DELETE", "/api/v1/tokens/dash.1", "", local: true).status == 404)
            #expect(store.names.withLock { $0.isEmpty })
        }
    }

    @Test("none of thousands of made-up tokens opens anything")
    func guesses() async throws {
        let backend = TestBackend(report: { knownReport }) {
            $0.accessTokens = (0..<10).map { AccessToken(name: "t\($0)", text: "ff_secret\($0)") }
        }
        try await withServer(backend: backend) { server async throws in
            let client = try await server.connect()
            for guess in 0..<5000 {
                try await client.send(
                    "GET /api/v1/sites HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer guess\(guess)\r\n\r\n")
                #expect(try await client.response().status == 401, "guess\(guess)")
            }
            #expect(try await server.ask("/api/v1/sites", ["Authorization: Bearer ff_secret7"]).status == 200)
        }
    }

    @Test(
        "a token that is wrong by one bit, cut, sent twice or of another scheme opens nothing, and the response says so"
    )
    func wrong() async throws {
        try await withServer(backend: Self.backend(Store())) { server async throws in
            #expect(try await server.ask("/api/v1/sites", ["Authorization: Bearer \(Self.secret)"]).status == 200)
            var wrong: [String] = []
            for i in Self.secret.utf8.indices {
                var bytes = Array(Self.secret.utf8)
                bytes[Self.secret.utf8.distance(from: Self.secret.startIndex, to: i)] ^= 1
                wrong.append("Bearer " + String(decoding: bytes, as: UTF8.self))
            }
            wrong += [
                "Bearer \(Self.secret.dropLast())", "Bearer \(Self.secret) ", "Bearer", "Bearer ",
                "bearer\t\(Self.secret)",
            ]
            for value in wrong where !value.hasSuffix(" ") {
                let response = try await server.ask("/api/v1/sites/portal", ["Authorization: \(value)"])
                #expect(
                    response.status == 401 && response.fields["www-authenticate"]?.contains("invalid_token") == true,
                    "\(value)")
            }
            // The name of a scheme is written in any case; another scheme is for who stands before us, and no token.
            #expect(try await server.ask("/api/v1/sites", ["Authorization: bearer \(Self.secret)"]).status == 200)
            for value in [Self.secret, "Basic \(Self.secret)"] {
                #expect(try await server.ask("/footfall.js", ["Authorization: \(value)"]).status == 200)
                #expect(try await server.ask("/api/v1/sites", ["Authorization: \(value)"]).status == 401)
            }
            let right = "Authorization: Bearer \(Self.secret)"
            #expect(try await server.ask("/api/v1/sites", [right, right]).status == 401)
            // Never in a URL, and never for another server's name.
            #expect(try await server.ask("/api/v1/sites?token=\(Self.secret)").status == 401)
            #expect(try await server.ask("/api/v1/sites", host: "evil.example", [right]).status == 421)
        }
    }

    @Test("only the owner makes tokens, with valid names, and none that cannot be stored")
    func refused() async throws {
        let store = Store()
        try await withServer(backend: Self.backend(store)) { server async throws in
            #expect(try await server.send("POST", "/api/v1/tokens", #"{"name":"x"}"#, local: false).status == 401)
            for body in ["", "{}", #"{"name":""}"#, #"{"name":"a b"}"#, #"{"name":"../x"}"#] {
                #expect(try await server.send("POST", "/api/v1/tokens", body, local: true).status == 400, "\(body)")
            }
            // What the service manager hands over is its to take back.
            #expect(try await server.send("DELETE", "/api/v1/tokens/token", "", local: true).status == 404)
            store.isFailing.withLock { $0 = true }
            let failed = try await server.send("POST", "/api/v1/tokens", #"{"name":"x"}"#, local: true)
            #expect(failed.status == 503 && !failed.body.contains("ff_"))
            #expect(try await !server.ask("/api/v1/tokens", local: true).body.contains("\"x\""))
        }
    }

    @Test("a revoked token that the disk did not remove opens nothing, and can be revoked again")
    func revokedTwice() async throws {
        let store = Store()
        try await withServer(backend: Self.backend(store)) { server async throws in
            let made = try await server.send("POST", "/api/v1/tokens", #"{"name":"x"}"#, local: true)
            let token = try #require(try made.json["token"] as? String)
            store.isFailing.withLock { $0 = true }
            #expect(try await server.send("DELETE", "/api/v1/tokens/x", "", local: true).status == 503)
            #expect(try await server.ask("/api/v1/sites", ["Authorization: Bearer \(token)"]).status == 401)
            #expect(try await server.ask("/api/v1/tokens", local: true).body.contains("\"x\""))
            store.isFailing.withLock { $0 = false }
            #expect(try await server.send("DELETE", "/api/v1/tokens/x", "", local: true).status == 200)
            #expect(store.names.withLock { $0.isEmpty })
        }
    }
}

extension TestServer {
    /// One request with a body.
    fileprivate func send(_ method: String, _ path: String, _ body: String, local: Bool) async throws
        -> ReceivedResponse
    {
        let client = try await connect(local: local)
        try await client.send(
            "\(method) \(path) HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(body.utf8.count)\r\nConnection: close\r\n\r\n\(body)"
        )
        return try await client.response()
    }
}
