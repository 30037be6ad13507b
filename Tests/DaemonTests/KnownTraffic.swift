import Foundation

/// A run of `footfall-load` in the background: known traffic to a machine, and at the end the comparison with the
/// truth.
final class KnownTraffic {
    /// What it has sent, and what was counted.
    struct Summary: Decodable {
        struct Numbers: Decodable {
            let sites: [String: [String: Int]]
            let daemon: [String: Int]?
        }
        struct Sent: Decodable { let visitors: Int }
        let datagrams: Int, records: Int
        let sent: [String: Sent]
        let expected: Numbers
        let counted: Numbers?
        let differences: [String]
    }

    /// Datagrams a second.
    static let rate = 3000

    private let process: Child
    private let folder: TemporaryFolder

    /// Begins to send: several records a datagram, one datagram in ten empty and `oddities` percent odd.
    ///
    /// If it does not compare, it ends with the last datagram, otherwise when the daemon has counted all of them.
    init(
        to machine: Machine, seed: Int, seconds: Double, visitors: Int = 200, oddities: Int = 20, compares: Bool = true,
        patience: Double = Daemon.patience
    ) throws {
        folder = try TemporaryFolder()
        let options =
            "run --port \(machine.beaconPort) --sites \(machine.sites.joined(separator: ",")) --seed \(seed) "
            + "--seconds \(seconds) --rate \(Self.rate) --visitors \(visitors) --records 12 --empties 10 --junk \(oddities) "
            + (compares ? "--http http://127.0.0.1:\(machine.httpPort) --patience \(patience)" : "")
        process = try Child(
            try footfallBinary() + "-load", options.split(separator: " ").map(String.init), environment: [:],
            input: "/dev/null", output: folder.path + "/output", errors: folder.path + "/errors")
    }

    deinit {
        process.signal(SIGKILL)
        process.wait()
    }

    var isRunning: Bool { process.isRunning }

    /// Waits for its end. The sentences name the wrong numbers, or why there are none.
    func finish() throws -> (summary: Summary?, complaints: [String]) {
        let status = process.wait()
        let output = try Data(contentsOf: URL(filePath: folder.path + "/output"))
        let errors = try String(contentsOfFile: folder.path + "/errors", encoding: .utf8)
        guard !output.isEmpty else { return (nil, ["no summary, status \(status): \(errors)"]) }
        let summary = try JSONDecoder().decode(Summary.self, from: output)
        if status != 0, summary.differences.isEmpty { return (summary, ["status \(status): \(errors)"]) }
        return (summary, summary.differences)
    }
}
