import CHooks
import Counting
import Foundation
import Glibc
import TestSupport
import Testing

/// Tests that end daemons or break what is below them. They run one at a time, because each keeps the machine busy.
@Suite(.serialized)
struct Hardship {
    /// True for the long form, for a night.
    static let isSoak = ProcessInfo.processInfo.environment["FOOTFALL_SOAK"] != nil
    /// True if the daemon of this build can end itself at a crash point.
    static let canCrash = ch_are_built_in()
}

extension Hardship {
    /// The real daemon under load, on a socket that outlives it: nothing is lost and nothing counts twice.
    @Suite(.serialized)
    struct KillTests {
        @Test("killed at random moments, the daemon has counted everything once")
        func random() throws {
            let machine = try Machine(tables: ["state": "segment = \"1MiB\"\njournal_cap = \"64MiB\""])
            var moments = SplitMix(seed: 1)
            let traffic = Rounds(to: machine)
            let watch = Watch(machine)
            let kills = isSoak ? 500 : 44
            for kill in 1...kills {
                try traffic.keepGoing()
                let life = try machine.start()
                // Some die while they start, before any output.
                if moments.below(4) == 0 {
                    Thread.sleep(forTimeInterval: 0.001 * Double(moments.below(150)))
                } else {
                    try life.becomeReady()
                    if kill % 4 == 0 { try watch.look(visitorsMax: traffic.visitorsMax) }
                    Thread.sleep(forTimeInterval: 0.001 * Double(moments.below(250)))
                }
                let end = life.kill()
                let said = try machine.said
                #expect(end == 128 + SIGKILL, "it ended by itself: \(said.suffix(2000))")
            }
            let life = try machine.start()
            try life.becomeReady()
            #expect(try traffic.finish() == [])
            // No visitor is counted twice, and none is forgotten.
            let numbers = try machine.numbers()
            for (name, site) in numbers.sites {
                #expect(
                    site.online == traffic.visitors[name] && site.peak == traffic.visitors[name], "\(name): \(site)")
            }
            #expect(try machine.complaints == [])
            print("\(kills) kills at random moments: \(traffic.description), 0 lost, 0 doubled")
        }

        @Test("killed at every step of its writing, the daemon has counted everything once", .enabled(if: canCrash))
        func points() throws {
            let machine = try Machine(tables: ["state": "segment = \"1MiB\"\njournal_cap = \"64MiB\""])
            // A site's midnight every five seconds, for the salts. A round of traffic takes no longer, so a visitor who
            // returns does so within a day and is recognised with yesterday's salt.
            let days = ["FOOTFALL_DAY_SECONDS": "\(Int(Rounds.seconds))"]
            var random = SplitMix(seed: 2)
            let traffic = Rounds(to: machine)
            let watch = Watch(machine)
            let names = try Self.crashPoints()
            let times = isSoak ? 50 : 2
            for time in 1...times {
                for name in names.sorted() {
                    let count = 1 + random.below(Self.occasions(of: name, isFirst: time == 1))
                    try traffic.keepGoing()
                    let life = try machine.start(days.merging(Self.crash(at: name, count)) { $1 })
                    let end = try life.awaitEnd(doing: traffic.keepGoing)
                    let said = try machine.said
                    #expect(end == 128 + SIGKILL, "\(name):\(count) was not reached: \(said.suffix(2000))")
                    let next = try machine.start(days)
                    try next.becomeReady()
                    try watch.look(visitorsMax: .max)
                    Thread.sleep(forTimeInterval: 0.001 * Double(random.below(150)))
                    #expect(next.kill() == 128 + SIGKILL)
                }
            }
            let life = try machine.start(days)
            try life.becomeReady()
            #expect(try traffic.finish() == [])
            #expect(try machine.complaints == [])
            print("\(2 * times * names.count) kills, \(times) at each of \(names.count) points: \(traffic.description)")
        }

        @Test(
            "killed again and again in its first checkpoint, it does not run out of journal", .enabled(if: canCrash),
            arguments: ["visitorsWritten", "committed"])
        func crashLoop(point: String) throws {
            let machine = try Machine(tables: ["state": "segment = \"1MiB\"\njournal_cap = \"4MiB\""])
            let first = try machine.start()
            try first.becomeReady()
            let traffic = try KnownTraffic(to: machine, seed: 6, seconds: 3)
            try machine.count(datagrams: 100, of: traffic)
            first.kill()
            for _ in 0..<10 {
                let life = try machine.start(Self.crash(at: point))
                #expect(try life.awaitEnd() == 128 + SIGKILL)
            }
            let life = try machine.start()
            try life.becomeReady()
            #expect(try machine.scrape()["lost_frames"] == 0)
            #expect(try traffic.finish().complaints == [])
        }

        @Test("stopped normally under load, it leaves a checkpoint and an empty ring, and continues without a gap")
        func cleanStop() throws {
            let machine = try Machine()
            let watch = Watch(machine)
            let traffic = try KnownTraffic(to: machine, seed: 3, seconds: 3)
            for _ in 0..<3 {
                let life = try machine.start()
                try life.becomeReady()
                try watch.look(visitorsMax: 200)
                try machine.count(datagrams: 1000, of: traffic)
                #expect(life.stop() == 0)
                let kept = try Machine.files(in: machine.state)
                #expect(kept.count == 3 && kept.contains("footfall.db") && kept.contains("lock"), "\(kept)")
                #expect(kept.contains { $0.hasPrefix("visitors-") })
                #expect(try machine.ring().receivedBytes.allSatisfy { $0 == 0 })
            }
            let life = try machine.start()
            try life.becomeReady()
            #expect(try machine.scrape()["replay_records"] == 0)
            #expect(try traffic.finish().complaints == [])
            #expect(try machine.complaints == [])
        }

        @Test("the first response after a kill is complete: ready comes after replay")
        func readiness() throws {
            let machine = try Machine()
            var replayed = 0
            // If a checkpoint was just before the kill, there is nothing to replay.
            for seed in 1...5 where replayed == 0 {
                let life = try machine.start()
                try life.becomeReady()
                #expect(try KnownTraffic(to: machine, seed: seed, seconds: 1).finish().complaints == [])
                let before = try machine.numbers()
                life.kill()
                let next = try machine.start()
                try next.becomeReady()
                #expect(try machine.numbers() == before)
                replayed = try machine.scrape()["replay_records"]
                next.kill()
            }
            #expect(replayed > 0)
        }

        @Test("with the runtime directory on a disk, it warns, counts, and loses nothing when it is stopped")
        func withoutRing() throws {
            let machine = try Machine(isRuntimeInMemory: false)
            let traffic = try KnownTraffic(to: machine, seed: 4, seconds: 2)
            for _ in 0..<2 {
                let life = try machine.start()
                try life.becomeReady()
                try machine.count(datagrams: 500, of: traffic)
                #expect(life.stop() == 0)
                #expect(try !Machine.files(in: machine.runtime).contains("landing.ring"))
            }
            let life = try machine.start()
            try life.becomeReady()
            #expect(try traffic.finish().complaints == [])
            #expect(try machine.said.contains("The landing ring is private memory: a kill may lose the batch in hand"))
        }

        /// How often a point is certainly reached within a few seconds.
        static func occasions(of name: String, isFirst: Bool) -> Int {
            switch name {
            case "armed", "received", "beforeFrame", "inFrame", "afterFrame", "released": isFirst ? 1 : 300
            case "saltDrawn", "saltStored", "segmentFull", "segmentBegun": 2
            case "beforeCommit": 3
            default: 1
            }
        }

        /// The environment of a daemon that dies when a point is reached for the `count`th time.
        static func crash(at name: String, _ count: Int = 1) throws -> [String: String] {
            ["FOOTFALL_CRASH": "\(try #require(crashPoints().firstIndex(of: name))):\(count)"]
        }

        /// All points in their order, so that a new one cannot be forgotten.
        static func crashPoints() throws -> [String] {
            let source = URL(filePath: #filePath).deletingLastPathComponent()
                .appending(path: "../../Sources/Storage/CrashPoint.swift").standardized
            let names = try String(contentsOf: source, encoding: .utf8).matches(of: #/(?m)^    case (\w+)$/#)
            try #require(names.count >= 14)
            return names.map { String($0.1) }
        }
    }
}
