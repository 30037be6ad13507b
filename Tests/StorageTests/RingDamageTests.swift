import Counting
import Foundation
import Ingest
import Storage
import Testing

/// A batch that a killed process had received from the kernel is counted by the next process, once, whatever else the
/// ring holds.
@Suite("Damage of the receive ring")
struct RingDamageTests {
    private static let address: [UInt8] = [127, 43, 44, 45]

    /// A state with some hits after a kill, with the incarnation and the numbers of the next frame.
    private struct Killed {
        var files: FileSet
        var incarnation: [UInt8]
        var sequence: UInt64
        var before: UInt64
    }

    private func killed() throws -> Killed {
        let folder = try Folder()
        var counter = try PersistentCounter(in: folder.path)
        for i in 0..<10 { counter.receive("f1 s=demo&v=\(i)&u=/\(i)") }
        let next = counter.journal.next
        let left = try counter.kill()
        return Killed(
            files: try left.files(), incarnation: counter.recovery.incarnation, sequence: next.sequence,
            before: next.before)
    }

    private func batch(_ count: Int) -> [RingFile.Datagram] {
        (0..<count).map {
            RingFile.Datagram(
                text: "f1 s=demo&v=ring\($0)&u=/", address: Self.address, stamp: PersistentCounter.noon + 1000)
        }
    }

    /// Starts with a state and a ring. Returns what was counted.
    private func start(_ state: Folder, _ runtime: Folder) throws -> (
        counter: PersistentCounter, views: UInt64, left: Folder
    ) {
        let recovery = try recover(state)
        let ring = try ReceiveRing(directory: runtime.path, incarnation: recovery.incarnation)
        #expect(ring.warning == nil)
        var counter = try PersistentCounter(in: state.path, at: PersistentCounter.noon + 5000, ring: ring)
        let views = counter.pipeline.engine.counters[.views]
        return (counter, views, try counter.kill())
    }

    private func runtime(_ ring: RingFile) throws -> Folder {
        let runtime = try Folder(["landing.ring": ring.bytes])
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: runtime.path + "/landing.ring")
        return runtime
    }

    @Test("a batch that was received and not written is counted under the sequence reserved for it, once")
    func unwritten() throws {
        let state = try killed()
        let runtime = try runtime(
            RingFile(incarnation: state.incarnation, sequence: state.sequence, before: state.before, batch(64)))
        let (counter, views, left) = try start(try Folder(state.files), runtime)
        #expect(views == 74 && counter.unwritten == 64 && counter.recovery.losses == [])
        #expect(counter.journal.next == (state.sequence + 1, state.before + 64))
        // Its stamps come from the kernel, not from this start.
        #expect(counter.pipeline.engine.now.milliseconds == PersistentCounter.noon + 1000)
        #expect(try start(left, runtime).views == 74)
    }

    @Test("so is a batch that a process of version 0.1 received, and its ring becomes one of today")
    func former() throws {
        let state = try killed()
        let ring = RingFile(
            incarnation: state.incarnation, sequence: state.sequence, before: state.before, batch(64), version: 1)
        let runtime = try runtime(ring)
        let (counter, views, left) = try start(try Folder(state.files), runtime)
        #expect(views == 74 && counter.unwritten == 64 && counter.recovery.losses == [])
        try expectWiped(runtime)
        let bytes = try runtime.read("landing.ring")
        #expect(bytes[7] == 2 && bytes.count == RingFile(incarnation: [], sequence: 0, before: 0, []).bytes.count)
        #expect(try start(left, runtime).views == 74)
    }

    @Test("a batch whose frame is written is not counted again")
    func written() throws {
        let state = try killed()
        for sequence in [state.sequence - 1, 1] {
            let runtime = try runtime(
                RingFile(incarnation: state.incarnation, sequence: sequence, before: 0, batch(3)))
            let (counter, views, _) = try start(try Folder(state.files), runtime)
            #expect(views == 10 && counter.unwritten == 0 && counter.recovery.losses == [])
        }
    }

    @Test("the ring shows how far the journal went: buffered frames lost in a kill are named to the hit")
    func witness() throws {
        let state = try killed()
        let runtime = try runtime(
            RingFile(incarnation: state.incarnation, sequence: state.sequence + 7, before: state.before + 19, batch(2)))
        let (counter, views, _) = try start(try Folder(state.files), runtime)
        #expect(views == 12)
        #expect(counter.recovery.losses.map(\.frames) == [state.sequence...state.sequence + 6])
        #expect(counter.recovery.losses.map(\.hits) == [19])
        #expect(counter.journal.next.sequence == state.sequence + 8 && counter.journal.next.before == state.before + 21)
    }

    @Test("the ring of another state is wiped: no address and no datagram stays in it")
    func foreign() throws {
        let state = try killed()
        let other = state.incarnation.map { ~$0 }
        let runtime = try runtime(RingFile(incarnation: other, sequence: state.sequence, before: 0, batch(64)))
        let (counter, views, _) = try start(try Folder(state.files), runtime)
        #expect(views == 10 && counter.unwritten == 0 && counter.recovery.losses == [])
        try expectWiped(runtime)
    }

    @Test("a start wipes the ring, whatever it held")
    func wiped() throws {
        let state = try killed()
        for sequence in [1, state.sequence, state.sequence + 9] {
            let runtime = try runtime(
                RingFile(incarnation: state.incarnation, sequence: sequence, before: state.before, batch(64)))
            _ = try start(try Folder(state.files), runtime)
            try expectWiped(runtime)
        }
    }

    private func expectWiped(_ runtime: Folder) throws {
        let bytes = try runtime.read("landing.ring")
        #expect(!holds(bytes, Self.address) && !holds(bytes, Array("s=demo".utf8)))
        #expect(bytes[RingFile.payload...].allSatisfy { $0 == 0 })
    }

    @Test("a newer Footfall's ring is refused and not changed, whatever its size", arguments: [0, 8192])
    func newer(more: Int) throws {
        let state = try killed()
        var ring = RingFile(incarnation: state.incarnation, sequence: state.sequence, before: 0, batch(2))
        ring.version = 3
        let runtime = try Folder(["landing.ring": ring.bytes + [UInt8](repeating: 7, count: more)])
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: runtime.path + "/landing.ring")
        let error = #expect(throws: StorageError.self) {
            _ = try ReceiveRing(directory: runtime.path, incarnation: state.incarnation)
        }
        #expect(error == .newer(path: runtime.path + "/landing.ring", version: 3, known: 2))
        #expect(try runtime.read("landing.ring") == ring.bytes + [UInt8](repeating: 7, count: more))
    }

    @Test("a damaged ring loses at most its batch and adds nothing", arguments: 0..<4)
    func damaged(part: Int) throws {
        let state = try killed()
        let ring = RingFile(
            incarnation: state.incarnation, sequence: state.sequence, before: state.before, batch(40))
        for seed in (0..<UInt64(isSoak ? 1000 : 100)).filter({ $0 % 4 == UInt64(part) }) {
            var damage = Damage(["landing.ring": ring.bytes], seed: seed)
            switch seed % 5 {
            case 0: damage.toBytes(of: "landing.ring", in: 0..<RingFile.head)
            case 1: damage.toBytes(of: "landing.ring", in: 4096..<RingFile.payload)
            case 2: damage.toBytes(of: "landing.ring", in: RingFile.control(Int(seed) % 40))
            case 3: damage.cut("landing.ring")
            default: damage.toBytes(of: "landing.ring", in: RingFile.payload..<RingFile.payload + 40 * 8192)
            }
            let note = FileManager.default.temporaryDirectory.appending(path: "footfall-damage-ring")
            try Data("seed \(seed): \(damage)\n".utf8).write(to: note)
            let runtime = try Folder(damage.files)
            try FileManager.default.setAttributes(
                [.posixPermissions: 0o600], ofItemAtPath: runtime.path + "/landing.ring")
            do {
                let (counter, views, _) = try start(try Folder(state.files), runtime)
                #expect(views >= 10 && views <= 50, "seed \(seed): \(damage)")
                counter.expectConservation("seed \(seed): \(damage)")
                #expect(counter.recovery.losses == [], "seed \(seed): \(damage)")
                try expectWiped(runtime)
            } catch let error as StorageError {
                guard case .newer = error else { throw error }
            }
        }
    }

    @Test("control messages full of ones do not block a start for ever")
    func controlOfOnes() throws {
        let state = try killed()
        var ring = RingFile(incarnation: state.incarnation, sequence: state.sequence, before: state.before, batch(1))
        ring.write([UInt8](repeating: 0xff, count: 64), at: RingFile.control(0).lowerBound)
        ring.write(64, 8, at: 4096 + 64 + 40)
        #expect(try start(try Folder(state.files), try runtime(ring)).views == 11)
    }
}

/// True if some bytes occur anywhere in others.
func holds(_ bytes: [UInt8], _ part: [UInt8]) -> Bool {
    guard let first = part.first else { return true }
    return bytes.indices.contains { bytes[$0] == first && bytes[$0...].starts(with: part) }
}
