import Counting
import Platform
import Storage

/// The sockets of beacons and the ring that their datagrams land in.
///
/// The ring is armed with the sequence of the frame to come before each read, and again as soon as a frame is written: the armed
/// sequence is what names a frame that was held in memory when the process is killed.
struct SocketReceiver {
    private let sockets: [BeaconSocket]
    private let ring: ReceiveRing
    /// What is known of each socket, and of batches.
    private(set) var numbers = IngestNumbers()
    /// The drop count of each socket as it was last read.
    private var drops: [UInt32]

    init(sockets: [BeaconSocket], ring: ReceiveRing) {
        (self.sockets, self.ring) = (sockets, ring)
        drops = sockets.map { _ in 0 }
        numbers.listeners = sockets.map { IngestNumbers.Listener(name: $0.name) }
    }

    /// What a look at all sockets found.
    enum Batch: Equatable { case empty, some(Int), full }

    var descriptors: [CInt] { sockets.map(\.descriptor) }
    /// Every socket lives on when this process ends.
    var outlivesUs: Bool { sockets.allSatisfy(\.isInherited) }

    /// Receives one batch from every socket; each is one frame of `pipeline`, and its slots are free when the frame is
    /// written. `readClocks` is called when a batch has come.
    mutating func receive(
        into pipeline: inout IngestPipeline, readClocks: (inout IngestPipeline) -> Void
    ) -> Batch {
        var batch = Batch.empty
        for (i, socket) in sockets.enumerated() {
            arm(pipeline.journalNext)
            let count = ring.receive(from: socket.descriptor)
            guard count > 0 else { continue }
            readClocks(&pipeline)
            let stamp = ring.withDatagram(0) { $1.stamp }
            if stamp > 0 { numbers.delays.add(Double(max(0, Clocks.wallNanoseconds - stamp)) / 1e9) }
            numbers.batches.add(Double(count))
            let parsed = pipeline.parsedDatagrams
            pipeline.ingestBatch(of: ring)
            pipeline.commit()
            ring.release()
            arm(pipeline.journalNext)
            numbers.listeners[i].datagrams += UInt64(count)
            numbers.listeners[i].parsed += pipeline.parsedDatagrams - parsed
            if count == ReceiveRing.batchMax { batch = .full } else if batch == .empty { batch = .some(count) }
        }
        return batch
    }

    /// Reserves a sequence for the frame of the next batch; nil where nothing is kept.
    func arm(_ next: (sequence: UInt64, before: UInt64)?) { ring.arm(next ?? (0, 0)) }

    /// Wipes the ring, so that a start finds nothing.
    func clear() { ring.clear() }

    /// Reads what the kernel dropped into `pipeline`; true if that is news.
    @discardableResult
    mutating func readDropCounts(into pipeline: inout IngestPipeline) -> Bool {
        var isChanged = false
        for (i, socket) in sockets.enumerated() {
            let memory = socket.memory
            numbers.listeners[i].queuedBytes = memory.queuedBytes
            numbers.listeners[i].drops = UInt64(memory.drops)
            guard memory.drops != drops[i] else { continue }
            drops[i] = memory.drops
            pipeline.noteDrops(cookie: socket.cookie, total: memory.drops)
            isChanged = true
        }
        return isChanged
    }
}
