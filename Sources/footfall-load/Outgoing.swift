import ArgumentParser
import Glibc
import Ingest

/// The options of every command that sends.
struct Outgoing: ParsableArguments {
    @Option(help: "Address of the daemon.")
    var host = "127.0.0.1"
    @Option(help: "Port of the daemon.")
    var port: UInt16 = 7373
    @Option(help: "Distinct visitors of each site.")
    var visitors = 100_000
    @Option(help: "Datagrams to send; 100,000 unless --seconds is given.")
    var datagrams: Int?
    @Option(help: "Seconds to send, less than half an hour, so that every visitor makes one visit.")
    var seconds: Double?
    @Option(help: "Datagrams a second; 0 for as fast as possible.")
    var rate = 0
    @Option(help: "Records in a datagram, 1…64.")
    var records = 12
    @Option(help: "The seed of all datagrams; 0 for a new one. Two runs with the same seed have the same visitors.")
    var seed: UInt64 = 0

    mutating func validate() throws {
        if seed == 0 { seed = .random(in: 1...UInt64(UInt32.max)) }
        guard (1...64).contains(records) else { throw ValidationError("--records must be 1…64") }
        guard (1...Traffic.visitorsMax).contains(visitors) else {
            throw ValidationError("--visitors must be 1…\(Traffic.visitorsMax)")
        }
        guard datagrams ?? 1 > 0, rate >= 0 else {
            throw ValidationError("--datagrams must be more than 0, and --rate not negative")
        }
        guard (seconds ?? 1) > 0, (seconds ?? 1) < 1800,
            rate == 0 || Double(datagrams ?? 1) / Double(rate) < 1800 || seconds != nil
        else { throw ValidationError("a run must be shorter than half an hour, so that every visitor makes one visit") }
    }

    /// The plan that these options describe.
    var plan: Traffic.Plan { Traffic.Plan(visitors: visitors, records: records, seed: seed) }

    /// Sends the traffic. A failure is printed and ends the command.
    func deliver(_ traffic: inout Traffic) throws -> Delivery {
        var delivery = Delivery(
            datagramsMax: datagrams ?? (seconds == nil ? 100_000 : .max),
            nanosecondsMax: seconds.map { Int64($0 * 1e9) } ?? .max, rate: rate)
        do {
            let descriptor = try SocketAddress(host: host, port: port).connected()
            defer { close(descriptor) }
            try delivery.send(&traffic, to: descriptor)
        } catch {
            say("\(error)")
            throw ExitCode(69)
        }
        if delivery.refusals > 0 {
            say("the socket reported \(delivery.refusals) errors: nobody was listening, and datagrams may be lost")
        }
        return delivery
    }
}

/// Prints a line for the user. Standard output is for the numbers.
func say(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    _ = unsafe write(STDERR_FILENO, bytes, bytes.count)
}

/// A JSON object. The values must already be JSON, and the names need no escapes.
func object(_ members: [(name: String, value: String)]) -> String {
    "{" + members.map { "\"\($0.name)\":\($0.value)" }.joined(separator: ",") + "}"
}
