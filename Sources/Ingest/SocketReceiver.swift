import Counting
import Platform
import Storage

/// The beacon sockets, and the ring that receives their datagrams.
///
/// The ring is armed with the sequence of the next frame as soon as a frame is written, and before a read if other frames
/// were written in between. After a kill, the armed sequence shows which frames were only buffered in memory.
struct SocketReceiver {
    private let sockets: [BeaconSocket]
    private let ring: ReceiveRing
    /// The numbers of each socket and of batches.
    private(set) var numbers = IngestNumbers()
    /// The last drop count of each socket.
    private var drops: [UInt32]

    init(sockets: [BeaconSocket], ring: ReceiveRing) {
        (self.sockets, self.ring) = (sockets, ring)
        drops = sockets.map { _ in 0 }
        numbers.listeners = sockets.map { IngestNumbers.Listener(name: $0.name) }
    }

    /// What one read of all sockets found.
    struct Batch {
        /// Datagrams of all sockets together.
        var count = 0
        /// True if a socket gave as many as one read can.
        var isFull = false
    }

    var descriptors: [CInt] { sockets.map(\.descriptor) }
    /// The smallest receive buffer, in bytes as the kernel counts them.
    var receiveBuffer: Int { sockets.map(\.receiveBuffer).min() ?? 0 }
    /// True if every socket stays open when this process ends.
    var outlivesUs: Bool { sockets.allSatisfy(\.isInherited) }

    /// Receives one batch from every socket. Each batch is one frame of `pipeline`, and its slots are free when the
    /// frame is written. `readClocks` is called when a batch has arrived.
    mutating func receive(
        into pipeline: inout IngestPipeline, readClocks: (inout IngestPipeline) -> Clocks.Reading
    ) -> Batch {
        var batch = Batch()
        for (i, socket) in sockets.enumerated() {
            arm(pipeline.journalNext)
            let count = ring.receive(from: socket.descriptor)
            guard count > 0 else { continue }
            let now = readClocks(&pipeline)
            let stamp = ring.withDatagram(0) { $1.stamp }
            if stamp > 0 { numbers.delays.add(Double(max(0, now.wallNanoseconds - stamp)) / 1e9) }
            numbers.batches.add(Double(count))
            let parsed = pipeline.parsedDatagrams
            pipeline.ingestBatch(of: ring)
            pipeline.commit()
            ring.release()
            arm(pipeline.journalNext)
            numbers.listeners[i].datagrams += UInt64(count)
            numbers.listeners[i].parsed += pipeline.parsedDatagrams - parsed
            batch.count += count
            if count == ReceiveRing.batchMax { batch.isFull = true }
        }
        return batch
    }

    /// Reserves a sequence for the frame of the next batch; nil if nothing is stored.
    func arm(_ next: (sequence: UInt64, before: UInt64)?) { ring.arm(next ?? (0, 0)) }

    /// Wipes the ring, so that the next start finds no batch.
    func clear() { ring.clear() }

    /// Reads the drop counts of the kernel into `pipeline`. True if one has changed.
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
