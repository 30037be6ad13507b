import Testing
import Web

@Suite("Who is answered, and who is the owner")
struct AccessTests {
    @Test(
        "only known host names are answered",
        arguments: [
            ("localhost", 200), ("LocalHost:7374", 200), ("127.0.0.1", 200), ("127.0.0.1:80", 200), ("[::1]", 200),
            ("[::1]:7374", 200), ("stats.example.org", 200), ("STATS.example.ORG:8080", 200), ("portal.example", 200),
            ("evil.example", 421), ("localhost.evil.example", 421), ("127.0.0.1.evil.example", 421),
            ("evil@localhost", 421), ("localhost:80:80", 421), ("localhost:x", 421), ("[::1", 421), ("[::1]x", 421),
            ("127.0.0.2", 421), (":80", 421),
        ])
    func hosts(host: String, status: Int) async throws {
        try await withServer(WebConfiguration(hosts: ["stats.example.org", "Portal.Example:443"], limits: .patient)) {
            server async throws in
            let response = try await server.ask("/healthz", host: host)
            #expect(response.status == status)
            if status == 421 { #expect(try response.problem.contains("hosts in [http]")) }
            #expect(try await server.ask("/healthz", host: host, local: true).status == 200)
        }
    }

    @Test("a request without a host, or with two, is refused")
    func noHost() async throws {
        try await withServer { server async throws in
            #expect(try await server.ask("/healthz", host: nil).status == 400)
            #expect(try await server.ask("/healthz", ["Host: localhost"]).status == 400)
            #expect(try await server.ask("/healthz", host: nil, local: true).status == 200)
        }
    }

    @Test("a target in absolute form must name a known host, too")
    func absoluteForm() async throws {
        try await withServer { server async throws in
            #expect(try await server.ask("http://localhost:7374/healthz").body == "ok")
            #expect(try await server.ask("http://evil.example/healthz").status == 421)
            #expect(try await server.ask("http://localhost/healthz", ["Host: localhost"]).status == 400)
        }
    }

    @Test("a request from the same machine is not the owner's, unless the settings say so")
    func localAdmin() async throws {
        try await withServer { server async throws in
            #expect(try await server.ask("/api/v1/sites").status == 401)
            #expect(try await server.ask("/api/v1/sites", local: true).status == 200)
        }
        try await withServer(WebConfiguration(localAdmin: true, limits: .patient)) { server async throws in
            for host in ["localhost", "127.0.0.1:7374", "[::1]"] {
                #expect(try await server.ask("/api/v1/sites", host: host).status == 200)
            }
        }
    }

    @Test(
        "a request that a proxy passes on is not the owner's",
        arguments: [
            "X-Forwarded-For: 192.0.2.1", "x-forwarded-proto: https", "X-Forwarded-Host: a", "X-Forwarded-Server: a",
            "X-Forwarded: for=192.0.2.1", "Forwarded: for=192.0.2.1", "Forwarded-For: 192.0.2.1",
            "X-Forwarder-For: 192.0.2.1", "X-Real-IP: 192.0.2.1", "Via: 1.1 proxy", "X-Client-IP: 192.0.2.1",
            "X-Cluster-Client-IP: 192.0.2.1", "True-Client-IP: 192.0.2.1", "CF-Connecting-IP: 192.0.2.1",
            "Fastly-Client-IP: 192.0.2.1", "X-Original-Forwarded-For: 192.0.2.1", "X-Envoy-External-Address: 192.0.2.1",
            "CDN-Loop: a", "X-Forwarded-For:",
        ])
    func forwarded(field: String) async throws {
        try await withServer(WebConfiguration(localAdmin: true, limits: .patient)) { server async throws in
            #expect(try await server.ask("/api/v1/sites", [field]).status == 401)
            let numbers = try await server.ask("/api/v1/sites/portal", [field])
            #expect(try numbers.json["today"] == nil && numbers.json["online"] != nil)
            #expect(try await server.ask("/api/v1/sites", local: true, [field]).status == 200)
        }
    }

    @Test("a request in HTTP/1.0 comes from a proxy, even if nothing else says so")
    func oldProxy() async throws {
        try await withServer(WebConfiguration(localAdmin: true, limits: .patient)) { server async throws in
            for local in [false, true] {
                let client = try await server.connect(local: local)
                try await client.send("GET /api/v1/sites HTTP/1.0\r\nHost: 127.0.0.1:7374\r\n\r\n")
                #expect(try await client.response().status == (local ? 200 : 401))
            }
        }
    }

    @Test("a request to a public host name is not the owner's")
    func servedHost() async throws {
        try await withServer(WebConfiguration(hosts: ["stats.example"], localAdmin: true, limits: .patient)) {
            server async throws in
            #expect(try await server.ask("/api/v1/sites", host: "stats.example").status == 401)
            #expect(try await server.ask("http://stats.example/api/v1/sites").status == 401)
        }
    }

    @Test(
        "a page of another site in the owner's browser gets what anybody gets",
        arguments: [
            ("Origin: http://evil.example", false), ("Origin: null", false), ("Sec-Fetch-Site: cross-site", false),
            ("Sec-Fetch-Site: same-site", false), ("Origin: http://localhost", true),
            ("Sec-Fetch-Site: same-origin", true), ("Sec-Fetch-Site: none", true),
        ])
    func crossSite(field: String, isOwner: Bool) async throws {
        try await withServer(WebConfiguration(localAdmin: true, limits: .patient)) { server async throws in
            let response = try await server.ask("/api/v1/sites/portal", [field])
            #expect(try (response.json["today"] != nil) == isOwner)
            #expect((response.fields["access-control-allow-origin"] == "*") == !isOwner)
        }
    }
}
