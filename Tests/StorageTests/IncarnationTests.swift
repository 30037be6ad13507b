import Counting
import Foundation
import Storage
import Testing

/// Files that do not belong together: a restored backup, or files of another state.
@Suite("Replay of files that do not belong together")
struct IncarnationTests {
    private func segments(_ files: FileSet) -> FileSet { files.filter { $0.key.hasSuffix(".segment") } }

    @Test("an old database with a newer journal counts every existing frame once, and names the gap to the hit")
    func oldDatabase() throws {
        let story = try Story(seed: 31, frames: 200, checkpoints: [20, 120, 170])
        let last = story.frames.count
        // The journal as the last checkpoint left it: the covered segments are gone.
        for old in story.checkpoints.dropLast() {
            let first = try #require(
                story.places.dropFirst(170).first { $0.segment != story.places[old.sequence].segment })
            let kept = story.segments.filter { $0.key >= first.segment }
            let present = story.places.indices.filter { kept[story.places[$0].segment] != nil }.map { $0 + 1 }
            let begin = try #require(present.first)
            try #require(begin > old.sequence + 1)
            let folder = try Folder(old.files.merging(kept) { $1 })
            let recovery = try recover(folder, limits: story.limits)
            #expect(recovery.sequence == UInt64(last) && recovery.hits == story.hits(through: last))
            let gap = try #require(recovery.losses.first)
            #expect(gap.frames == UInt64(old.sequence + 1)...UInt64(begin - 1))
            #expect(gap.hits == story.hits(through: begin - 1) - old.hits)
            // Frames of unknown sites are lost as well, and named.
            var expected = story.engines[old.sequence]
            var unread: UInt64 = 0
            for number in present {
                let before = expected.counters.counted
                let records = story.frames[number - 1].bytes
                do throws(MalformedBytes) {
                    try expected.apply(records.span)
                } catch {
                    unread += UInt64(story.frames[number - 1].hits) - (expected.counters.counted - before)
                }
            }
            #expect(recovery.losses.dropFirst().reduce(0) { $0 + ($1.hits ?? 0) } == unread)
            var engine = recovery.engine
            expected.advance(to: engine.now)
            let isEqual = engine.snapshot() == expected.snapshot()
            #expect(isEqual)
            #expect(engine.counters[.views] <= story.engines[last].counters[.views])
            // From here on everything is as usual.
            let life = try Life(in: folder.path, limits: story.limits)
            let again = try recover(try life.end(), limits: story.limits)
            #expect(again.losses == [] && again.sequence == UInt64(last))
            let isSame =
                {
                    var engine = again.engine; return engine.snapshot()
                }() == engine.snapshot()
            #expect(isSame)
        }
    }

    @Test("a restore replaces all of the state or none of it, wherever it is interrupted")
    func putBack() throws {
        let story = try Story(seed: 31, frames: 200, checkpoints: [20, 120, 170])
        let (old, new) = (story.checkpoints[1], try #require(story.checkpoints.last))
        let source = try Folder(old.files)
        let copy = source.path + "/copy.db"
        _ = try StateBackup.make(of: source.path, to: copy)
        let before = new.files.merging(story.segments) { $1 }
        let whole = try recover(try Folder(before), limits: story.limits).engine.counters
        // Before the decision, there is only one more folder beside the state.
        let bytes = try source.read("copy.db")
        let tried = try Folder(before.merging(["restoring/footfall.db": bytes]) { $1 })
        #expect(try recover(tried, limits: story.limits).engine.counters == whole)

        let folder = try Folder(before)
        let now = story.engines[200].now
        let aside = try #require(
            try StateBackup.restore(copy, into: folder.path, limits: story.limits, now: now).aside)
        let after = try folder.files()
        let copied = try recover(folder, limits: story.limits).engine.counters
        #expect(copied[.views] < whole[.views] && copied[.views] == story.engines[old.sequence].counters[.views])
        let name = String(try #require(aside.split(separator: "/").last)) + "/"
        let moved = Set(after.keys.filter { $0.hasPrefix(name) }.map { $0.dropFirst(name.count).prefix { $0 != "/" } })
        #expect(moved.count >= 3 && moved.contains("journal") && moved.contains("footfall.db"))
        // Then the former files are moved one by one, and the copy last.
        for count in 0...moved.count {
            let gone = Set(moved.sorted().prefix(count))
            var files: FileSet = [name + "restored.db": try #require(after["footfall.db"])]
            for (path, bytes) in after where path.hasPrefix(name) {
                let own = path.dropFirst(name.count)
                files[gone.contains(own.prefix { $0 != "/" }) ? path : String(own)] = bytes
            }
            let cut = try Folder(files)
            #expect(try recover(cut, limits: story.limits).engine.counters == copied, "\(count) of \(moved.count)")
            let names = try cut.files().keys
            #expect(!names.contains(name + "restored.db") && names.contains(name + "footfall.db"))
        }
    }

    @Test("the state directory may be a link, as systemd creates it for a dynamic user")
    func link() throws {
        let folder = try Folder()
        let link = folder.path + "/state"
        try FileManager.default.createDirectory(atPath: folder.path + "/private", withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "private")
        let story = try Story(seed: 3, frames: 5, checkpoints: [])
        func count() throws -> Counters {
            let life = try Life(in: link)
            try life.append(story.frames)
            let counters = life.engine.counters
            _ = try life.end()
            return counters
        }
        let before = try count()
        #expect(try folder.files().keys.contains("private/footfall.db"))
        #expect(try Life(in: link).engine.counters == before)
    }

    @Test("a database beside another state's journal keeps its own counts, and the journal goes to quarantine")
    func foreignJournal() throws {
        let (ours, theirs) = (
            try Story(seed: 32, frames: 40, checkpoints: [40]), try Story(seed: 33, frames: 60, checkpoints: [10])
        )
        let checkpoint = try #require(ours.checkpoints.last)
        let folder = try Folder(checkpoint.files.merging(theirs.segments) { $1 })
        let life = try Life(in: folder.path, limits: ours.limits)
        var engine = life.engine
        let isEqual = engine.snapshot() == ours.snapshot(after: 40, at: engine.now)
        #expect(isEqual && life.recovery.sequence == 40 && life.recovery.replayedFrames == 0)
        // A spare segment holds nothing, and also belongs to another state.
        #expect(life.recovery.quarantined.count == theirs.segments.count && life.recovery.losses == [])
        #expect(life.recovery.quarantined.allSatisfy { $0.contains("another state") })
        try life.append(ours.frames.suffix(3))
        let left = try life.end().files()
        for (name, bytes) in theirs.segments {
            #expect(left[name.replacing("journal/", with: "journal/quarantine/")] == bytes, "\(name)")
        }
        #expect(segments(left).keys.allSatisfy { $0.hasPrefix("journal/quarantine/") })
    }

    @Test("a journal without its database goes to quarantine, and counting begins at zero")
    func noDatabase() throws {
        let story = try Story(seed: 34, frames: 40, checkpoints: [])
        let folder = try Folder(story.segments)
        let life = try Life(in: folder.path, limits: story.limits)
        #expect(life.recovery.isNew && life.recovery.sequence == 0 && life.engine.counters == Counters())
        #expect(life.recovery.quarantined.count == story.segments.count)
        let left = try life.end().files()
        for (name, bytes) in story.segments {
            #expect(left[name.replacing("journal/", with: "journal/quarantine/")] == bytes, "\(name)")
        }
    }

    @Test("two files with the same name in quarantine are both kept")
    func sameName() throws {
        let stories = try [35, 36].map { try Story(seed: $0, frames: 20, checkpoints: []) }
        let own = try Story(seed: 37, frames: 20, checkpoints: [20])
        var files = try #require(own.checkpoints.last).files
        for story in stories {
            let folder = try Folder(files.merging(story.segments) { $1 })
            files = try Life(in: folder.path, limits: own.limits).end().files()
        }
        for bytes in stories.flatMap(\.segments.values) { #expect(files.values.contains(bytes)) }
    }

    @Test("an empty database beside a journal is not a new state: nothing is created and nothing moved")
    func emptyDatabase() throws {
        let story = try Story(seed: 38, frames: 40, checkpoints: [20])
        var files = try #require(story.checkpoints.last).files.merging(story.segments) { $1 }
        files["footfall.db"] = []
        let folder = try Folder(files)
        let error = #expect(throws: StorageError.self) { _ = try recover(folder, limits: story.limits) }
        guard case .damaged? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(segments(try folder.files()) == segments(files))
    }

    @Test("files with names similar to those of segments are left alone")
    func oddNames() throws {
        let story = try Story(seed: 40, frames: 40, checkpoints: [20])
        var files = try #require(story.checkpoints.last).files.merging(story.segments) { $1 }
        let odd = [
            "ffffffffffffffff.segment", "+00000000000000f.segment", "00000000000000AB.segment", "1.segment",
            "0000000000000001.segment.old",
        ]
        for name in odd { files["journal/" + name] = Array("not a segment".utf8) }
        let folder = try Folder(files)
        let recovery = try recover(folder, limits: story.limits)
        var engine = recovery.engine
        let isEqual = engine.snapshot() == story.snapshot(after: 40, at: engine.now)
        #expect(isEqual)
        let life = try Life(in: folder.path, limits: story.limits)
        try life.append(story.frames)
        let left = try life.end().files()
        for name in odd { #expect(left.values.contains(files["journal/" + name] ?? []), "\(name)") }
    }
}
