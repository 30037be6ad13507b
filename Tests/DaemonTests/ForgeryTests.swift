import Foundation
import Glibc
import Testing

/// Anything made up over HTTP is refused correctly, and each refusal is counted.
struct ForgeryTests {
    private struct Try {
        var name: String
        var route: String
        var status: Int
        var ask: (Machine) throws -> Int?
    }

    @Test("every forged request is refused with its status and counted, and no number changes")
    func refused() throws {
        let machine = try Machine(
            sites: ["demo"],
            tables: [
                "http": "local_admin = true\nproxies = [\"192.0.2.7\"]", "limits": "visitor_rate = \"1/s\"",
                "site": "hosts = [\"demo.example\"]",
            ])
        let life = try machine.start()
        try life.becomeReady()
        let token = try machine.command("token create panel").output.trimmingCharacters(in: .whitespacesAndNewlines)
        let own = ["Origin: https://demo.example", "User-Agent: Mozilla/5.0 (X11)"]
        let tries: [Try] = [
            Try(name: "another host", route: "/healthz", status: 421) {
                httpAsk($0.httpPort, "/healthz", ["Host: evil.example"])?.status
            },
            Try(name: "a page of another site", route: "/hit", status: 403) {
                httpPost($0.httpPort, "/hit", "s=demo&u=/", ["Origin: https://evil.example"] + own.suffix(1))?.status
            },
            Try(name: "no page at all", route: "/hit", status: 403) {
                httpPost($0.httpPort, "/hit", "s=demo&u=/", Array(own.suffix(1)))?.status
            },
            Try(name: "somebody else's proxy at the owner's numbers", route: "/api/v1/sites", status: 401) {
                httpAsk($0.httpPort, "/api/v1/sites", ["X-Forwarded-For: 127.0.0.1"])?.status
            },
            Try(name: "another page in the owner's browser", route: "/api/v1/sites/{site}/start", status: 401) {
                httpPut($0.httpPort, "/api/v1/sites/demo/start", "{\"visits\":1}", ["Origin: https://evil.example"])?
                    .status
            },
            Try(name: "a token wrong by one bit", route: "/metrics", status: 401) { machine in
                var bytes = Array(token.utf8)
                bytes[bytes.count - 1] ^= 1
                return httpAsk(
                    machine.httpPort, "/metrics", ["Authorization: Bearer \(String(decoding: bytes, as: UTF8.self))"])?
                    .status
            },
            Try(name: "a form that is too large", route: "other", status: 413) {
                httpPost($0.httpPort, "/hit", "s=demo&u=/" + String(repeating: "x", count: 5000), own)?.status
            },
            Try(name: "a head that is too large", route: "other", status: 431) {
                httpAsk($0.httpPort, "/healthz", ["X: " + String(repeating: "x", count: 9000)])?.status
            },
            Try(name: "no HTTP", route: "other", status: 400) {
                httpAsk($0.httpPort, "/ HELLO", [])?.status
            },
            Try(name: "a request that does not end", route: "other", status: 408) { machine in
                let script = """
                    import socket
                    s = socket.create_connection(('127.0.0.1', \(machine.httpPort)), 30)
                    s.sendall(b'GET / HTTP/1.1\\\\r\\\\nHost: loc')
                    print(s.recv(4096).decode().split(' ')[1])
                    """
                return Int(
                    try shell("python3 -c \"\(script)\"").output.trimmingCharacters(in: .whitespacesAndNewlines))
            },
        ]
        var expected: [String: Int] = [:]
        for one in tries {
            let status = try one.ask(machine)
            #expect(status == one.status, "\(one.name)")
            expected["http_requests_total{route=\"\(one.route)\",code=\"\(one.status)\"}", default: 0] += 1
        }
        // An address that no proxy of ours gives is not trusted: all of these are one visitor, who has sent too much.
        for number in 1...3 {
            #expect(
                httpPost(
                    machine.httpPort, "/hit", "s=demo&u=/\(number)", own + ["X-Forwarded-For: 198.51.100.\(number)"])?
                    .status == 200)
        }
        let limited = (1...5).map { number in
            httpPost(machine.httpPort, "/hit", "s=demo&u=/\(number)", own + ["X-Forwarded-For: 203.0.113.\(number)"])?
                .status
        }
        #expect(limited.contains(429), "\(limited)")
        let refused = limited.count { $0 == 429 }
        expected["http_requests_total{route=\"/hit\",code=\"429\"}"] = refused

        try eventually("all refusals are published") {
            try machine.scrape()[#"ingest_rejected_beacons_total{reason="rate"}"#] == refused
        }
        let scrape = try machine.scrape()
        for (series, count) in expected { #expect(scrape[series] == count, "\(series)") }
        #expect(scrape[#"ingest_rejected_beacons_total{reason="origin"}"#] == 2)
        let site = try machine.numbers().sites["demo"]
        #expect(site?.online == 1 && site?.visits == 1 && site?.rejected == 2 + refused)
        #expect(life.stop() == 0)
        // The log has nothing of it.
        #expect(try !machine.said.contains("evil.example") && !machine.said.contains("HELLO"))
    }
}
