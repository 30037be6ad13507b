import Counting
import Foundation
import Storage
import Testing

/// Whatever happens to the files, a start ends with an error message, or with counts that are never too high and an
/// exact report of the loss.
///
/// If a test run dies, `footfall-damage` in the temporary directory holds what it was trying.
@Suite("Damage")
struct DamageTests {
    private static let stories = 8

    @Test("undamaged frames of the journal are counted, and lost ones are named", arguments: 0..<stories)
    func journal(part: Int) throws {
        let story = try Story(
            seed: UInt64(900 + part), frames: 90, checkpoints: part % 2 == 0 ? [25] : [], restarts: [50, 70])
        let checkpoint = try #require(story.checkpoints.last)
        for seed in trials(1000, part) {
            var damage = Damage(checkpoint.files.merging(story.segments) { $1 }, seed: seed)
            damage.toJournal(story.places)
            try said(damage, seed, mayRefuse: false) {
                try expect(damage, story, checkpoint, hasRing: seed % 3 != 0, "seed \(seed): \(damage)")
            }
        }
    }

    private func expect(
        _ damage: Damage, _ story: Story, _ checkpoint: Story.Checkpoint, hasRing: Bool, _ place: String
    ) throws {
        let intact = intactFrames(damage.files, story)
        let last = story.frames.count
        let folder = try Folder(damage.files)
        let armed = (sequence: UInt64(last + 1), before: story.hits(through: last))
        let recovery = try recover(folder, limits: story.limits, armed: hasRing ? armed : nil)

        // Every frame that still exists is counted, in order, and nothing else.
        var expected = story.engines[checkpoint.sequence]
        let kept = (checkpoint.sequence + 1...last).filter(intact.contains)
        var lost = Set(checkpoint.sequence + 1...(hasRing ? last : kept.last ?? checkpoint.sequence + 1)).subtracting(
            kept)
        if !hasRing, kept.isEmpty { lost = [] }
        var unread: UInt64 = 0
        for number in kept {
            let before = expected.counters.counted
            let records = story.frames[number - 1].bytes
            do throws(MalformedBytes) {
                try expected.apply(records.span)
            } catch {
                // It depends on a lost frame.
                lost.insert(number)
                unread += UInt64(story.frames[number - 1].hits) - (expected.counters.counted - before)
            }
        }
        var engine = recovery.engine
        expected.advance(to: engine.now)
        let isEqual = engine.snapshot() == expected.snapshot()
        #expect(isEqual, "\(place)")

        // After the last existing frame only the ring shows what is missing.
        let end = hasRing ? last : kept.last ?? checkpoint.sequence
        let named = recovery.losses.filter { $0.frames.lowerBound <= UInt64(end) }
        let frames = Set(named.flatMap { Array($0.frames).map(Int.init) })
        #expect(frames == lost, "\(place)")
        let gone = Set(lost).subtracting(kept).reduce(0) { $0 + UInt64(story.frames[$1 - 1].hits) }
        #expect(
            named.reduce(0) { $0 + ($1.hits ?? 0) } == gone + unread && named.allSatisfy { $0.hits != nil }, "\(place)")
        for loss in recovery.losses where loss.frames.lowerBound > UInt64(end) {
            // At most the next frame, of which nobody knows whether it existed.
            #expect(!hasRing && loss.frames.upperBound <= UInt64(last + (loss.hits == nil ? 1 : 0)), "\(place)")
        }
        #expect(recovery.sequence >= end && recovery.sequence <= last, "\(place)")
        try expectQuarantine(damage, story, checkpoint, hasRing, recovery.losses, "\(place)")
    }

    @Test("a damaged segment that somebody has removed does not keep others from being reclaimed")
    func takenAway() throws {
        let story = try Story(seed: 44, frames: 60, checkpoints: [])
        var files = story.checkpoints[0].files.merging(story.segments) { $1 }
        let first = try #require(story.segments.keys.min())
        files[first]?[story.places[0].bytes.upperBound - 1] ^= 1
        let folder = try Folder(files)
        let life = try Life(in: folder.path, limits: story.limits)
        #expect(life.recovery.quarantined == ["\(first.dropFirst("journal/".count)) is damaged"])
        try FileManager.default.removeItem(atPath: folder.path + "/" + first)
        #expect(life.checkpoint() == nil)
        #expect(try !life.end().files().keys.contains { $0.hasSuffix(".segment") })
    }

    @Test("files with names similar to ours are left alone")
    func strangers() throws {
        let folder = try Folder(["visitors-old/kept": [1], "visitors-0000000000000001.bak": [2], "visitors-1": [3]])
        let life = try Life(in: folder.path)
        #expect(life.checkpoint() == nil)
        let left = try life.end().files()
        #expect(left["visitors-old/kept"] == [1] && left["visitors-0000000000000001.bak"] == [2])
        #expect(left["visitors-1"] == [3])
    }

    /// The numbers of the frames that can still be read.
    private func intactFrames(_ files: FileSet, _ story: Story) -> Set<Int> {
        var intact: Set<Int> = []
        for (name, bytes) in files where name.hasPrefix("journal/") {
            var at = 0
            while at + 32 <= bytes.count {
                if bytes[at] == 0x46, bytes[at..<at + 4].elementsEqual("FFR1".utf8) {
                    let sequence = Int(truncatingIfNeeded: number(bytes, at: at + 16, bytes: 8))
                    let place = (1...story.frames.count).contains(sequence) ? story.places[sequence - 1] : nil
                    if let place, let frame = story.segments[place.segment]?[place.bytes],
                        bytes[at...].starts(with: frame)
                    {
                        intact.insert(sequence)
                        at += frame.count
                        continue
                    }
                }
                at += 1
            }
        }
        return intact
    }

    /// A segment that lost a frame which had not been counted yet is kept unchanged in quarantine.
    private func expectQuarantine(
        _ damage: Damage, _ story: Story, _ checkpoint: Story.Checkpoint, _ hasRing: Bool, _ losses: [Loss],
        _ place: String
    ) throws {
        let folder = try Folder(damage.files)
        let last = story.frames.count
        let armed = (sequence: UInt64(last + 1), before: story.hits(through: last))
        let life = try Life(in: folder.path, limits: story.limits, armed: hasRing ? armed : nil)
        #expect(life.recovery.losses == losses, "\(place)")
        let left = try life.end().files()
        let aside = left.filter { $0.key.hasPrefix("journal/quarantine/") }.map(\.value)
        let named = Set(losses.flatMap { Array($0.frames).map(Int.init) })
        for (name, bytes) in damage.files where name.hasPrefix("journal/") {
            let name = damage.formerNames[name] ?? name
            let own = story.places.indices.filter { story.places[$0].segment == name && $0 + 1 > checkpoint.sequence }
            let isMissing = own.contains { named.contains($0 + 1) && !isWhole(story.places[$0], of: story, in: bytes) }
            // A segment with only zeros left was never written.
            if isMissing, bytes.contains(where: { $0 != 0 }) {
                #expect(aside.contains(bytes), "\(place): \(name) is gone")
            }
        }
        #expect(!left.keys.contains { $0.hasSuffix(".segment") && !$0.contains("quarantine") }, "\(place)")
        let again = try recover(try Folder(left), limits: story.limits)
        #expect(again.losses == [] && again.sequence == life.recovery.sequence, "\(place)")
    }

    private func isWhole(_ place: Story.Place, of story: Story, in bytes: [UInt8]) -> Bool {
        story.segments[place.segment].map { holds(bytes, Array($0[place.bytes])) } ?? false
    }

    @Test(
        "a damaged database or file of visitors is refused with an error message, or its counts are complete",
        arguments: 0..<stories)
    func database(part: Int) throws {
        let story = try Story(seed: UInt64(950 + part), frames: 40, checkpoints: [20, 30])
        let checkpoint = try #require(story.checkpoints.last)
        let visitors = try #require(checkpoint.files.keys.first { $0.hasPrefix("visitors-") })
        for seed in trials(600, part) {
            var damage = Damage(checkpoint.files.merging(story.segments) { $1 }, seed: seed)
            switch seed % 8 {
            case 0: damage.cut("footfall.db")
            case 1: damage.toBytes(of: "footfall.db", in: 0..<100)
            case 2: damage.toBytes(of: visitors)
            case 3: damage.cut(visitors)
            default: damage.toBytes(of: "footfall.db")
            }
            let isLost = damage.files[visitors] != checkpoint.files[visitors]
            try said(damage, seed, mayRefuse: true) {
                let folder = try Folder(damage.files)
                let recovery = try recover(folder, limits: story.limits)
                var engine = recovery.engine
                let place = "seed \(seed): \(damage)"
                #expect(recovery.losses == [], "\(place)")
                if isLost {
                    expectNobodyTwice(recovery, story, "\(place)")
                    let left = try folder.files().filter { $0.key.hasPrefix("journal/quarantine/visitors-") }
                    #expect(left.map(\.value) == [damage.files[visitors]], "\(place)")
                } else {
                    let isEqual = engine.snapshot() == story.snapshot(after: story.frames.count, at: engine.now)
                    #expect(isEqual && recovery.quarantined == [], "\(place)")
                }
                // Damage that no start reads must not end the process either.
                let life = try Life(in: folder.path, limits: story.limits)
                try life.append(story.frames)
                if let failure = life.checkpoint() { throw failure }
                try life.end()
            }
        }
    }

    /// Every hit is counted and no visit twice, although the earlier visitors are unknown now.
    private func expectNobodyTwice(_ recovery: Recovery, _ story: Story, _ place: String) {
        #expect(recovery.quarantined.count == 1 && recovery.sequence == UInt64(story.frames.count), "\(place)")
        var (engine, truth) = (recovery.engine, story.engines[story.frames.count])
        #expect(engine.counters.counted == truth.counters.counted, "\(place)")
        // A reload after the checkpoint may not be recognised as a duplicate.
        #expect(engine.counters[.views] >= truth.counters[.views], "\(place)")
        let (counted, expected) = (engine.report(), truth.report())
        for (site, model) in zip(counted.sites, expected.sites) {
            #expect(site.totalVisits <= model.totalVisits && site.totalViews >= model.totalViews, "\(place)")
        }
    }

    /// Tries something that must not end the process, but may fail with an error.
    private func said(
        _ damage: Damage, _ seed: UInt64, mayRefuse: Bool, _ body: () throws -> Void
    ) throws {
        let note = FileManager.default.temporaryDirectory.appending(path: "footfall-damage")
        try Data("seed \(seed): \(damage)\n".utf8).write(to: note)
        do {
            try body()
        } catch let error as StorageError {
            // One byte of a segment's head holds the version of Footfall.
            var isNewer = false
            if case .newer = error { isNewer = true }
            #expect(mayRefuse || isNewer, "seed \(seed): \(damage): \(error)")
            #expect("\(error)".contains(" ") && "\(error)".contains("/"), "seed \(seed): \(error)")
        }
    }

    private func trials(_ count: Int, _ part: Int) -> [UInt64] {
        if let seed = ProcessInfo.processInfo.environment["FOOTFALL_DAMAGE_SEED"] { return [UInt64(seed) ?? 0] }
        return (0..<(isSoak ? count * 5 : count)).filter { $0 % Self.stories == part }.map(UInt64.init)
    }
}
