import Foundation
import Synchronization
import Testing
import Web

@Suite("Asking over HTTP")
struct RouteTests {
    @Test("liveness and readiness are one word each")
    func health() async throws {
        try await withServer { server async throws in
            let alive = try await server.ask("/healthz")
            #expect(alive.status == 200 && alive.body == "ok")
            #expect(alive.fields["content-type"] == "text/plain; charset=utf-8")
            let ready = try await server.ask("/readyz")
            #expect(ready.status == 200 && ready.body == "ready")
        }
    }

    @Test("a daemon that is not ready names what is degraded, and is still alive")
    func degraded() async throws {
        let backend = TestBackend(report: { knownReport }) {
            $0.degraded = { ["journal: disk full", "checkpoint: 40 s old"] }
        }
        try await withServer(backend: backend) { server async throws in
            let response = try await server.ask("/readyz")
            #expect(response.status == 503)
            #expect(try response.problem == "Degraded: journal: disk full; checkpoint: 40 s old.")
            let alive = try await server.ask("/healthz")
            #expect(alive.status == 200 && alive.body == "ok")
            #expect(try await server.ask("/api/v1/sites/portal").status == 200)
        }
    }

    @Test(
        "every response has the strict headers",
        arguments: [
            ("GET", "/healthz", 200), ("GET", "/api/v1/sites/portal", 200), ("GET", "/api/v1/sites", 401),
            ("GET", "/metrics", 401),
            ("GET", "/nowhere", 404), ("POST", "/healthz", 405), ("HEAD", "/api/v1/definitions", 200),
        ])
    func strictHeaders(method: String, path: String, status: Int) async throws {
        try await withServer { server async throws in
            let response = try await server.ask(method, path)
            #expect(response.status == status)
            #expect(response.fields["x-content-type-options"] == "nosniff")
            #expect(response.fields["referrer-policy"] == "no-referrer")
            #expect(response.fields["content-security-policy"] == "default-src 'none'")
            let date = try #require(response.fields["date"])
            let format = DateFormatter()
            format.locale = Locale(identifier: "en_US_POSIX")
            format.timeZone = .gmt
            format.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
            let read = try #require(format.date(from: date))
            #expect(abs(read.timeIntervalSinceNow) < 30 && format.string(from: read) == date)
        }
    }

    @Test(
        "an unknown path is a problem that says where the numbers are",
        arguments: ["/nowhere", "/api", "/api/v1", "/api/v1/sites/portal/nothing", "//"])
    func noPath(path: String) async throws {
        try await withServer { server async throws in
            let response = try await server.ask(path)
            #expect(response.status == 404)
            #expect(try response.problem.contains("at /api/v1/sites/{site}"))
        }
    }

    @Test(
        "an unknown site is a problem that says how to list all sites",
        arguments: ["/api/v1/sites/unknown", "/api/v1/sites/%00", "/api/v1/sites/portal%2F.."])
    func noSite(path: String) async throws {
        try await withServer { server async throws in
            let response = try await server.ask(path)
            #expect(response.status == 404)
            #expect(try response.problem.contains("footfall sites"))
        }
    }

    @Test(
        "a request with a wrong method is told the right ones",
        arguments: ["POST", "PUT", "DELETE", "OPTIONS", "PROPFIND", "PURGE"])
    func wrongMethod(method: String) async throws {
        try await withServer { server async throws in
            for path in ["/api/v1/sites/portal", "/api/v1/sites", "/metrics", "/readyz"] {
                let response = try await server.ask(method, path)
                #expect(response.status == 405)
                #expect(response.fields["allow"] == "GET, HEAD")
                #expect(try response.problem.contains("GET, HEAD"))
            }
            #expect(try await server.ask(method, "/nowhere").status == 404)
        }
    }

    @Test(
        "HEAD answers as GET without the body",
        arguments: [
            "/api/v1/sites/portal", "/api/v1/definitions", "/healthz", "/nowhere", "/metrics",
        ])
    func head(path: String) async throws {
        try await withServer { server async throws in
            var get = try await server.ask(path).fields
            let client = try await server.connect()
            try await client.send(
                "HEAD \(path) HTTP/1.1\r\nHost: localhost\r\n\r\nGET \(path) HTTP/1.1\r\nHost: localhost\r\n\r\n")
            var head = try await client.response(hasBody: false).fields
            for name in ["date", "connection"] {
                get[name] = nil
                head[name] = nil
            }
            #expect(head == get)
            #expect(try await client.response().body.utf8.count.description == head["content-length"])
        }
    }

    @Test("a client that has the newest response gets no body")
    func notModified() async throws {
        let report = Mutex(knownReport)
        try await withServer(backend: TestBackend(report: { report.withLock { $0 } })) { server async throws in
            let path = "/api/v1/sites/portal"
            let tag = try #require(try await server.ask(path).fields["etag"])
            #expect(tag.hasPrefix("\"") && tag.hasSuffix("\""))
            for known in [tag, "W/\(tag)", "*", "\"x\", \(tag)"] {
                let response = try await server.ask(path, ["If-None-Match: \(known)"])
                #expect(response.status == 304 && response.body.isEmpty)
                #expect(response.fields["etag"] == tag && response.fields["content-length"] == nil)
                #expect(response.fields["cache-control"] == "max-age=1")
                #expect(response.fields["access-control-allow-origin"] == "*")
            }
            #expect(try await server.ask(path, ["If-None-Match: \"x\""]).status == 200)
            #expect(try await server.ask(path, local: true, ["If-None-Match: \(tag)"]).status == 200)
            report.withLock { $0 = crowdedReport }
            let newer = try await server.ask(path, ["If-None-Match: \(tag)"])
            #expect(newer.status == 200 && newer.fields["etag"] != tag)
            #expect(try newer.json["as_of"] as? String == "2026-11-23T07:00:00Z")
        }
    }

    @Test("a query does not change the route")
    func query() async throws {
        try await withServer { server async throws in
            #expect(try await server.ask("/api/v1/sites/portal?a=b&c").status == 200)
            #expect(try await server.ask("/healthz?").body == "ok")
        }
    }
}
