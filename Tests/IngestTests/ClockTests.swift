import Counting
import Ingest
import Testing

/// The definitions about clocks, computed separately: the lead, the moments, and everything else from the list of hits.
private struct NaiveClock {
    var wall: Int64
    var last: Int64
    var lead: Int64 = 0
    /// Visitor and moment of every hit since the last restart of time.
    var hits: [(visitor: Int, moment: Int64)] = []
    var visits: Int64 = 0

    mutating func tick(elapsed: Int64, step: Int64) {
        wall += elapsed + step
        lead = max(0, max(0, lead - elapsed / 2) - step)
        if lead > 86_400_000 {
            lead = 0
            last = wall
            hits = []
        }
    }

    mutating func moment(stamp: Int64) -> Int64 {
        last = max(last, min(stamp, wall) + lead)
        return last
    }

    mutating func hit(_ visitor: Int, stamp: Int64) {
        let moment = moment(stamp: stamp)
        let before = hits.last { $0.visitor == visitor }
        if before.map({ moment / 1000 - $0.moment / 1000 > 1800 }) ?? true { visits += 1 }
        hits.append((visitor, moment))
    }

    func online(within window: Int64) -> Int {
        let now = last / 1000
        return (0..<8).count { visitor in
            hits.last { $0.visitor == visitor }.map { now - window < $0.moment / 1000 } ?? false
        }
    }
}

@Test(
    "random clocks, late stamps and stamps from before a step give the moments and numbers in the definitions",
    arguments: 1...300)
func randomClocks(seed: Int) {
    var random = SplitMix(seed: UInt64(seed))
    let zone = sevenZones[seed % sevenZones.count]
    var desk = Desk(zone, from: "20:00")
    let start = desk.midnight + Desk.milliseconds("20:00")
    var naive = NaiveClock(wall: start, last: start)
    var steady = start
    for event in 0..<150 {
        let elapsed =
            [0, 2, 998, 1000, 59_000, 300_000, 301_000, 1_799_000, 1_800_000, 1_802_000].randomElement(using: &random)
            ?? 0
        let steps: [Int64] = [-1000, -30_000, -3_600_000, -90_000_000, 5000, 1_800_000, 100_000_000]
        let step = Int.random(in: 0..<12, using: &random) == 0 ? steps.randomElement(using: &random) ?? 0 : 0
        naive.tick(elapsed: Int64(elapsed), step: step)
        steady += Int64(elapsed)
        desk.setClocks(wall: naive.wall, steady: steady)
        for _ in 0..<Int.random(in: 0..<4, using: &random) {
            let stamp = naive.wall + ([0, 0, -7, -900, -40_000, -2_000_000, 3000].randomElement(using: &random) ?? 0)
            let visitor = Int.random(in: 0..<8, using: &random)
            desk.receive("v=\(visitor)&u=/\(event)/\(random.next())", stamp: stamp)
            naive.hit(visitor, stamp: stamp)
            guard desk.pipeline.now.milliseconds == naive.last else {
                Issue.record("seed \(seed), event \(event): \(desk.pipeline.now.milliseconds), not \(naive.last)")
                return
            }
        }
        desk.pass()
        _ = naive.moment(stamp: naive.wall)
        let window = Int64.random(in: 1...1800, using: &random)
        let online = desk.online(within: window)
        let visits = desk.report().totalVisits
        guard desk.pipeline.now.milliseconds == naive.last, online == naive.online(within: window),
            visits == naive.visits
        else {
            Issue.record(
                "seed \(seed), event \(event), zone \(zone): online(\(window)) \(online), not \(naive.online(within: window)); visits \(visits), not \(naive.visits)"
            )
            return
        }
    }
}
