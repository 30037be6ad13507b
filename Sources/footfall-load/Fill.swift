import ArgumentParser
import Counting

/// Fills an engine with distinct visitors and says what the table takes.
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
        let turn = DayTurn(day: LocalDay(number: Int32(now.second / 86_400)), begins: now, salt: 1)
        frame.append(.site(SiteIndex(0), SiteSettings(name: "demo", duplicateMilliseconds: 0), turn, at: now))
        var random = SystemRandomNumberGenerator()
        let path = Array("/".utf8)
        for i in 0..<visitors {
            frame.append(
                Hit(
                    site: SiteIndex(0), moment: now + Int64(i) * 1_000_000 / Int64(visitors), kind: .view,
                    door: .beacon,
                    isBot: false, visitor: max(1, random.next()), formerVisitor: 0, path: path.span, origin: .direct,
                    referrer: path.span))
            if i % 4096 == 4095 || i == visitors - 1 {
                try engine.apply(frame.span)
                frame.removeAll()
            }
        }
        let bytes = engine.visitorTableBytes
        print(
            "{\"visitors\":\(engine.trackedVisitors),\"table_bytes\":\(bytes),"
                + "\"untracked\":\(engine.tallies[.untracked])}")
    }
}
