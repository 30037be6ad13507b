import ArgumentParser
import Counting
import Glibc
import Platform
import Wire

/// Sends traffic with known numbers, and compares them with the daemon's.
///
/// Only what the run added is compared, so the daemon may have counted before. But nobody else may send to it during
/// the run, and the sites must count the views of beacons.
struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Send known traffic and compare what the daemon counts with the truth.",
        discussion: """
            Exit status 0 where every number agrees, 1 where one does not, 69 where nobody answers. The daemon may be \
            killed and started again during a run if somebody else, systemd for one, holds its sockets; a beacon that \
            comes to a port that nobody has bound is lost.
            """)

    @OptionGroup var outgoing: Outgoing
    @Option(help: "The daemon's HTTP address, such as http://127.0.0.1:7374. Without it nothing is compared.")
    var http: HTTPEndpoint?
    @Option(help: "The sites, separated by commas.")
    var sites = "demo"
    @Option(help: "Percent of the datagrams that are empty.")
    var empties = 0
    @Option(help: "Percent of the datagrams that are odd: junk, refused in whole or in part, bots, pings.")
    var junk = 0
    @Option(help: "Seconds to wait for a daemon that does not respond, or until it has counted everything.")
    var patience = 30.0

    private var names: [String] { sites.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }

    func validate() throws {
        guard names.allSatisfy({ isSiteName(Array($0.utf8).span) }), Set(names).count == names.count else {
            throw ValidationError("--sites must be different names of a-z 0-9 . _ - separated by commas")
        }
        guard empties >= 0, junk >= 0, empties + junk <= 100 else {
            throw ValidationError("--empties and --junk are percentages, together at most 100")
        }
        guard patience > 0 else { throw ValidationError("--patience must be more than 0") }
    }

    func run() throws {
        var plan = outgoing.plan
        plan.sites = names
        plan.empties = empties
        plan.oddities = junk
        var traffic = Traffic(plan)
        var before: Numbers?
        if let http {
            before = try ask(http)
            if before?.daemon == nil {
                say("/metrics is not served here: the numbers of the whole daemon are not compared")
            }
        }
        let delivery = try outgoing.deliver(&traffic)
        let expected = Numbers(traffic.truth, visitors: plan.visitors)
        let counted = try before.map { before in
            guard let http else { preconditionFailure("no endpoint to ask") }
            return try ask(http, since: before, until: expected)
        }
        let differences = counted.map { expected.differences(to: $0, sites: names) } ?? []
        differences.forEach(say)
        print(summary(traffic, delivery, expected, counted, differences))
        if !differences.isEmpty { throw ExitCode(1) }
    }

    // MARK: Requests

    /// The time between two requests in microseconds. It is longer than the daemon needs to publish what it counted.
    private static let pause: UInt32 = 300_000

    private var patienceEnds: Int64 { Clocks.steadyNanoseconds + Int64(patience * 1e9) }

    /// The numbers of a daemon that may be away for a while.
    private func ask(_ http: HTTPEndpoint) throws -> Numbers {
        let end = patienceEnds
        while true {
            do {
                return try Numbers(of: names, from: http)
            } catch let error as HTTPEndpoint.Silence where Clocks.steadyNanoseconds < end {
                _ = error
                usleep(Self.pause)
            } catch {
                say("\(error)")
                throw ExitCode(error is Numbers.Refusal ? 1 : 69)
            }
        }
    }

    /// Asks until the numbers are right and stay right, or until the patience is over. Returns what was added since
    /// `before`.
    private func ask(_ http: HTTPEndpoint, since before: Numbers, until expected: Numbers) throws -> Numbers {
        let end = patienceEnds
        var agreed = false
        while true {
            let counted = try ask(http).since(before)
            let agrees = expected.differences(to: counted, sites: names).isEmpty
            // Twice, because a number could still rise above the truth.
            if agrees && agreed || Clocks.steadyNanoseconds >= end { return counted }
            agreed = agrees
            usleep(Self.pause)
        }
    }

    // MARK: Summary

    private func summary(
        _ traffic: Traffic, _ delivery: Delivery, _ expected: Numbers, _ counted: Numbers?, _ differences: [String]
    ) -> String {
        let truth = traffic.truth
        let records = Int(truth.counters[.records])
        let sent = truth.sites.map { site in
            object([
                ("views", "\(site.views)"), ("visitors", "\(min(site.visitorViews, outgoing.visitors))"),
                ("pings", "\(site.pings)"), ("bots", "\(site.bots)"), ("rejected", "\(site.rejected)"),
            ])
        }
        return object([
            ("seed", "\(outgoing.seed)"), ("datagrams", "\(delivery.datagrams)"), ("records", "\(records)"),
            ("bytes", "\(truth.counters[.bytes])"), ("socket_errors", "\(delivery.refusals)"),
            ("milliseconds", "\(delivery.milliseconds)"), ("datagrams_per_second", "\(delivery.speed)"),
            ("records_per_second", "\(delivery.perSecond(records))"),
            ("sent", object(zip(names, sent).map { (name: $0, value: $1) })),
            ("expected", expected.json(sites: names)),
            ("counted", counted.map { $0.json(sites: names) } ?? "null"),
            ("differences", "[\(differences.map { "\"\($0)\"" }.joined(separator: ","))]"),
        ])
    }
}
