import Foundation
import Testing

/// What an operator monitors: panels and rules for Grafana and Prometheus, with a real Prometheus that scrapes a real
/// daemon.
@Suite("Panels and rules")
struct PrometheusTests {
    private static let root = URL(filePath: #filePath).appending(path: "../../..").standardized.path
    private static let isToBeHad: Bool = {
        do { return try shell("command -v prometheus promtool").status == 0 } catch { return false }
    }()

    @Test(
        "every query of every panel has data, and every number of the daemon is on a panel or left out on purpose",
        .enabled(if: isToBeHad))
    func panels() throws {
        let machine = try Machine(sites: ["demo", "portal"])
        let life = try machine.start()
        try life.becomeReady()
        let token = try machine.command("token create prometheus").output.trimmingCharacters(
            in: .whitespacesAndNewlines)
        // There are visitors all the time.
        let folder = try TemporaryFolder()
        let log = try folder.write("log", "")
        let visitors = try Child(
            "/bin/bash",
            [
                "-c",
                "for i in {1..1000}; do printf 'f1 s=demo&v=%s&u=/' $i >/dev/udp/127.0.0.1/\(machine.beaconPort); sleep 0.1; done",
            ], environment: [:], input: "/dev/null", output: "/dev/null", errors: log.path)
        defer {
            visitors.terminate()
            visitors.wait()
        }
        let proof = try shell(
            "python3 '\(Self.root)/Tests/Dashboards/prove.py' http://127.0.0.1:\(machine.httpPort)/metrics \(token)")
        #expect(proof.status == 0, "\(proof.output)\(proof.errors)")
    }

    @Test("each alert fires when it should, and only then", .enabled(if: isToBeHad))
    func rules() throws {
        let rules = Self.root + "/dashboards/footfall.rules"
        let check = try shell("promtool check rules '\(rules).yml' && promtool test rules '\(rules).test.yml'")
        #expect(check.status == 0, "\(check.output)\(check.errors)")
    }
}
