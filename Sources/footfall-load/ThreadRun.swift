import Counting
import Foundation
import Ingest
import Platform
import Storage

/// Batches of a known size on the daemon's own counting thread: received, written to a journal and counted.
///
/// Each batch waits in a socket of its own before the thread starts, so the thread reads it with one call. First 2,400
/// visitors come in batches of 60; after 1.1 s the same visitors come again in the batches to be measured. Two runs
/// that differ only in `size` differ only in the work for the datagrams.
///
/// The instructions are those of the thread that did most, besides the first: `callgrind --separate-threads=yes`.
struct ThreadRun {
    private static let visitors = 2400, batch = 60

    private let datagrams: [[UInt8]]
    private let batches: Int, size: Int

    init(_ sample: Sample, batches: Int, size: Int) throws {
        precondition((0...Self.batch).contains(size) && batches * size <= Self.visitors)
        datagrams = try (0..<Self.visitors).map { try sample.bytes(of: $0) }
        (self.batches, self.size) = (batches, size)
    }

    /// Returns how many views were counted.
    func run() throws -> UInt64 {
        // The state begins before the first datagram, or all of them would come at its moment.
        let (wall, steady) = (Clocks.wall, Clocks.steady)
        let known = try filled(batches: Self.visitors / Self.batch, size: Self.batch)
        usleep(1_100_000)
        let sockets = known + (try filled(batches: batches, size: size))

        let folder = FileManager.default.temporaryDirectory.appending(path: "footfall-load-\(UUID())").path
        defer {
            do { try FileManager.default.removeItem(atPath: folder) } catch { say("\(error)") }
        }
        let random = SplitMix(seed: 1)
        let seed = HashSeed(1, 2)
        let directory = try StateDirectory(folder)
        let recovery = try directory.recover(limits: Limits(), seed: seed, now: Moment(milliseconds: wall))
        let configuration = Journal.Configuration(
            segmentBytes: 16 << 20, capBytes: 64 << 20, heldBytesMax: 16 << 20, syncMilliseconds: 1000)
        let (journal, checkpointer) = directory.begin(recovery, configuration) { say("\($0)") }
        var pipeline = IngestPipeline(
            recovery, journal: journal, rules: House.rules, calendar: { House.day(at: $1) }, salts: random, seed: seed,
            wall: wall, steady: steady)
        let ring = ReceiveRing()
        _ = try pipeline.start(serving: [House.profile], ring: ring, checkpointer: checkpointer)
        let thread = CountingThread(pipeline, sockets: sockets, ring: ring, checkpointer: checkpointer)
        // Its own sockets are read to the end.
        thread.stop()
        let counters = thread.publication.current.counters
        precondition(counters[.views] == UInt64(Self.visitors + batches * size), "not all views were counted")
        return counters[.views]
    }

    /// Sockets in which as many datagrams wait.
    private func filled(batches: Int, size: Int) throws -> [BeaconSocket] {
        try (0..<batches).map { i in
            let socket = try BeaconSocket(host: "127.0.0.1", port: 0, receiveBuffer: 1 << 20)
            guard size > 0 else { return socket }
            let port = socket.name.split(separator: ":").last.flatMap { UInt16($0) } ?? 0
            let sender = try SocketAddress(host: "127.0.0.1", port: port).connected()
            defer { close(sender) }
            var batch = Batch()
            for datagram in datagrams[(i * size)..<(i * size + size)] {
                batch.bytes.append(contentsOf: datagram)
                _ = batch.close()
            }
            guard batch.send(from: 0, to: sender) == size else { throw SocketError.inUse(socket.name, by: nil) }
            return socket
        }
    }
}
