import Foundation
import Glibc
import Testing

extension Hardship {
    /// The real daemon under load while the system below it fails: it reports the fault, continues to count, and
    /// recovers by itself.
    @Suite(.serialized, .enabled(if: Fault.isToBeHad, "needs strace and the right to trace"))
    struct FaultTests {
        /// The calls that fail, and the words that the report must contain.
        struct Trouble: CustomTestStringConvertible, Sendable {
            let calls: String, how: String
            var file = ""
            var word: String
            var testDescription: String { "\(how) of \(calls)\(file.isEmpty ? "" : " on " + file)" }
        }

        @Test(
            "a journal that cannot be written is reported, nothing is lost, and it recovers by itself",
            arguments: [
                Trouble(calls: "pwritev", how: "error=ENOSPC", word: "No space left on device"),
                Trouble(calls: "fallocate", how: "error=ENOSPC", word: "No space left on device"),
                Trouble(calls: "pwritev", how: "error=EIO", word: "Input/output error"),
                Trouble(calls: "pwritev,openat", how: "error=EROFS", word: "Read-only file system"),
                Trouble(calls: "pwritev", how: "retval=0", word: "No space left on device"),
            ])
        func journal(trouble: Trouble) throws {
            let machine = try Machine(tables: ["state": "segment = \"1MiB\"\njournal_cap = \"64MiB\""])
            let life = try machine.start()
            try life.becomeReady()
            let traffic = try KnownTraffic(to: machine, seed: 1, seconds: 4)
            try machine.count(datagrams: 100, of: traffic)
            try suffer(trouble, life, machine)
            try checkAll(traffic, life, machine)
        }

        @Test(
            "a database that cannot be written is reported, nothing is lost or doubled, and it recovers by itself",
            arguments: [
                Trouble(
                    calls: "pwrite64", how: "error=ENOSPC", file: "footfall.db-wal", word: "No space left on device"),
                Trouble(calls: "pwrite64", how: "error=ENOSPC", file: "footfall.db", word: "No space left on device"),
                Trouble(calls: "pwrite64", how: "error=EIO", file: "footfall.db-wal", word: "Input/output error"),
                Trouble(calls: "fdatasync", how: "error=EIO", file: "footfall.db-wal", word: "Input/output error"),
                Trouble(calls: "fdatasync", how: "error=EIO", file: "footfall.db", word: "Input/output error"),
            ])
        func database(trouble: Trouble) throws {
            let machine = try Machine()
            // Midnights, so that salts are stored and history rows close all the time.
            let days = ["FOOTFALL_DAY_SECONDS": "1"]
            let life = try machine.start(days)
            try life.becomeReady()
            let traffic = try KnownTraffic(to: machine, seed: 1, seconds: 4)
            try machine.count(datagrams: 100, of: traffic)
            try suffer(trouble, life, machine) {
                // Past two midnights, whose salts and history rows cannot be stored in this time.
                try machine.passMidnights(2)
            }
            try checkAll(traffic, life, machine, days)
        }

        @Test("a failed sync is not retried: a checkpoint and a new segment replace it")
        func syncOnce() throws {
            let machine = try Machine(tables: ["state": "segment = \"1MiB\""])
            let life = try machine.start()
            try life.becomeReady()
            let traffic = try KnownTraffic(to: machine, seed: 1, seconds: 5)
            try machine.count(datagrams: 100, of: traffic)
            let before = try machine.scrape().seconds("checkpoint_last_success_timestamp_seconds")
            let segments = try Machine.files(in: machine.state + "/journal").map { machine.state + "/journal/" + $0 }
            let fault = try Fault("fdatasync", "error=EIO:when=1", at: segments, of: life)
            try eventually("it reports a fault") {
                machine.get("/readyz").map { $0.status == 503 && $0.body.contains("Input/output error") } ?? false
            }
            try eventually("it is ready again") { machine.get("/readyz")?.status == 200 }
            #expect(try fault.count == 1)
            fault.end()
            #expect(try machine.scrape().seconds("checkpoint_last_success_timestamp_seconds") > before)
            // The file that failed is gone.
            let left = try Machine.files(in: machine.state + "/journal").map { machine.state + "/journal/" + $0 }
            #expect(Set(segments).subtracting(left).count > 0)
            try checkAll(traffic, life, machine)
        }

        @Test("if neither journal nor database can be synced, it ends with status 69, and the next start is right")
        func syncForGood() throws {
            let machine = try Machine(tables: ["state": "segment = \"1MiB\""])
            let life = try machine.start()
            try life.becomeReady()
            let traffic = try KnownTraffic(to: machine, seed: 1, seconds: 4)
            try machine.count(datagrams: 100, of: traffic)
            let fault = try Fault("fdatasync,fsync", "error=EIO", of: life)
            #expect(try life.awaitEnd() == 69)
            fault.end()
            #expect(try machine.said.contains("Neither journal nor database can be relied on"))
            let next = try machine.start()
            try next.becomeReady()
            try checkAll(traffic, next, machine)
        }

        @Test("while some counts are only in memory it does not end, whatever fails")
        func nothingWorks() throws {
            let machine = try Machine(tables: ["state": "segment = \"1MiB\""])
            let life = try machine.start()
            try life.becomeReady()
            let traffic = try KnownTraffic(to: machine, seed: 1, seconds: 4)
            try machine.count(datagrams: 100, of: traffic)
            try suffer(
                Trouble(calls: "pwritev,pwrite64,fdatasync,fsync", how: "error=EIO", word: "Input/output error"), life,
                machine
            ) {
                try eventually("a checkpoint fails") { try machine.scrape()["checkpoint_failures_total"] > 1 }
            }
            try checkAll(traffic, life, machine)
        }

        @Test("a short write is completed, or repeated as a whole")
        func shortWrite() throws {
            let machine = try Machine(tables: ["state": "segment = \"1MiB\""])
            // The kernel writes up to the limit of a file's size and then sends a signal. The signal is not tested
            // here.
            let life = try machine.start(ignoring: "XFSZ")
            try life.becomeReady()
            let traffic = try KnownTraffic(to: machine, seed: 1, seconds: 3)
            try machine.count(datagrams: 100, of: traffic)
            // In the middle of the segment, and so almost certainly in the middle of a frame.
            try life.limitFiles(to: 500_001)
            try eventually("it reports a fault") {
                machine.get("/readyz").map { $0.status == 503 && $0.body.contains("File too large") } ?? false
            }
            try life.limitFiles(to: nil)
            try eventually("it is ready again") { machine.get("/readyz")?.status == 200 }
            try checkAll(traffic, life, machine)
        }

        @Test("buffered frames are lost with the process and only with it, and the loss is reported to the hit")
        func killedWhileHolding() throws {
            let machine = try Machine()
            let life = try machine.start()
            try life.becomeReady()
            let traffic = try KnownTraffic(to: machine, seed: 1, seconds: 2, oddities: 0, patience: 3)
            try machine.count(datagrams: 100, of: traffic)
            let fault = try Fault("pwritev", "error=ENOSPC", of: life)
            try eventually("frames are buffered") { try machine.scrape()["journal_held_bytes"] > 10_000 }
            life.kill()
            fault.end()
            let next = try machine.start()
            try next.becomeReady()
            let lost = try machine.scrape()["lost_hits"]
            #expect(lost > 0)
            let summary = try #require(try traffic.finish().summary)
            let expected = summary.expected.sites.values.reduce(0) { $0 + ($1["views"] ?? 0) }
            let counted = try machine.numbers().sites.values.reduce(0) { $0 + $1.views }
            #expect(expected - counted == lost)
        }

        @Test("unreadable parts of the journal are lost and named, and do not prevent a start")
        func unreadable() throws {
            let machine = try Machine()
            let life = try machine.start()
            try life.becomeReady()
            let traffic = try KnownTraffic(to: machine, seed: 1, seconds: 2, oddities: 0)
            #expect(try traffic.finish().complaints == [])
            let before = try machine.numbers().sites.values.reduce(0) { $0 + $1.views }
            life.kill()
            let segments = try Machine.files(in: machine.state + "/journal")
            let segment = try #require(segments.first)
            // Once for its head, once for its place in the order. The third read is the real one, and there the first
            // block fails.
            let next = try machine.start(
                by: Fault.command("pread64", "error=EIO:when=3", at: machine.state + "/journal/" + segment))
            try next.becomeReady()
            let lost = try machine.scrape()["lost_hits"]
            #expect(lost > 0)
            #expect(try machine.numbers().sites.values.reduce(0) { $0 + $1.views } == before - lost)
            #expect(next.stop() == 0)
            #expect(try Machine.files(in: machine.state + "/journal") == ["quarantine/" + segment])
        }

        @Test("a salt for a coming day that cannot be stored does not prevent a start")
        func saltLater() throws {
            let machine = try Machine()
            let days = ["FOOTFALL_DAY_SECONDS": "1"]
            let life = try machine.start(days)
            try life.becomeReady()
            let log = machine.state + "/footfall.db-wal"
            let fault = try Fault("pwrite64", "error=ENOSPC", at: [log], of: life)
            try eventually("nothing can be stored") {
                machine.get("/readyz").map { $0.body.contains("no checkpoint") } ?? false
            }
            // Past two midnights: the first uses the salt that was stored for it, and there is no other.
            try machine.passMidnights(2)
            life.kill()
            fault.end()
            let next = try machine.start(days, by: Fault.command("pwrite64", "error=ENOSPC", at: log))
            let traffic = try KnownTraffic(to: machine, seed: 1, seconds: 1, compares: false)
            let sent = try #require(try traffic.finish().summary)
            try eventually("it counts") {
                guard next.process.isRunning else { throw Daemon.Failure(description: try machine.said) }
                guard machine.get("/healthz") != nil else { return false }
                return try machine.scrape()["ingest_datagrams_total"] == sent.datagrams
            }
            next.kill()
            let last = try machine.start()
            try last.becomeReady()
            #expect(try machine.scrape()["ingest_datagrams_total"] == sent.datagrams)
        }

        /// Makes a daemon fail under load, and waits until it is ready again.
        private func suffer(
            _ trouble: Trouble, _ life: Life, _ machine: Machine, until isEnough: () throws -> Void = {}
        ) throws {
            let paths = trouble.file.isEmpty ? [] : [machine.state + "/" + trouble.file]
            let fault = try Fault(trouble.calls, trouble.how, at: paths, of: life)
            func isNamed() -> Bool {
                machine.get("/readyz").map { $0.status == 503 && $0.body.contains(trouble.word) } ?? false
            }
            try eventually("it reports the fault", isNamed)
            // It reports the fault as long as it lasts, in all places.
            for _ in 0..<100 { #expect(isNamed()) }
            #expect(try machine.scrape()["degraded"] == 1)
            try machine.keepCounting()
            try isEnough()
            #expect(try fault.count > 0)
            fault.end()
            let ended = Date()
            try eventually("it is ready again") { machine.get("/readyz")?.status == 200 }
            let scrape = try machine.scrape()
            #expect(scrape["degraded"] == 0 && scrape["journal_held_bytes"] == 0)
            print("\(trouble.testDescription): ready again after \(Int(Date().timeIntervalSince(ended) * 1000)) ms")
        }

        /// Everything is counted once, now and after a kill, and so it is in the history.
        private func checkAll(
            _ traffic: KnownTraffic, _ life: Life, _ machine: Machine, _ environment: [String: String] = [:]
        ) throws {
            // With short days a visitor who pauses may count as new.
            let complaints = try traffic.finish().complaints
            #expect(complaints.filter { environment.isEmpty || !$0.contains(": visits ") } == [])
            #expect(machine.get("/readyz")?.status == 200)
            #expect(try !machine.said.contains("damaged"))
            let before = try machine.numbers()
            #expect(life.kill() == 128 + SIGKILL)
            let next = try machine.start(environment)
            try next.becomeReady()
            #expect(try machine.numbers().totals == before.totals)
            #expect(try machine.scrape()["lost_frames"] == 0)
            if !environment.isEmpty {
                try eventually("the last day with traffic is over") {
                    try machine.numbers().sites.values.allSatisfy { $0.viewsToday == 0 }
                }
            }
            #expect(next.stop() == 0)
            if !environment.isEmpty {
                let sums = try machine.query(
                    "SELECT name, sum(views) FROM day JOIN site ON site = site.id GROUP BY name")
                #expect(sums == before.sites.mapValues(\.views))
            }
        }
    }
}

extension Life {
    /// The longest file that it may write.
    fileprivate func limitFiles(to bytes: Int?) throws {
        let result = try shell("prlimit --pid \(process.pid) --fsize=\(bytes.map { "\($0)" } ?? "unlimited"):unlimited")
        guard result.status == 0 else { throw Daemon.Failure(description: result.errors) }
    }
}

extension Machine {
    /// Waits for more hits, which arrive while nothing can be written.
    fileprivate func keepCounting() throws {
        let before = try scrape()["ingest_datagrams_total"]
        try eventually("it continues to count") { try scrape()["ingest_datagrams_total"] > before }
    }

    /// Rows with a name and a number from the database of a stopped daemon.
    func query(_ sql: String) throws -> [String: Int] {
        let script = """
            import sqlite3; c = sqlite3.connect('file:\(state)/footfall.db?mode=ro', uri=True); \
            [print(*row) for row in c.execute('\(sql)')]
            """
        let result = try shell("python3 -c \"\(script)\"")
        guard result.status == 0 else { throw Daemon.Failure(description: result.errors) }
        var rows: [String: Int] = [:]
        for line in result.output.split(separator: "\n") {
            let words = line.split(separator: " ")
            rows[String(words[0])] = Int(words[1])
        }
        return rows
    }
}

extension Machine {
    /// Waits until `count` days of a site have begun.
    fileprivate func passMidnights(_ count: Int) throws {
        var days: Set<Substring> = []
        try eventually("days begin") {
            let top = get("/api/v1/sites/demo/top/pages")?.body ?? ""
            if let day = top.firstMatch(of: /"day":"([^"]+)"/) { days.insert(day.1) }
            return days.count > count
        }
    }
}
