import Counting
import Foundation
import Synchronization
import Testing
import Web

/// The owner's page, how one gets in, and what it is told as it changes.
@Suite("The dashboard's side of HTTP")
struct DashboardTests {
    @Test("the page of totals shows every site to its owner without a script, and nothing in it becomes markup")
    func totals() async throws {
        let report = report(ofSites: 2) { $0 == 0 ? "<b>&\"" : "portal" }
        let backend = TestBackend(report: { report }) {
            $0.warnings = { [Warning(.disk, "disk <full> <\u{301}b \"\u{301}")] }
        }
        try await withServer(backend: backend) { server async throws in
            #expect(try await server.ask("/").status == 401)
            let page = try await server.ask("/", local: true)
            #expect(page.status == 200 && page.fields["content-type"] == "text/html; charset=utf-8")
            #expect(page.body.contains("<td>portal</td>") && page.body.contains("<td>&lt;b&gt;&amp;&quot;</td>"))
            #expect(page.body.contains("disk &lt;full&gt; &lt;\u{301}b &quot;\u{301}") && !page.body.contains("<b>"))
            let policy = try #require(page.fields["content-security-policy"])
            #expect(policy.hasPrefix("default-src 'none'; script-src 'self'; style-src 'self'"))
            #expect(policy.contains("require-trusted-types-for 'script'") && !policy.contains("unsafe"))
            for (path, type) in [("/dashboard.css", "text/css"), ("/dashboard.js", "text/javascript")] {
                let file = try await server.ask(path)
                #expect(file.status == 200 && file.fields["content-type"] == type + "; charset=utf-8")
                #expect(page.body.contains("\"\(path.dropFirst())\"") && file.fields["etag"] != nil)
            }
        }
    }

    private static let token = "ff_secret"

    private static func backend(_ report: @escaping @Sendable () -> Report = { knownReport }) -> TestBackend {
        TestBackend(report: report) { $0.accessTokens = [AccessToken(name: "panel", text: token)] }
    }

    @Test(
        "a field of a CSV file is one field and no formula, whatever is in it",
        arguments: [
            ("demo", "\"demo\""), ("=1+1", "\"'=1+1\""), ("+cmd|' /C calc'!A0", "\"'+cmd|' /C calc'!A0\""),
            ("-2+3", "\"'-2+3\""), ("@SUM(1)", "\"'@SUM(1)\""), ("\t=1", "\"'\t=1\""), ("\r=1", "\"'\r=1\""),
            ("a\",=1", "\"a\"\",=1\""), ("=\u{301}1", "\"'=\u{301}1\""), ("\"\u{301},=1", "\"\"\"\u{301},=1\""),
            ("", "\"\""),
        ])
    func csv(text: String, field: String) { #expect(csvField(text).unicodeScalars.elementsEqual(field.unicodeScalars)) }

    @Test("a token signs in: its cookie lets look, is read by no script and sent by no other site, and changes nothing")
    func signIn() async throws {
        try await withServer(backend: Self.backend()) { server async throws in
            let asked = try await server.ask("/", ["Accept: text/html,*/*"])
            #expect(asked.status == 401 && asked.body.contains("<form method=\"post\" action=\"sign-in\">"))
            #expect(!asked.body.contains("portal") && !asked.body.contains("<script"))
            let wrong = try await server.form("/sign-in", "token=ff_secreT")
            #expect(
                wrong.status == 401 && wrong.body.contains("This token is unknown")
                    && wrong.fields["set-cookie"] == nil)
            let right = try await server.form("/sign-in", "token=ff_secret%0A")
            #expect(right.status == 303 && right.fields["location"] == "./")
            let cookie = try #require(right.fields["set-cookie"])
            #expect(cookie == "footfall_token=ff_secret; Max-Age=2592000; HttpOnly; SameSite=Strict")
            let secure = try await server.form("/sign-in", "token=ff_secret", ["X-Forwarded-Proto: https"])
            #expect(secure.fields["set-cookie"]?.hasSuffix("; Secure") == true)
            let foreign = try await server.form("/sign-in", "token=ff_secret", ["Sec-Fetch-Site: cross-site"])
            #expect(foreign.status == 403 && foreign.fields["set-cookie"] == nil)
            let out = try await server.form("/sign-out", "", ["Cookie: footfall_token=ff_secret"])
            #expect(out.status == 303 && out.fields["set-cookie"]?.hasPrefix("footfall_token=; Max-Age=0;") == true)

            let mine = ["Cookie: a=b; footfall_token=ff_secret"]
            #expect(try await server.ask("/api/v1/sites", mine).status == 200)
            #expect(try await server.ask("/", mine).body.contains("portal"))
            #expect(try await server.ask("/api/v1/sites", ["Cookie: footfall_token=ff_secreT"]).status == 401)
            #expect(try await server.ask("/api/v1/sites", mine + ["Sec-Fetch-Site: cross-site"]).status == 401)
            // What changes something needs the token itself.
            #expect(try await server.ask("PUT", "/api/v1/sites/portal/start", mine).status == 401)
            #expect(try await server.ask("POST", "/api/v1/reload", mine).status == 401)
            #expect(try await server.ask("POST", "/api/v1/tokens", mine).status == 401)
        }
    }

    @Test("the status counts everything that came in, by what became of it")
    func status() async throws {
        try await withServer(backend: Self.backend()) { server async throws in
            #expect(try await server.ask("/api/v1/status").status == 401)
            let status = try await server.ask("/api/v1/status", local: true).json
            let ingest = try #require(status["ingest"] as? [String: Any])
            #expect((ingest["rejected_beacons"] as? [String: Any])?.count == BeaconRejection.allCases.count)
            #expect((ingest["rejected_datagrams"] as? [String: Any])?.count == DatagramRejection.allCases.count)
            #expect(ingest["views"] as? Int == Int(knownReport.counters[.views]))
        }
    }

    // MARK: Streams

    @Test("a stream begins with the full state, sends changes, and shows strangers only public numbers")
    func stream() async throws {
        let current = Mutex(knownReport)
        try await withServer(backend: Self.backend { current.withLock { $0 } }) { server async throws in
            #expect(try await server.ask("/api/v1/live").status == 401)
            #expect(try await server.ask("/api/v1/sites/nobody/live").status == 404)
            let all = try await server.watch("/api/v1/live", ["Authorization: Bearer ff_secret"])
            let one = try await server.watch("/api/v1/sites/portal/live")
            let head = try await all.text(upTo: "\r\n\r\n")
            #expect(head.contains("HTTP/1.1 200 OK") && head.contains("text/event-stream") && head.contains("no-store"))
            #expect(!head.contains("Content-Length"))
            let first = try await all.text(upTo: "\n\n")
            #expect(first.hasPrefix("retry: 5000\nevent: counters\ndata: {\"sites\":[{\"site\":\"portal\","))
            #expect(first.contains("\"bots\":{\"today\":1,"))
            _ = try await one.text(upTo: "\r\n\r\n")
            let open = try await one.text(upTo: "\n\n")
            #expect(
                open.contains("data: {\"site\":\"portal\",") && open.contains("\"online\":{") && !open.contains("bots"))
            current.withLock { $0 = crowdedReport }
            let next = try await all.text(upTo: "\n\n")
            #expect(next.hasPrefix("event: counters\ndata: {\"sites\":[") && next != first)
            #expect(try await one.text(upTo: "\n\n").hasPrefix("event: counters\ndata: {"))
            #expect(try await server.ask("/metrics", local: true).body.contains("footfall_live_clients 2\n"))
            try await all.close()
            try await one.close()
        }
    }

    @Test(
        "a client that does not read is cut, a quiet stream is pinged, and a revoked token ends its stream"
    )
    func ends() async throws {
        var limits = WebLimits.patient
        limits.streamPatience = .milliseconds(300)
        limits.streamPing = .milliseconds(300)
        // A state that no buffer of the kernel holds.
        let (large, larger) = (report(ofSites: 4000, views: { _ in 1 }), report(ofSites: 4001, views: { _ in 1 }))
        let current = Mutex(large)
        let backend = TestBackend(report: { current.withLock { $0 } }) {
            $0.accessTokens = [AccessToken(name: "panel", text: Self.token, created: .epoch)]
        }
        try await withServer(WebConfiguration(limits: limits), backend: backend) { server async throws in
            let quiet = try await server.watch("/api/v1/sites/s1/live")
            for _ in 0..<2 { _ = try await quiet.text(upTo: ": ping\n\n") }
            let idle = try await server.watch("/api/v1/live", ["Authorization: Bearer ff_secret"])
            _ = try await idle.text(upTo: "\r\n\r\n")
            let cut = "footfall_live_clients_cut_total 1\n"
            while try await !server.ask("/metrics", local: true).body.contains(cut) {
                current.withLock { $0 = $0.sites.count == 4000 ? larger : large }
            }
            try await until {
                try await server.ask("/metrics", local: true).body.contains("footfall_live_clients 1\n")
            }

            let mine = try await server.watch("/api/v1/sites/s2/live", ["Authorization: Bearer ff_secret"])
            _ = try await mine.text(upTo: ": ping\n\n")
            let response = try await server.ask("DELETE", "/api/v1/tokens/panel", local: true)
            try #require(response.status == 200)
            _ = try await mine.isClosed()
            _ = try await quiet.text(upTo: ": ping\n\n")
            try await quiet.close()
        }
    }

    @Test("no more streams are open than allowed, and one that ends gives its place back")
    func limit() async throws {
        var limits = WebLimits.patient
        limits.streams = 1
        try await withServer(WebConfiguration(limits: limits), backend: Self.backend()) { server async throws in
            let first = try await server.watch("/api/v1/sites/portal/live")
            _ = try await first.text(upTo: "\n\n")
            let second = try await server.ask("/api/v1/sites/portal/live")
            #expect(second.status == 503 && second.body.contains("1 event streams are open already"))
            try await first.close()
            while true {
                let third = try await server.watch("/api/v1/sites/portal/live")
                let head = try await third.text(upTo: "\r\n\r\n")
                try await third.close()
                if head.contains("200 OK") { break }
            }
        }
        limits.streams = 10
        try await withServer(WebConfiguration(limits: limits), backend: Self.backend()) { server async throws in
            var open: [Client] = []
            for _ in 0..<9 {
                let client = try await server.watch("/api/v1/sites/portal/live")
                _ = try await client.text(upTo: "\n\n")
                open.append(client)
            }
            #expect(try await server.ask("/api/v1/sites/portal/live").status == 503)
            // The last places are the owner's.
            let mine = try await server.watch("/api/v1/live", ["Authorization: Bearer ff_secret"])
            #expect(try await mine.text(upTo: "\r\n\r\n").contains("200 OK"))
            for client in open + [mine] { try await client.close() }
        }
    }
}
