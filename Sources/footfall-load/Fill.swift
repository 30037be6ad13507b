import ArgumentParser
import Counting

struct Fill: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Fill the visitor table and print its size.")

    @Option(help: "Distinct visitors.")
    var visitors = 1_000_000
    @Option(help: "The limit of the table.")
    var limit = 2_000_000

    func run() throws {
        var limits = Limits()
        limits.visitors = limit
        let now = Moment(milliseconds: 1_795_420_000_000)
        var engine = Engine(limits: limits, seed: HashSeed(1, 2), at: now)
        var frame = Frame()
        let rollover = DayRollover(day: LocalDay(number: Int32(now.second / 86_400)), begins: now, salt: 1)
        frame.append(.site(SiteIndex(0), SiteSettings(name: "demo", duplicateMilliseconds: 0), rollover, at: now))
        let count = visitors
        // Random keys without repetition; 0 comes once in 2⁶⁴.
        var keys = SplitMix(seed: .random(in: 1 ... .max))
        let path = Array("/".utf8)
        let clock = ContinuousClock()
        var applying = Duration.zero
        for i in 0..<count {
            frame.append(
                Hit(
                    site: SiteIndex(0), moment: now + Int64(i) * 1_000_000 / Int64(count), kind: .view,
                    source: .beacon,
                    isBot: false, visitor: keys.next(), previousVisitorKey: 0, path: path.span, origin: .direct,
                    referrer: path.span))
            if i % 4096 == 4095 || i == count - 1 {
                let began = clock.now
                try engine.apply(frame.span)
                applying += clock.now - began
                frame.removeAll()
            }
        }
        let bytes = engine.visitorTableBytes
        let rate = Double(count) / (applying / .seconds(1))
        let began = clock.now
        let capture = engine.capture()
        let capturing = clock.now - began
        precondition(capture.siteCount == 1)
        print(
            "{\"visitors\":\(engine.trackedVisitors),\"table_bytes\":\(bytes),"
                + "\"untracked\":\(engine.counters[.untracked]),\"applied_per_second\":\(Int(rate)),"
                + "\"capture_microseconds\":\(Int(capturing / .microseconds(1)))}")
    }
}
