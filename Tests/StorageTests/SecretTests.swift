import Counting
import Foundation
import Glibc
import Ingest
import Platform
import Storage
import TestSupport
import Testing
import Wire

/// What must not be on a disk afterwards: expired salts, and never an address or an agent.
@Suite("No Damage by stored data: salts and addresses")
struct SecretTests {
    @Test("an expired salt is gone from every file an hour after its midnight")
    func salts() throws {
        let folder = try Folder()
        var counter = try PersistentCounter(
            in: folder.path, at: PersistentCounter.noon, sites: (0..<30).map { "site-\($0)" })
        counter.keepSalts()
        func stored() throws -> Set<String> {
            Set(try rows(folder.path + "/footfall.db", "SELECT hex(bytes) FROM salt").map { $0[0] })
        }
        var seen = try stored()
        #expect(seen.count == 60)
        for _ in 1...3 {
            for i in 0..<30 { counter.receive("f1 s=site-\(i)&v=\(i)&u=/") }
            #expect(counter.checkpoint() == nil)
            // To the next midnight, with the salts of the one after it, and past the hour.
            counter.pass(milliseconds: 12 * 3_600_000)
            counter.keepSalts()
            counter.pass(milliseconds: 3_599_000)
            for i in 0..<30 { counter.receive("f1 s=site-\(i)&v=\(i)&u=/") }
            #expect(counter.checkpoint() == nil)
            seen.formUnion(try stored())
            #expect(try stored().count == 90, "yesterday's, today's and tomorrow's")
            counter.pass(milliseconds: 1000)
            counter.receive("f1 s=site-1&v=1&u=/")
            #expect(counter.checkpoint() == nil)
            let kept = try stored()
            #expect(kept.count == 60)
            try expectGone(seen.subtracting(kept), kept: kept, in: folder.files())
            counter.pass(milliseconds: 11 * 3_600_000)
        }
        let left = try counter.end()
        try expectGone(seen.subtracting(stored()), kept: stored(), in: left.files())
    }

    @Test("a thousand salts deleted at once leave nothing behind between those that stay")
    func manySalts() throws {
        var random = SplitMix(seed: 61)
        let folder = try Folder()
        let life = try Life(in: folder.path)
        var salts: [StoredSalt] = []
        for round in 0..<5 {
            let more = (1...400).map { i in
                StoredSalt(
                    number: UInt32(round * 400 + i), site: SiteIndex(i),
                    bytes: (0..<32).map { _ in UInt8(truncatingIfNeeded: random.next()) })
            }
            try life.checkpointer.storeNow(more)
            salts += more
            let kept = Set(salts.map(\.number).filter { _ in random.percent(round == 4 ? 5 : 50) })
            #expect(life.checkpoint(saltsKept: kept, saltsThrough: UInt32(round + 1) * 400) == nil)
            let gone = salts.filter { !kept.contains($0.number) }
            let files = try folder.files()
            for (name, bytes) in files {
                #expect(!holdsAny(of: gone.map(\.bytes), bytes), "\(name)")
            }
            salts = salts.filter { kept.contains($0.number) }
            #expect(salts.allSatisfy { salt in files["footfall.db"].map { holdsAny(of: [salt.bytes], $0) } ?? false })
        }
        try life.end()
    }

    private func expectGone(_ gone: Set<String>, kept: Set<String>, in files: FileSet) throws {
        #expect(!gone.isEmpty)
        let database = try #require(files["footfall.db"])
        #expect(kept.allSatisfy { holds(database, bytesOf(hex: $0)) })
        for (name, bytes) in files { #expect(!holdsAny(of: gone.map { bytesOf(hex: $0) }, bytes), "\(name)") }
    }

    /// True if the bytes contain any of the secrets. Uses a table of their first eight bytes.
    private func holdsAny(of secrets: [[UInt8]], _ bytes: [UInt8]) -> Bool {
        let heads = Set(secrets.map { number($0, at: 0, bytes: 8) })
        guard bytes.count >= 8, !heads.isEmpty else { return false }
        var head = number(bytes, at: 0, bytes: 8)
        for i in 8...bytes.count {
            if heads.contains(head) { return true }
            if i < bytes.count { head = head >> 8 | UInt64(bytes[i]) << 56 }
        }
        return false
    }

    @Test("addresses and agents arrive with beacons and are in no file, neither of the state nor of the ring")
    func addresses() throws {
        let (folder, runtime) = (try Folder(), try Folder())
        let agent = "Mozilla/5.0 (X11; Linux x86_64) Geheimfuchs/117.0"
        let secrets =
            [
                "203.0.113.77", "2001:db8:85a3::8a2e:370:7334", "Geheimfuchs", "2001%3Adb8", "someone-opaque-4711",
            ].map { Array($0.utf8) } + [[203, 0, 113, 77], [0x20, 0x01, 0x0d, 0xb8, 0x85, 0xa3]]
        let texts = (0..<200).map { i in
            let address = i % 2 == 0 ? "203.0.113.77" : "2001%3Adb8%3A85a3%3A%3A8a2e%3A370%3A7334"
            return i % 5 == 0
                ? "f1 s=demo&v=someone-opaque-4711&u=/seite/\(i)"
                : "f1 s=demo&i=\(address)&a=\(agent.replacing(" ", with: "+"))&u=/seite/\(i)&r=https%3A%2F%2Fnews.example%2F"
        }
        do {
            let recovery = try recover(folder)
            let ring = try ReceiveRing(directory: runtime.path, incarnation: recovery.incarnation)
            let socket = try BeaconSocket(host: "127.0.0.1", port: 0, receiveBuffer: 1 << 20)
            let port = try #require(UInt16(socket.name.split(separator: ":")[1]))
            let sender = try SocketAddress(host: "127.0.0.1", port: port).connected()
            defer { close(sender) }
            let counter = try PersistentCounter(in: folder.path, at: Clocks.wall, ring: ring)
            let thread = CountingThread(
                counter.pipeline, sockets: [socket], ring: ring,
                checkpointer: counter.checkpointer, checkpointMilliseconds: 1)
            for text in texts {
                let bytes = Array(text.utf8)
                _ = unsafe send(sender, bytes, bytes.count, 0)
            }
            #expect(eventually { thread.publication.current.counters[.records] == 200 })
            let report = thread.publication.current
            #expect(report.counters[.views] == 200 && report.sites[0].today.visitors == 3)
            // While it runs, everything is written, so nothing waits in the ring.
            try expectNothing(of: secrets, in: runtime.files(), "ring")
            try expectNothing(of: secrets, in: folder.files(), "running")
            thread.stop()
        }
        try expectNothing(of: secrets, in: runtime.files(), "ring after the stop")
        let files = try folder.files()
        try expectNothing(of: secrets, in: files, "stopped")
        // The search finds text that is there.
        #expect(files["footfall.db"].map { holds($0, Array("/seite/199".utf8)) } == true)
        #expect(files["footfall.db"].map { holds($0, Array("news.example".utf8)) } == true)
    }

    private func expectNothing(of secrets: [[UInt8]], in files: FileSet, _ place: String) throws {
        #expect(!files.isEmpty)
        for (name, bytes) in files {
            for secret in secrets { #expect(!holds(bytes, secret), "\(place), \(name): \(secret)") }
        }
    }
}
