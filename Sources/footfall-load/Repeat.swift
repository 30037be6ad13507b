import ArgumentParser
import Counting
import Wire

/// Runs one step of processing a beacon many times, so that its instructions can be counted from outside.
///
/// Run it twice with different counts under `valgrind --tool=callgrind`. The difference divided by the difference of
/// the counts is the exact cost of one step. All seeds are fixed, so every run takes the same way.
struct Repeat: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run one step of processing a beacon many times.",
        discussion: """
            split: the fields of a beacon. parse: those of a line of a log. hash: the key of a visitor. admit: all from a \
            datagram to its hit. count: a view of a visitor who returns after 1.2 s, in frames of 60; once for every one \
            of \(CountedViews.hits) views. duplicate: a view that is not counted. path: 60 datagrams, received, admitted \
            and counted, at 100,000 a second by the clock of the data. thread: batches of --size datagrams on the \
            daemon's own counting thread.
            """)

    @Argument(help: "split, parse, hash, admit, count, duplicate, path or thread.")
    var step: Step
    @Option(help: "How many times.")
    var times = 1000
    @Option(help: "Of what: ref, long, short or log, or a file with a datagram.")
    var of = Sample.reference
    @Option(help: "For path, distinct visitors, who all came before.")
    var visitors = 120_000
    @Option(help: "For path, a file of agents as of send.")
    var agents = "Tests/Bench/agents.txt"
    @Option(help: "For thread, datagrams in a batch: 0…60.")
    var size = 60

    enum Step: String, ExpressibleByArgument, CaseIterable {
        case split, parse, hash, admit, count, duplicate, path, thread
    }

    func run() throws {
        switch step {
        case .split: print(try split())
        case .parse: print(try parse())
        case .hash: print(hash())
        case .admit: print(try admit())
        case .count: print(try CountedViews(of).apply(times: times))
        case .duplicate:
            var views = try CountedViews(of)
            print(try views.duplicate(times: times))
        case .path:
            let browsers = try Browsers(file: agents)
            print(try ReceivedViews(visitors: visitors, browsers: browsers).receive(batches: times))
        case .thread: print(try ThreadRun(of, batches: times, size: size).run())
        }
    }

    private func split() throws -> UInt64 {
        let bytes = try of.bytes(of: 0)
        let span = bytes.span
        var count: UInt64 = 0
        for _ in 0..<times {
            var beacons = Beacons(span)
            try beacons.begin()
            reading: while true {
                switch beacons.next() {
                case .record: count += 1
                case .rejected: break
                case .end: break reading
                }
            }
        }
        return count
    }

    private func parse() throws -> Int64 {
        let line = try Sample.log.bytes(of: 0)
        var seen: Int64 = 0
        for _ in 0..<times { seen &+= RecordedLine(line.span)?.stamp ?? 0 }
        return seen
    }

    private func hash() -> UInt64 {
        var random = SplitMix(seed: 1)
        let hasher = VisitorHasher(Salt(number: 1, using: &random), site: Array("demo".utf8).span)
        let agent = Array(Sample.agent.utf8)
        var seen: UInt64 = 0
        for i in 0..<times { seen &+= hasher.key(.v4(UInt32(truncatingIfNeeded: i)), agent: agent.span) }
        return seen
    }

    /// Datagrams of 60 visitors in turn.
    private func admit() throws -> Int {
        var house = House()
        let datagrams = try (0..<60).map { try of.bytes(of: $0) }
        var frame = Frame()
        var seen = 0
        for i in 0..<times {
            if i % 60 == 0 { frame.removeAll() }
            house.admit(datagrams[i % 60], at: House.moment, into: &frame)
            seen &+= frame.hits
        }
        return seen
    }
}

/// Admission for one site, `demo`, with the default settings.
struct House {
    static let moment = Moment(milliseconds: 1_795_420_000_000)
    /// Extensions that nginx's own examples and ours do not log.
    private static let assets = [
        "css", "js", "png", "jpg", "jpeg", "gif", "svg", "webp", "ico", "woff", "woff2", "ttf", "map", "mp4", "pdf",
    ]
    static let rules = Admission.Rules(assets: assets)
    static let profile = SiteProfile(SiteSettings(name: "demo"))

    private var admission: Admission
    /// The record of the site, for an engine.
    let site: Record

    init() {
        var random = SplitMix(seed: 1)
        let seed = HashSeed(random.next(), random.next())
        var sites = SiteDirectory(seed: seed)
        let today = Self.day(at: Self.moment)
        let index = sites.add(Self.profile, today: today, salt: Salt(number: 1, using: &random))
        admission = Admission(sites: sites, rules: Self.rules, seed: seed)
        site = .site(
            index, Self.profile.settings, DayRollover(day: today.day, begins: today.begins, salt: 1), at: Self.moment)
    }

    /// The day in UTC.
    static func day(at moment: Moment) -> DaySpan {
        let day = LocalDay(number: Int32(moment.second / 86_400))
        let begins = Moment(second: Int64(day.number) * 86_400)
        return DaySpan(day: day, begins: begins, ends: begins + 86_400_000)
    }

    @inline(__always)
    mutating func admit(_ datagram: [UInt8], at moment: Moment, into frame: inout Frame) {
        let arrival = Admission.Arrival(from: .ourselves, stamp: moment.milliseconds, at: moment)
        admission.admit(datagram.span, arrival, against: SeenSignatures(), into: &frame)
    }
}
