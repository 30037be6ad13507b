import Foundation
import Testing

/// Web servers whose logs are counted, each configured with the lines that `footfall snippet` prints for it.
@Suite("Logs of real web servers")
struct LogServerTests {
    private static let site =
        "[[site]]\nname = \"demo\"\ntimezone = \"UTC\"\nhosts = [\"demo.example\"]\nduplicate = \"0s\""

    @Test(
        "each requested page is a view, each address a visitor, and nothing else counts",
        arguments: LoggingServer.Kind.allCases)
    func counts(kind: LoggingServer.Kind) throws {
        let daemon = try Daemon(sites: Self.site)
        let snippet = try footfall(["snippet", "demo", "--\(kind)", "--to", "127.0.0.1:\(daemon.beaconPort)"])
        let server = try LoggingServer(kind, logging: snippet.output)
        let addresses = (1...7).map { "127.0.0.\($0)" }
        for address in addresses {
            try server.ask("/", from: address, "-A 'Mozilla/5.0 (X11)' -e 'https://www.news.example/a?b'")
            try server.ask("/tin-t%E1%BB%A9c/?a=1&b=%22", from: address)
        }
        try server.ask("/style.css", from: "127.0.0.50")
        try server.ask("/gone", from: "127.0.0.50")
        try server.ask("/", from: "127.0.0.50", "-I -A 'Mozilla/5.0 (X11)'")
        try server.ask("/", from: "127.0.0.50", "-A 'Googlebot/2.1 (+http://www.google.com/bot.html)'")
        try server.ask("/", from: "127.0.0.50", "-H 'User-Agent:'")
        let expected = ["views": 14, "visits": 7, "visitors": 7, "online": 7, "bots": 2]
        try eventually("\(kind): \(expected), not \(try Self.numbers(daemon))") { try Self.numbers(daemon) == expected }
        // The check that the server runs is an asset as well.
        let rejected = try Self.rejected(daemon)
        #expect(rejected["asset", default: 0] >= 1 && rejected["status"] == 1 && rejected["method"] == 1)
        #expect(Set(rejected.keys) == ["asset", "status", "method"], "\(rejected)")
    }

    @Test(
        "lines through a relay are counted like direct ones",
        .enabled(if: Relay.isToBeHad && LoggingServer.Kind.nginx.isToBeHad))
    func relay() throws {
        let daemon = try Daemon(sites: Self.site)
        let relay = try Relay(
            try footfall(["snippet", "demo", "--rsyslog", "--to", "127.0.0.1:\(daemon.beaconPort)"]).output)
        let snippet = try footfall(["snippet", "demo", "--nginx", "--to", "127.0.0.1:\(relay.port)"])
        let server = try LoggingServer(.nginx, logging: snippet.output)
        for i in 1...5 {
            try server.ask("/", from: "127.0.0.\(i)", "-A 'Mozilla/5.0 (X11) \"quoted\" \\ and\ttab'")
            try server.ask("/tin-t%E1%BB%A9c/", from: "127.0.0.\(i)", "-A 'Mozilla/5.0 (X11) \"quoted\" \\ and\ttab'")
        }
        let expected = ["views": 10, "visits": 5, "visitors": 5, "online": 5, "bots": 0]
        try eventually("\(expected), not \(try Self.numbers(daemon))") { try Self.numbers(daemon) == expected }
    }

    @Test("lines of a log file can be piped in")
    func piped() throws {
        let daemon = try Daemon(sites: Self.site)
        let lines = (1...20).map {
            "203.0.113.\($0) - - [23/Nov/2026:07:49:43 +0000] \"GET /\($0) HTTP/1.1\" 200 29 \"-\" \"Mozilla/5.0 (X11)\""
        }
        let folder = try TemporaryFolder()
        let log = try folder.write("access.log", lines.joined(separator: "\n") + "\n\n")
        let sent = try shell(
            "'\(try footfallBinary())' send --log --site demo --to 127.0.0.1:\(daemon.beaconPort) <'\(log.path)'")
        #expect(sent.status == 0 && sent.output.isEmpty && sent.errors.isEmpty)
        // By their host, if the tag does not name the site.
        let byHost = try folder.write("vhosts.log", "demo.example:80 " + lines[0] + "\n")
        _ = try shell("'\(try footfallBinary())' send --log --to 127.0.0.1:\(daemon.beaconPort) <'\(byHost.path)'")
        let expected = ["views": 21, "visits": 20, "visitors": 20, "online": 20, "bots": 0]
        try eventually("\(expected), not \(try Self.numbers(daemon))") { try Self.numbers(daemon) == expected }
    }

    // MARK: Reading

    private struct Snapshot: Decodable {
        struct Online: Decodable { let visitors: Int }
        struct Total: Decodable { let visits: Int, views: Int }
        struct Today: Decodable { let visitors: Int }
        struct Bots: Decodable { let total: Int }
        let online: Online, total: Total, today: Today, bots: Bots
    }

    private static func numbers(_ daemon: Daemon) throws -> [String: Int] {
        let body = try shell("curl -sf http://127.0.0.1:\(daemon.httpPort)/api/v1/sites/demo").output
        let site = try JSONDecoder().decode(Snapshot.self, from: Data(body.utf8))
        return [
            "views": site.total.views, "visits": site.total.visits, "visitors": site.today.visitors,
            "online": site.online.visitors, "bots": site.bots.total,
        ]
    }

    /// Refused beacons, by reason.
    private static func rejected(_ daemon: Daemon) throws -> [String: Int] {
        let metrics = try shell("curl -sf http://127.0.0.1:\(daemon.httpPort)/metrics").output
        return metrics.matches(of: /footfall_ingest_rejected_beacons_total\{reason="([a-z_]+)"\} (\d+)/)
            .reduce(into: [:]) { counts, match in
                if let count = Int(match.2), count > 0 { counts[String(match.1)] = count }
            }
    }
}
