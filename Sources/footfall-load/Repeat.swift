import ArgumentParser
import Counting
import Foundation
import Wire

/// Runs one step of processing a beacon many times, so that its instructions can be counted from outside.
///
/// Run it twice with different counts under `valgrind --tool=callgrind`. The difference divided by the difference of
/// the counts is the exact cost of one step.
struct Repeat: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Run one step of processing a beacon many times.")

    @Argument(help: "split, admit, hash or count of a beacon; parse or log of a line of an access log.")
    var step: Step
    @Option(help: "How many times.")
    var times = 1000
    @Option(help: "For log, a file with the line.")
    var of: String?

    enum Step: String, ExpressibleByArgument, CaseIterable { case split, admit, hash, count, parse, log }

    /// The beacon of the documented costs: raw values, a referrer, an agent of 120 bytes.
    static let beacon =
        "f1 s=demo&i=203.0.113.9&u=/tin-tuc/123&r=https://www.google.com/&a=\(agent)"
    static let agent =
        "Mozilla/5.0 (Linux; Android 13; SM-A536E) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.6099.144 Mobile Safari/537"

    /// A line of nginx, 265 bytes.
    static let line =
        "<190>Nov 23 07:49:43 web1 ff_demo: 203.0.113.9 - - [23/Nov/2026:07:49:43 +0000] \"GET /tin-tuc/123 HTTP/1.1\" "
        + "200 2 \"https://www.google.com/\" \"\(agent).36\""
    /// The default settings: extensions that nginx's own examples and ours do not log.
    static let assets = [
        "css", "js", "png", "jpg", "jpeg", "gif", "svg", "webp", "ico", "woff", "woff2", "ttf", "map", "mp4", "pdf",
    ]

    func run() throws {
        precondition(Self.line.utf8.count == 265)
        precondition(Self.agent.utf8.count == 120)
        let bytes = Array(Self.beacon.utf8)
        var seen: UInt64 = 0
        switch step {
        case .split:
            for _ in 0..<times { seen &+= split(bytes) }
        case .hash:
            var random = SystemRandomNumberGenerator()
            let hasher = VisitorHasher(Salt(number: 1, using: &random), site: Array("demo".utf8).span)
            let agent = Array(Self.agent.utf8)
            for i in 0..<times {
                seen &+= hasher.key(.v4(UInt32(truncatingIfNeeded: i)), agent: agent.span)
            }
        case .parse:
            let line = Array(Self.line.utf8)
            for _ in 0..<times { seen &+= UInt64(RecordedLine(line.span)?.stamp ?? 0) }
        case .admit, .log:
            let line = try of.map { [UInt8](try Data(contentsOf: URL(fileURLWithPath: $0))) } ?? Array(Self.line.utf8)
            let bytes = step == .log ? line : bytes
            var (admission, _) = admission()
            var frame = Frame()
            for _ in 0..<times {
                frame.removeAll()
                admission.admit(bytes.span, Self.arrival, against: SeenSignatures(), into: &frame)
                seen &+= UInt64(frame.bytes.count)
            }
        case .count:
            var (admission, site) = admission()
            var engine = Engine(seed: HashSeed(1, 2), at: Self.moment)
            var frame = Frame()
            frame.append(site)
            try engine.apply(frame.span)
            frame.removeAll()
            admission.admit(bytes.span, Self.arrival, against: SeenSignatures(), into: &frame)
            for _ in 0..<times { try engine.apply(frame.span) }
            seen = engine.counters[.views] + engine.counters[.duplicates]
        }
        print(seen)
    }

    private static let moment = Moment(milliseconds: 1_795_420_000_000)
    private static let arrival = Admission.Arrival(from: .ourselves, stamp: moment.milliseconds, at: moment)

    @inline(never)
    private func split(_ bytes: [UInt8]) -> UInt64 {
        var beacons = Beacons(bytes.span)
        guard (try? beacons.begin()) != nil else { return 0 }
        var count: UInt64 = 0
        while true {
            switch beacons.next() {
            case .record: count += 1
            case .rejected: break
            case .end: return count
            }
        }
    }

    private func admission() -> (Admission, Record) {
        var random = SystemRandomNumberGenerator()
        let seed = HashSeed(random.next(), random.next())
        var sites = SiteDirectory(seed: seed)
        let day = LocalDay(number: Int32(Self.moment.second / 86_400))
        let begins = Moment(second: Int64(day.number) * 86_400)
        let salt = Salt(number: 1, using: &random)
        let settings = SiteSettings(name: "demo")
        let span = DaySpan(day: day, begins: begins, ends: begins + 86_400_000)
        let site = sites.add(SiteProfile(settings), today: span, salt: salt)
        return (
            Admission(sites: sites, rules: Admission.Rules(assets: Self.assets), seed: seed),
            .site(site, settings, DayRollover(day: day, begins: begins, salt: 1), at: Self.moment)
        )
    }
}
