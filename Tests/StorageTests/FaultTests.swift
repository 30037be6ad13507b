import Counting
import Foundation
import Glibc
import Ingest
import Storage
import Testing

/// A full disk, a journal at its cap, a second daemon, a reader in the way: nothing is lost without a reason, and
/// recovery needs no restart.
@Suite("Fault", .serialized)
struct FaultTests {
    /// Three segments at most.
    private static var capped: Journal.Configuration {
        var configuration = Journal.Configuration.small
        configuration.capBytes = 3 * configuration.segmentBytes
        configuration.syncMilliseconds = 10
        return configuration
    }

    @Test("a journal at its cap buffers frames until a checkpoint frees it, and no frame is lost or doubled")
    func cap() throws {
        var traffic = Traffic(seed: 51)
        let start = Moment(milliseconds: traffic.now)
        let folder = try Folder()
        let life = try Life(in: folder.path, limits: traffic.limits, now: start, Self.capped)
        var truth = Engine(limits: traffic.limits, at: start)
        for round in 1...4 {
            while life.journal.status.numbers.bufferedBytes < 4096 {
                let frame = traffic.nextFrame()
                let records = frame.bytes
                try truth.apply(records.span)
                try life.append(frame)
            }
            let status = life.journal.status
            #expect(status.failure == .journalFull(bytes: Self.capped.capBytes), "round \(round)")
            #expect(status.numbers.bytes <= Self.capped.capBytes && life.journal.wantsCheckpoint, "round \(round)")
            #expect(life.checkpoint() == nil, "round \(round)")
            #expect(eventually { life.journal.status.numbers.bufferedBytes == 0 }, "round \(round)")
            try life.append(
                traffic.nextFrame().also { frame in
                    let records = frame.bytes
                    try truth.apply(records.span)
                })
            #expect(eventually { life.journal.status.failure == nil }, "round \(round)")
        }
        let sequence = life.journal.next.sequence - 1
        let recovery = try recover(try life.kill(), limits: traffic.limits)
        #expect(recovery.sequence == sequence && recovery.losses == [])
        var (counted, expected) = (recovery.engine, truth)
        expected.advance(to: counted.now)
        let isEqual = counted.snapshot() == expected.snapshot()
        #expect(isEqual)
    }

    @Test("every current fault has a sentence, and a fault that is near is a warning")
    func health() throws {
        var traffic = Traffic(seed: 53)
        let folder = try Folder()
        let life = try Life(
            in: folder.path, limits: traffic.limits, now: Moment(milliseconds: traffic.now), Self.capped)
        func health(cap: Int) -> StateHealth {
            StateHealth(life.journal, life.checkpointer, directory: folder.path, journalCapBytes: cap)
        }
        #expect(health(cap: 0).degraded == [] && health(cap: 0).warnings.isEmpty)
        let room = health(cap: .max).warnings.map(\.detail)
        #expect(room.count == 1 && room[0].contains("MiB are free in \(folder.path), less than the journal may need"))
        while life.journal.status.numbers.bufferedBytes < 4096 { try life.append(traffic.nextFrame()) }
        let sentence = health(cap: 0).degraded.first { $0.hasPrefix("the journal has reached its cap") } ?? ""
        #expect(
            sentence.hasSuffix("; \(life.journal.status.numbers.bufferedBytes) bytes of counts are buffered in memory"),
            "\(sentence)")
        #expect(health(cap: 0).warnings.contains { $0.code == .disk && $0.detail == sentence })
        #expect(life.checkpoint() == nil)
        try life.append(traffic.nextFrame())
        #expect(eventually { health(cap: 0).degraded == [] })
        try life.end()
    }

    @Test("buffered frames lost in a kill are named to the hit, because the ring shows how far the journal went")
    func heldAndKilled() throws {
        var traffic = Traffic(seed: 52)
        let folder = try Folder()
        let life = try Life(
            in: folder.path, limits: traffic.limits, now: Moment(milliseconds: traffic.now), Self.capped)
        var written = life.engine
        var next = life.journal.next
        while life.journal.status.numbers.bufferedBytes < 4096 {
            let frame = traffic.nextFrame()
            try life.append(frame)
            guard life.journal.status.numbers.bufferedBytes == 0 else { continue }
            let records = frame.bytes
            try written.apply(records.span)
            next = life.journal.next
        }
        let armed = life.journal.next
        let left = try life.kill()
        let recovery = try recover(left, limits: traffic.limits, armed: armed)
        #expect(recovery.losses.map(\.frames) == [next.sequence...armed.sequence - 1])
        #expect(recovery.losses.map(\.hits) == [armed.before - next.before])
        #expect(recovery.sequence == armed.sequence - 1 && recovery.hits == armed.before)
        var counted = recovery.engine
        let isEqual = counted.snapshot() == written.snapshot()
        #expect(isEqual)
    }

    @Test("when the buffer is full, beacons are refused as limit, and the sums stay right")
    func limit() throws {
        var configuration = Self.capped
        configuration.heldBytesMax = 2048
        let folder = try Folder()
        var counter = try PersistentCounter(in: folder.path, configuration)
        var sent: UInt64 = 0
        func send(_ count: Int) {
            for _ in 0..<count {
                sent += 1
                counter.receive("f1 s=demo&v=\(sent)&u=/page-\(sent)\ns=demo&n=ping&v=\(sent)")
                counter.pass(milliseconds: 10)
            }
        }
        while counter.pipeline.engine.counters[.beaconsLimit] < 100 { send(100) }
        #expect(counter.journal.isFull)
        #expect(counter.journal.status.numbers.bufferedBytes < 16 << 10)
        counter.pass(milliseconds: 2000)
        counter.expectConservation("full")
        let full = counter.pipeline.engine.counters
        #expect(full[.datagrams] == sent && full[.records] == 2 * sent)
        #expect(full[.views] + full[.beaconsLimit] / 2 == sent)

        // A checkpoint makes room.
        #expect(counter.checkpoint() == nil)
        let journal = counter.journal
        #expect(eventually { journal.status.numbers.bufferedBytes == 0 && !journal.isFull })
        counter.pass(milliseconds: 2000)
        send(50)
        let after = counter.pipeline.engine.counters
        // The first batch after that may still be refused.
        let late = after[.beaconsLimit] - full[.beaconsLimit]
        #expect(after[.views] + late / 2 == full[.views] + 50 && late <= 2)
        counter.expectConservation("free again")

        let left = try counter.kill()
        let recovery = try recover(left)
        #expect(recovery.losses == [] && recovery.engine.counters == after)
    }

    @Test(
        "a full disk stops frames and checkpoints, and both resume without a restart", .enabled(if: canMount))
    func fullDisk() throws {
        let disk = try Disk(kibibytes: 640)
        var configuration = Journal.Configuration.small
        configuration.segmentBytes = 32 << 10
        configuration.syncMilliseconds = 10
        var traffic = Traffic(seed: 53)
        let start = Moment(milliseconds: traffic.now)
        let life = try Life(in: disk.path + "/state", limits: traffic.limits, now: start, configuration)
        var truth = Engine(limits: traffic.limits, at: start)
        func append(_ count: Int) throws {
            for _ in 0..<count {
                let frame = traffic.nextFrame()
                let records = frame.bytes
                try truth.apply(records.span)
                try life.append(frame)
            }
        }
        for round in 1...3 {
            try append(20)
            #expect(life.checkpoint() == nil, "round \(round)")
            try disk.fill()
            while life.journal.status.numbers.bufferedBytes < 30_000 { try append(10) }
            guard case .system(_, _, ENOSPC)? = life.journal.status.failure else {
                Issue.record("round \(round): \(String(describing: life.journal.status.failure))")
                return
            }
            // Counting continues. Rows that close in the meantime must not be written twice later.
            for _ in 1...3 {
                #expect(life.checkpoint() != nil, "round \(round)")
                try append(10)
            }
            try disk.empty()
            if round == 2 { #expect(life.checkpoint() == nil) }
            #expect(eventually { life.journal.status.numbers.bufferedBytes == 0 }, "round \(round)")
            try append(1)
            #expect(life.journal.status.failure == nil, "round \(round)")
        }
        let last = life.journal.next.sequence - 1
        let killed = try life.kill()
        let life2 = try Life(in: killed.path, limits: traffic.limits)
        #expect(life2.recovery.sequence == last && life2.recovery.losses == [])
        var (counted, expected) = (life2.engine, truth)
        expected.advance(to: counted.now)
        let isEqual = counted.snapshot() == expected.snapshot()
        #expect(isEqual)
        let left = try life2.end()
        var history = try History(database: left.path + "/footfall.db")
        history.add(closing(life2.engine))
        var whole = History()
        whole.add(closing(expected))
        #expect(history.differences(from: whole) == [])
    }

    @Test("a second daemon cannot open a state while any part of the first one may write")
    func inUse() throws {
        let folder = try Folder()
        do {
            let life = try Life(in: folder.path)
            let error = #expect(throws: StorageError.self) { _ = try StateDirectory(folder.path) }
            #expect(error == .inUse(path: folder.path) && error?.description.contains("another footfall") == true)
            try life.checkpointer.stop(life.request())
        }
        #expect(eventually { (try? StateDirectory(folder.path)) != nil })
    }

    @Test("a long read of the database doubles no row and keeps no salt")
    func reader() throws {
        var traffic = Traffic(seed: 54)
        let start = Moment(milliseconds: traffic.now)
        let folder = try Folder()
        let life = try Life(in: folder.path, limits: traffic.limits, now: start)
        try life.append((0..<60).map { _ in traffic.nextFrame() })
        let reader = try Reader(folder.path + "/footfall.db")
        let salt = StoredSalt(number: 7, site: SiteIndex(0), bytes: (1...32).map { UInt8($0) })
        life.checkpointer.store([salt])
        // SQLite waits 5 s for the reader, each time.
        _ = life.checkpoint()
        try reader.end()
        try life.append((0..<60).map { _ in traffic.nextFrame() })
        #expect(life.checkpoint(saltsKept: [7], saltsThrough: 7) == nil)
        #expect(eventually { life.checkpointer.saltsStored == 7 })
        #expect(life.checkpoint(saltsKept: [7], saltsThrough: 7) == nil)
        let left = try life.end()
        var history = try History(database: left.path + "/footfall.db")
        history.add(closing(life.engine))
        #expect(history.views == Int64(life.engine.counters[.views]))
        #expect(try rows(left.path + "/footfall.db", "SELECT count(*) FROM salt") == [["1"]])
        #expect(try left.files()["footfall.db-wal"] ?? [] == [])
    }

    @Test("a frame larger than a segment is stored and read in its order, whatever segment was created in advance")
    func largeFrame() throws {
        var traffic = Traffic(seed: 55)
        let folder = try Folder()
        let life = try Life(in: folder.path, limits: traffic.limits, now: Moment(milliseconds: traffic.now))
        for round in 0..<6 {
            try life.append((0..<30).map { _ in traffic.nextFrame() })
            var large = traffic.nextFrame()
            while large.bytes.count < (round % 2 == 0 ? 20_000 : 8190) { large.append(.counter(.bytes, 1)) }
            try life.append(large)
        }
        let sequence = life.journal.next.sequence - 1
        let recovery = try recover(try life.kill(), limits: traffic.limits)
        #expect(recovery.sequence == sequence && recovery.losses == [])
        var (counted, expected) = (recovery.engine, life.engine)
        expected.advance(to: counted.now)
        let isEqual = counted.snapshot() == expected.snapshot()
        #expect(isEqual)
    }

    @Test("the first frame of ten thousand sites does not fit into a segment, and is read first")
    func largeFirstFrame() throws {
        let folder = try Folder()
        let life = try Life(in: folder.path)
        var first = Frame()
        for i in 0..<10_000 {
            let rollover = DayRollover(day: LocalDay(number: 0), begins: .epoch, salt: UInt32(i))
            first.append(.site(SiteIndex(i), SiteSettings(name: "site-\(i)"), rollover, at: .epoch))
        }
        try life.append(first)
        for i in 0..<3000 {
            var frame = Frame()
            frame.append(.rejected(SiteIndex(i * 7 % 10_000), 1))
            try life.append(frame)
        }
        let recovery = try recover(try life.kill())
        #expect(recovery.sequence == 3001 && recovery.losses == [] && recovery.engine.siteCount == 10_000)
    }
}

extension Frame {
    fileprivate func also(_ body: (Frame) throws -> Void) rethrows -> Frame {
        try body(self)
        return self
    }
}
