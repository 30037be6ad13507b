import Counting
import Foundation
import Glibc
import Synchronization
import TestSupport
import Testing

extension Hardship {
    /// The real daemon on a separate disk whose power is cut under load.
    @Suite(.serialized, .enabled(if: Disk.isToBeHad, "needs root, mkfs.ext4 and loop devices"))
    struct PowerCutTests {
        @Test("after a power cut at most the last second is lost, nothing counts twice, and the database is undamaged")
        func cuts() throws {
            let disk = try Disk(megabytes: 256)
            var moments = SplitMix(seed: 5)
            var losses: [Int] = []
            var base = 0
            let cuts = isSoak ? 50 : 2
            for cut in 1...cuts {
                // A power cut ends the sockets and the ring as well, so each cut has its own machine. A small journal
                // makes checkpoints once a second.
                let machine = try Machine(
                    state: disk.path + "/state", tables: ["state": "segment = \"1MiB\"\njournal_cap = \"3MiB\""])
                let life = try machine.start()
                try life.becomeReady()
                let restored = try machine.scrape()
                #expect(restored["ingest_datagrams_total"] == base)
                let traffic = try KnownTraffic(to: machine, seed: cut, seconds: 2.5, compares: false)
                let meter = Meter(machine)
                try eventually("something is counted") { meter.readings.count > 10 }
                Thread.sleep(forTimeInterval: 0.001 * Double(moments.below(2000)))
                let (readings, moment) = try meter.stop(before: disk.cut)
                life.kill()
                let sent = try #require(try traffic.finish().summary).datagrams
                try disk.unmount()
                try disk.mount()
                #expect(try Self.integrity(of: machine.state) == "ok\n")

                let after = try Machine(state: machine.state)
                let next = try after.start()
                try next.becomeReady()
                let counted = try after.scrape()["ingest_datagrams_total"]
                let kept = try #require(readings.last { $0.datagrams <= counted })
                let loss = Int((moment - kept.time) * 1000)
                losses.append(Self.loss(counted - base, of: sent, readings, base: base, until: moment))
                // It must be above every number that was read a second earlier. The disk decides how long a sync takes,
                // so only the long form, on a machine that does nothing else, requires the second.
                if isSoak {
                    #expect(loss <= 1000, "cut \(cut): \(loss) ms before it, more than \(counted) had been counted")
                }
                #expect(counted <= base + sent)
                // Never before the checkpoint that had succeeded before the last visible one.
                let checkpoints = Set(readings.map(\.checkpoint)).sorted()
                if let before = checkpoints.dropLast().last {
                    #expect(counted >= readings.last { $0.checkpoint < before }?.datagrams ?? 0, "behind a checkpoint")
                }
                // A frame that was cut in two is reported, and its segment. Nothing else may be wrong.
                let words = ["Part of the journal is missing", "Moved to quarantine"]
                #expect(try after.complaints.filter { line in !words.contains { line.contains($0) } } == [])
                #expect(next.stop() == 0)
                base = counted
            }
            try disk.unmount()
            losses.sort()
            print("\(cuts) power cuts: median loss \(losses[cuts / 2]) ms, worst \(losses[cuts - 1]) ms")
        }

        /// Milliseconds between the sending of the first lost datagram and the cut. It is finer than the numbers that
        /// the daemon publishes ten times a second, but only as exact as the sender is punctual.
        private static func loss(
            _ counted: Int, of sent: Int, _ readings: [Meter.Reading], base: Int, until moment: Double
        ) -> Int {
            let rate = Double(KnownTraffic.rate)
            let begun = readings.map { $0.time - Double($0.datagrams - base) / rate }.min() ?? moment
            return counted >= sent ? 0 : max(0, Int((moment - begun - Double(counted) / rate) * 1000))
        }

        /// SQLite's check of a copy, so that only the daemon touches the original.
        private static func integrity(of state: String) throws -> String {
            let folder = try TemporaryFolder()
            let script = """
                import sqlite3; c = sqlite3.connect('\(folder.path)/footfall.db'); \
                print(c.execute('PRAGMA integrity_check').fetchone()[0])
                """
            let result = try shell("cp \(state)/footfall.db* \(folder.path) && python3 -c \"\(script)\"")
            return result.output + result.errors
        }
    }
}

/// Reads a number again and again, each time with the moment.
private final class Meter: Sendable {
    struct Reading {
        /// Seconds, by the daemon's clock.
        var time: Double
        var datagrams: Int
        /// When the newest checkpoint was complete.
        var checkpoint: Double
    }

    private let state = Mutex<(readings: [Reading], isOver: Bool)>(([], false))
    private let ended = DispatchSemaphore(value: 0)

    init(_ machine: Machine) {
        let port = machine.httpPort
        Thread.detachNewThread { [self] in
            while !state.withLock({ $0.isOver }) {
                guard let answer = httpGet(port, "/metrics") else { continue }
                let scrape = Scrape(answer.body)
                let reading = Reading(
                    time: Date().timeIntervalSince1970, datagrams: scrape["ingest_datagrams_total"],
                    checkpoint: scrape.seconds("checkpoint_last_success_timestamp_seconds"))
                state.withLock { if !$0.isOver { $0.readings.append(reading) } }
            }
            ended.signal()
        }
    }

    var readings: [Reading] { state.withLock { $0.readings } }

    /// The readings up to the moment when `end` begins, and that moment.
    func stop(before end: () throws -> Void) rethrows -> (readings: [Reading], moment: Double) {
        let moment = state.withLock { state in
            state.isOver = true
            return Date().timeIntervalSince1970
        }
        try end()
        ended.wait()
        return (readings, moment)
    }
}
