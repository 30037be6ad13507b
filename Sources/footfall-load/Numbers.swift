import Counting

/// The numbers that both the truth and the daemon have, in the same order.
struct Numbers: Equatable {
    /// A number of a site, by its name in the summary.
    enum OfSite: String, CaseIterable { case views, visits, bots, rejected }

    /// A number of the whole daemon.
    struct OfDaemon {
        /// Its name in the summary.
        let name: String
        /// The family in `/metrics`, and which of its samples; nil adds up all of them.
        let family: String, reason: String?
        let counter: Counter

        private init(_ name: String, _ counter: Counter, reason: String? = nil) {
            self.name = name + (reason.map { "_" + $0 } ?? "")
            family = "footfall_ingest_\(name)_total"
            self.reason = reason
            self.counter = counter
        }

        static let all: [OfDaemon] =
            [
                OfDaemon("datagrams", .datagrams), OfDaemon("kernel_drops", .kernelDrops),
                OfDaemon("records", .records), OfDaemon("duplicates", .duplicates),
            ]
            + DatagramRejection.allCases.map { OfDaemon("rejected_datagrams", $0.counter, reason: $0.rawValue) }
            + BeaconRejection.allCases.map { OfDaemon("rejected_beacons", $0.counter, reason: $0.rawValue) }
    }

    /// By site in the order of the command line. Each in the order of `OfSite`.
    var sites: [[Int]]
    /// In the order of `OfDaemon.all`; nil if unknown.
    var daemon: [Int]?

    /// What must have been counted since the run began.
    init(_ truth: Truth, visitors: Int) {
        sites = truth.sites.map { site in
            OfSite.allCases.map {
                switch $0 {
                case .views: site.views
                case .visits: min(site.visitorViews, visitors)
                case .bots: site.bots
                case .rejected: site.rejected
                }
            }
        }
        daemon = OfDaemon.all.map { Int(truth.counters[$0.counter]) }
    }

    /// The numbers that a daemon reports now.
    init(of names: [String], from endpoint: HTTPEndpoint) throws {
        sites = try names.map { try Self.site($0, from: endpoint) }
        let metrics = try endpoint.get("/metrics")
        switch metrics.status {
        case 200: daemon = Self.samples(metrics.body)
        // Not served, or not to this client.
        case 400..<500: daemon = nil
        default: throw HTTPEndpoint.Silence(description: "/metrics responds with status \(metrics.status)")
        }
    }

    /// The daemon responds, but not with what was requested.
    struct Refusal: Error, CustomStringConvertible {
        let description: String
    }

    private static func site(_ name: String, from endpoint: HTTPEndpoint) throws -> [Int] {
        let answer = try endpoint.get("/api/v1/sites/\(name)")
        switch answer.status {
        case 200: break
        case 500...: throw HTTPEndpoint.Silence(description: "site \(name) responds with status \(answer.status)")
        default: throw Refusal(description: "site \(name): the daemon responds with status \(answer.status)")
        }
        return try OfSite.allCases.map { number in
            let (object, key) =
                switch number {
                case .views, .visits: ("total", number.rawValue)
                case .bots, .rejected: (number.rawValue, "total")
                }
            guard let value = Self.value(of: key, in: object, of: answer.body) else {
                throw Refusal(
                    description:
                        "site \(name): \(number) are not shown; set local_admin = true in [http] and use loopback")
            }
            return value
        }
    }

    /// A number in an object of the snapshot that contains no other object.
    private static func value(of key: String, in object: String, of json: String) -> Int? {
        guard let start = json.firstRange(of: "\"\(object)\":{")?.upperBound else { return nil }
        let members = json[start...].prefix { $0 != "}" }
        guard let value = members.firstRange(of: "\"\(key)\":")?.upperBound else { return nil }
        return Int(members[value...].prefix { $0.isNumber || $0 == "-" })
    }

    /// The samples in Prometheus text. A missing family has no samples.
    private static func samples(_ text: String) -> [Int] {
        var sums = [Int](repeating: 0, count: OfDaemon.all.count)
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            let family = line.prefix { $0 != "{" && $0 != " " }
            guard let value = line.split(separator: " ").last.flatMap({ Double($0) }) else { continue }
            for (i, number) in OfDaemon.all.enumerated() where number.family == family {
                if let reason = number.reason, !line.contains("reason=\"\(reason)\"") { continue }
                sums[i] += Int(value)
            }
        }
        return sums
    }

    /// The difference to `before`.
    func since(_ before: Numbers) -> Numbers {
        var rise = self
        rise.sites = zip(sites, before.sites).map { zip($0, $1).map { $0 - $1 } }
        rise.daemon = daemon.flatMap { now in before.daemon.map { zip(now, $0).map { $0 - $1 } } }
        return rise
    }

    /// One sentence for each number that is wrong. Numbers of the whole daemon are compared if both sides have them.
    func differences(to counted: Numbers, sites names: [String]) -> [String] {
        var lines: [String] = []
        for (name, (expected, counted)) in zip(names, zip(sites, counted.sites)) {
            for (number, (expected, counted)) in zip(OfSite.allCases, zip(expected, counted)) where expected != counted
            {
                lines.append("site \(name): \(number) \(expected) expected, \(counted) counted")
            }
        }
        guard let daemon, let counted = counted.daemon else { return lines }
        for (number, (expected, counted)) in zip(OfDaemon.all, zip(daemon, counted)) where expected != counted {
            lines.append("daemon: \(number.name) \(expected) expected, \(counted) counted")
        }
        return lines
    }

    /// A JSON object: the sites by their names, and the daemon.
    func json(sites names: [String]) -> String {
        func numbers(_ names: [String], _ values: [Int]) -> String {
            object(zip(names, values).map { (name: $0, value: "\($1)") })
        }
        let sites = zip(names, sites).map { name, values in
            (name: name, value: numbers(OfSite.allCases.map(\.rawValue), values))
        }
        let daemon = daemon.map { numbers(OfDaemon.all.map(\.name), $0) } ?? "null"
        return object([("sites", object(sites)), ("daemon", daemon)])
    }
}
