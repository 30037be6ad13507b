import Counting
import Foundation
import Storage
import TestSupport
import Testing

/// The state is the checkpoint and the journal after it, to the byte, wherever either of them ends.
@Suite("Replay")
struct ReplayTests {
    /// What a journal looks like that ends early.
    enum Cut: CaseIterable {
        /// The files end there.
        case short
        /// The files continue with zeros.
        case zeros
    }

    @Test("wherever the journal ends, every checkpoint and the rest give the same bytes", arguments: seeds(2))
    func cuts(seed: UInt64) throws {
        let story = try Story(seed: seed, frames: 80, checkpoints: [11, 12, 40, 67], restarts: [33, 60])
        for checkpoint in story.checkpoints {
            for cut in Cut.allCases {
                for count in checkpoint.sequence...story.frames.count {
                    let files = checkpoint.files.merging(journal(of: story, through: count, cut)) { $1 }
                    try expect(
                        files, story, count, cut, "seed \(seed), checkpoint \(checkpoint.sequence), \(cut) at \(count)")
                }
                let last = try #require(story.places.last)
                for bytes in 1..<last.bytes.count {
                    let part = journal(of: story, through: story.frames.count - 1, andBytes: bytes, cut)
                    let isWhole =
                        part[last.segment]?.dropFirst(last.bytes.lowerBound).prefix(last.bytes.count)
                        .elementsEqual(story.segments[last.segment]?[last.bytes] ?? []) ?? false
                    guard checkpoint.sequence < story.frames.count else { continue }
                    try expect(
                        checkpoint.files.merging(part) { $1 }, story, story.frames.count - (isWhole ? 0 : 1),
                        cut, isTorn: true, "seed \(seed), checkpoint \(checkpoint.sequence), \(cut) in byte \(bytes)")
                }
            }
        }
    }

    /// The segments as if nothing after frame `count` had been written, except `bytes` of the next frame.
    private func journal(of story: Story, through count: Int, andBytes bytes: Int = 0, _ cut: Cut) -> FileSet {
        guard count < story.frames.count else { return story.segments }
        let next = story.places[count]
        let end = next.bytes.lowerBound + bytes
        var segments = story.segments
        for (name, content) in story.segments where name >= next.segment {
            let start = name == next.segment ? end : 64
            switch cut {
            case .short: segments[name] = name == next.segment ? Array(content[..<start]) : nil
            case .zeros: segments[name] = content[..<start] + [UInt8](repeating: 0, count: content.count - start)
            }
        }
        return segments
    }

    private func expect(
        _ files: FileSet, _ story: Story, _ count: Int, _ cut: Cut, isTorn: Bool = false, _ place: String
    ) throws {
        let folder = try Folder(files)
        // The ring was armed for the next frame, or is gone.
        let armed = count % 2 == 0 ? (UInt64(count + 1), story.hits(through: count)) : nil
        for time in 1...2 {
            let recovery = try recover(folder, limits: story.limits, armed: armed)
            if let loss = recovery.losses.first, isTorn, armed == nil {
                // Without the ring, the torn end is one lost frame. If its head is complete, its hits are known.
                #expect(recovery.losses.count == 1 && loss.frames == UInt64(count + 1)...UInt64(count + 1), "\(place)")
                if let hits = loss.hits { #expect(hits == UInt64(story.frames[count].hits), "\(place)") }
                #expect(recovery.sequence == UInt64(count + (loss.hits == nil ? 0 : 1)), "\(place), time \(time)")
            } else {
                #expect(recovery.losses == [], "\(place), time \(time)")
                #expect(recovery.sequence == UInt64(count), "\(place), time \(time)")
                #expect(recovery.hits == story.hits(through: count), "\(place), time \(time)")
            }
            // Only a segment that lost something, or is shorter than when it was created, is named.
            let isNamed = recovery.losses != [] || cut == .short && count < story.frames.count
            if !isNamed { #expect(recovery.quarantined == [], "\(place), time \(time)") }
            var engine = recovery.engine
            let isEqual = engine.snapshot() == story.snapshot(after: count, at: engine.now)
            #expect(isEqual, "\(place), time \(time)")
        }
    }

    @Test(
        "a daemon that continues after any cut reaches the same end, with every row of history once",
        arguments: seeds(2))
    func goesOn(seed: UInt64) throws {
        let story = try Story(seed: seed + 100, frames: 60, checkpoints: [9, 30, 44], restarts: [22])
        let count = story.frames.count
        for checkpoint in story.checkpoints {
            for kept in stride(from: checkpoint.sequence, through: count, by: 7) {
                let place = "seed \(seed), checkpoint \(checkpoint.sequence), cut at \(kept)"
                var folder = try Folder(checkpoint.files.merging(journal(of: story, through: kept, .zeros)) { $1 })
                var life = try Life(in: folder.path, limits: story.limits)
                let middle = (kept + count) / 2
                try life.append(story.frames[kept..<middle])
                #expect(life.checkpoint() == nil)
                try life.append(story.frames[middle...])
                // Once by replay, once after a normal stop, once from the checkpoint alone.
                folder = try life.kill()
                for time in 1...3 {
                    life = try Life(in: folder.path, limits: story.limits)
                    #expect(
                        life.recovery.sequence == UInt64(count) && life.recovery.losses == [], "\(place), time \(time)")
                    var engine = life.engine
                    let isEqual = engine.snapshot() == story.snapshot(after: count, at: engine.now)
                    #expect(isEqual, "\(place), time \(time)")
                    var history = try History(database: folder.path + "/footfall.db")
                    history.add(closing(life.engine))
                    #expect(
                        history.differences(from: story.history(after: count, at: life.engine.now)) == [],
                        "\(place), time \(time)")
                    folder = try life.end()
                }
            }
        }
    }

    @Test("kills and failed checkpoints leave every row of history once", arguments: seeds(4))
    func exactlyOnce(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        var traffic = Traffic(seed: seed + 200)
        let limits = traffic.limits
        let start = Moment(milliseconds: traffic.now)
        var truth = Engine(limits: limits, at: start)
        var folder = try Folder()
        var life = try Life(in: folder.path, limits: limits, now: start)
        for step in 1...60 {
            for _ in 0..<random.number(1...5) {
                let frame = traffic.nextFrame()
                let records = frame.bytes
                try truth.apply(records.span)
                try life.append(frame)
            }
            switch random.number(0...9) {
            case 0...2: #expect(life.checkpoint() == nil, "seed \(seed), step \(step)")
            case 3: life.pass(to: traffic.pause())
            case 4, 5:
                let obstacle = try Obstacle(random.one(of: Obstacle.Kind.allCases), life)
                let failure = life.checkpoint()
                #expect(failure != nil, "seed \(seed), step \(step): \(obstacle.kind) did not stop it")
                try obstacle.clear()
            case 6, 7:
                folder = try life.kill()
                life = try Life(in: folder.path, limits: limits)
            case 8:
                folder = try life.end()
                life = try Life(in: folder.path, limits: limits)
            default: life.journal.sync()
            }
        }
        folder = try life.end()
        life = try Life(in: folder.path, limits: limits)
        #expect(life.recovery.replayedFrames == 0 && life.recovery.losses == [], "seed \(seed)")
        var engine = life.engine
        truth.advance(to: engine.now)
        let (counted, expected) = (engine.snapshot(), truth.snapshot())
        #expect(counted == expected, "seed \(seed)")

        var history = try History(database: folder.path + "/footfall.db")
        history.add(closing(life.engine))
        var whole = History()
        whole.add(closing(truth))
        #expect(history.differences(from: whole) == [], "seed \(seed)")
        #expect(history.views == Int64(truth.counters[.views]), "seed \(seed)")
        try life.end()
    }

    @Test("a checkpoint requested just before the stop is not lost")
    func stopBehindRequest() throws {
        for seed in 1...40 as ClosedRange<UInt64> {
            var traffic = Traffic(seed: seed + 300)
            let limits = traffic.limits
            let folder = try Folder()
            let life = try Life(in: folder.path, limits: limits, now: Moment(milliseconds: traffic.now))
            for _ in 0..<20 { try life.append(traffic.nextFrame()) }
            life.checkpointer.submit(life.request())
            try life.append(traffic.nextFrame())
            let left = try life.end()
            let recovery = try recover(left, limits: limits)
            var (counted, expected) = (recovery.engine, life.engine)
            expected.advance(to: counted.now)
            let isEqual = counted.snapshot() == expected.snapshot()
            #expect(isEqual, "seed \(seed)")
            var history = try History(database: left.path + "/footfall.db")
            history.add(closing(counted))
            #expect(history.views == Int64(counted.counters[.views]), "seed \(seed)")
        }
    }
}

/// Something that makes the next checkpoint fail.
private struct Obstacle {
    enum Kind: CaseIterable {
        /// The file of visitors cannot be created.
        case visitors
        /// The transaction is refused when everything else is in it.
        case transaction
    }

    let kind: Kind
    private let path: String

    init(_ kind: Kind, _ life: Life) throws {
        self.kind = kind
        switch kind {
        case .visitors:
            let digits = String(life.journal.next.sequence - 1, radix: 16)
            let name = "visitors-" + String(repeating: "0", count: 16 - digits.count) + digits
            path = "\(life.path)/\(name).new"
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        case .transaction:
            path = life.path + "/footfall.db"
            try tamper(path, "CREATE TRIGGER refuse BEFORE INSERT ON state BEGIN SELECT RAISE(ABORT, 'refused'); END")
        }
    }

    func clear() throws {
        switch kind {
        case .visitors: try FileManager.default.removeItem(atPath: path)
        case .transaction: try tamper(path, "DROP TRIGGER refuse")
        }
    }
}

/// The first seeds; many more in the long form.
func seeds(_ count: Int) -> [UInt64] { Array(1...UInt64(isSoak ? count * 20 : count)) }
