import Foundation
import Testing

/// The parts of the output of `footfall-load run` that tests read.
private struct Summary: Decodable {
    struct Numbers: Decodable, Equatable {
        let sites: [String: [String: Int]]
        let daemon: [String: Int]?
    }
    let datagrams: Int, records: Int, bytes: Int
    let expected: Numbers
    let counted: Numbers?
    let differences: [String]
}

/// Runs `footfall-load run` to its end.
private func load(_ options: String) throws -> (status: Int32, summary: Summary?, errors: String) {
    let result = try shell("\(try footfallBinary())-load run \(options)")
    let summary =
        result.output.isEmpty ? nil : try JSONDecoder().decode(Summary.self, from: Data(result.output.utf8))
    return (result.status, summary, result.errors)
}

extension Daemon {
    /// The options of `footfall-load run` for this daemon.
    fileprivate var address: String { "--port \(beaconPort) --http http://127.0.0.1:\(httpPort)" }
}

@Test("a daemon that is right agrees with known traffic: empty, odd and refused datagrams, three sites, twice")
func agreement() throws {
    let daemon = try Daemon(
        sites: """
            [[site]]
            name = "demo"
            [[site]]
            name = "slow.site"
            duplicate = "10s"
            [[site]]
            name = "third_site"
            duplicate = "0s"
            keep_query = ["view"]
            """)
    // The second run starts with a daemon that has counted before.
    for (seed, records) in [(1, 12), (2, 1)] {
        let run = try load(
            "\(daemon.address) --sites demo,slow.site,third_site --seed \(seed) --records \(records) --empties 10 "
                + "--junk 40 --visitors 150 --datagrams 1500 --rate 5000")
        #expect(run.status == 0, "\(run.errors)")
        let summary = try #require(run.summary)
        #expect(summary.differences == [] && summary.counted == summary.expected)
        #expect(summary.datagrams == 1500 && summary.expected.sites.count == 3)
        // The compared numbers are not zero.
        for site in summary.expected.sites.values { #expect(!site.values.contains(0), "\(site)") }
        let daemonNumbers = try #require(summary.expected.daemon)
        for reason in ["datagrams_empty", "datagrams_oversize", "beacons_syntax", "beacons_site_unknown"] {
            #expect(daemonNumbers["rejected_" + reason] ?? 0 > 0, "\(reason)")
        }
    }
}

@Test("a datagram lost on the way is missing in every number it belongs to, and the run fails")
func lostDatagram() throws {
    let daemon = try Daemon()
    let folder = try TemporaryFolder()
    let script = try folder.write(
        "relay.py",
        """
        import os, socket, sys
        relay = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); relay.bind(("127.0.0.1", 0))
        open(sys.argv[1] + "+", "w").write(str(relay.getsockname()[1])); os.rename(sys.argv[1] + "+", sys.argv[1])
        for n in range(300):
            beacon = relay.recv(65536)
            if n != 77: relay.sendto(beacon, ("127.0.0.1", int(sys.argv[2])))
        """)
    let port = folder.path + "/port"
    let relay = try Child(
        "/usr/bin/env", ["python3", script.path, port, "\(daemon.beaconPort)"],
        environment: ProcessInfo.processInfo.environment, input: "/dev/null", output: "/dev/null",
        errors: folder.path + "/errors")
    defer {
        relay.terminate()
        relay.wait()
    }
    try eventually("the relay listens") { FileManager.default.fileExists(atPath: port) }
    let run = try load(
        "--port \(try String(contentsOfFile: port, encoding: .utf8)) --http http://127.0.0.1:\(daemon.httpPort) "
            + "--datagrams 300 --rate 3000 --records 1 --patience 2")
    let lines = [
        "site demo: views 300 expected, 299 counted", "site demo: visits 300 expected, 299 counted",
        "daemon: datagrams 300 expected, 299 counted", "daemon: records 300 expected, 299 counted",
    ]
    #expect(run.status == 1)
    #expect(run.errors.split(separator: "\n").map(String.init) == lines)
    #expect(run.summary?.differences == lines)
}

@Test("if a daemon counts something else, exactly the different numbers are reported")
func differentRules() throws {
    let daemon = try Daemon(sites: "[[site]]\nname = \"demo\"\nviews_from = \"log\"\n[[site]]\nname = \"right\"")
    let run = try load(
        "\(daemon.address) --sites right,demo --datagrams 600 --rate 3000 --junk 20 --visitors 20 --patience 2")
    let demo = try #require(run.summary?.expected.sites["demo"])
    #expect(run.status == 1)
    #expect(
        run.errors == """
            site demo: views \(demo["views"] ?? 0) expected, 0 counted
            site demo: visits \(demo["visits"] ?? 0) expected, 0 counted

            """)
}

@Test("a daemon that stays away, or does not know the site, does not agree")
func noAnswer() throws {
    let away = try load("--port 9 --http http://127.0.0.1:9 --patience 0.5 --datagrams 1")
    #expect(away.status == 69 && away.errors == "http://127.0.0.1:9 cannot be reached: Connection refused\n")
    let daemon = try Daemon()
    let unknown = try load("\(daemon.address) --sites nobodys --datagrams 1")
    #expect(unknown.status == 1 && unknown.errors == "site nobodys: the daemon responds with status 404\n")
}

@Test("drain receives what was sent, and a seed always sends the same")
func drained() throws {
    let folder = try TemporaryFolder()
    let output = try folder.write("output", "")
    let drain = try Child(
        "\(try footfallBinary())-load", ["drain", "--seconds", "3"], environment: [:], input: "/dev/null",
        output: output.path, errors: folder.path + "/errors")
    var port: Substring?
    try eventually("it names its port") {
        port = try String(contentsOf: output, encoding: .utf8).firstMatch(of: #/"port":(\d+),.*}\n/#)?.1
        return port != nil
    }
    let options = "--port \(try #require(port)) --seed 7 --empties 5 --junk 10 --datagrams 500 --rate 5000"
    let first = try #require(try load(options).summary)
    let second = try #require(try load(options).summary)
    #expect(first.counted == nil && first.expected == second.expected && first.bytes == second.bytes)
    #expect(drain.wait() == 0)
    let said = try String(contentsOf: output, encoding: .utf8)
    // Only the slot of an oversize datagram is read.
    let oversize = try #require(first.expected.daemon?["rejected_datagrams_oversize"])
    #expect(oversize > 0)
    #expect(said.contains(#"{"datagrams":1000,"#), "\(said)")
    let bytes = try #require(said.firstMatch(of: #/"bytes":(\d+)/#).flatMap { Int($0.1) })
    #expect(bytes <= 2 * first.bytes - 2 * oversize && bytes > 2 * first.bytes - 2 * oversize * 1001)
}
