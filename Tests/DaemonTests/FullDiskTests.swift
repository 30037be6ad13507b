import Foundation
import Testing

extension Hardship {
    /// The real daemon on a small separate disk, under load.
    @Suite(.serialized, .enabled(if: Disk.isToBeHad, "needs root, mkfs.ext4 and loop devices"))
    struct FullDiskFaultTests {
        @Test("a full disk is reported, counting continues, and free space is enough to recover")
        func full() throws {
            let disk = try Disk(megabytes: 32)
            let machine = try Machine(
                state: disk.path + "/state", tables: ["state": "segment = \"1MiB\"\njournal_cap = \"8MiB\""])
            let life = try machine.start()
            try life.becomeReady()
            let traffic = try KnownTraffic(to: machine, seed: 1, seconds: 8)
            try machine.count(datagrams: 100, of: traffic)
            try disk.fill()
            try eventually("frames are buffered") { try machine.scrape()["journal_held_bytes"] > 0 }
            try eventually("it says what to do") {
                machine.get("/readyz").map { $0.body.contains("make room on that disk") } ?? false
            }
            try disk.clear()
            let cleared = Date()
            try eventually("it is ready again") { machine.get("/readyz")?.status == 200 }
            print("full disk: ready again after \(Int(Date().timeIntervalSince(cleared) * 1000)) ms")
            #expect(try traffic.finish().complaints == [])
            let before = try machine.numbers()
            life.kill()
            let next = try machine.start()
            try next.becomeReady()
            #expect(try machine.numbers() == before)
            #expect(next.stop() == 0)
            #expect(try machine.complaints.filter { !$0.contains("Degraded") } == [])
            try disk.unmount()
        }

        @Test("hits that memory cannot buffer are refused as `limit`, and every record is accounted for")
        func overfull() throws {
            let disk = try Disk(megabytes: 32)
            let machine = try Machine(
                state: disk.path + "/state",
                tables: ["state": "segment = \"1MiB\"\njournal_cap = \"8MiB\"", "limits": "held = \"64KiB\""])
            let life = try machine.start()
            try life.becomeReady()
            let traffic = try KnownTraffic(to: machine, seed: 1, seconds: 4, oddities: 0, compares: false)
            try machine.count(datagrams: 100, of: traffic)
            try disk.fill()
            let sent = try #require(try traffic.finish().summary)
            try eventually("it has seen all of it") {
                try machine.scrape()["ingest_datagrams_total"] == sent.datagrams
            }
            #expect(try machine.scrape()["journal_held_bytes"] < 100_000)
            try disk.clear()
            try eventually("it is ready again") { machine.get("/readyz")?.status == 200 }
            let views = try machine.numbers().sites.values.reduce(0) { $0 + $1.views }
            let scrape = try machine.scrape()
            let refused = scrape[#"ingest_rejected_beacons_total{reason="limit"}"#]
            #expect(refused > 1000)
            #expect(scrape["ingest_records_total"] == sent.records)
            // Only views were sent.
            #expect(views + refused == sent.records)
            // The next hit is counted.
            #expect(try KnownTraffic(to: machine, seed: 2, seconds: 0.2).finish().complaints == [])
            let before = try machine.numbers()
            life.kill()
            let next = try machine.start()
            try next.becomeReady()
            #expect(try machine.numbers() == before)
            next.kill()
            try disk.unmount()
            print("overfull disk: \(views) views counted and \(refused) refused of \(sent.records)")
        }
    }
}
