import Counting
import Platform
import Storage
import Wire

extension IngestPipeline {
    /// Ingests every datagram in the ring.
    @inline(__always)
    mutating func ingestBatch(of ring: ReceiveRing) {
        for i in 0..<ring.received {
            ring.withDatagram(i) { bytes, arrival in
                ingest(
                    bytes, from: arrival.sender.map { .address($0) } ?? .ourselves, isTruncated: arrival.isTruncated,
                    stamp: arrival.stamp == 0 ? Clocks.wall : arrival.stamp / 1_000_000)
            }
        }
    }

    /// Counts the batch that an earlier process received from the kernel and did not write, if there is one. It keeps
    /// its sequence, which is the journal's next. Returns the number of its datagrams.
    mutating func recoverUnwritten(_ ring: ReceiveRing) -> Int {
        defer {
            ring.clear()
            // The ring must still show how far the journal goes.
            if let journalNext { ring.arm(journalNext) }
        }
        guard let armed = ring.armed, armed.sequence == journalNext?.sequence, ring.received > 0 else { return 0 }
        let count = ring.received
        ingestBatch(of: ring)
        commit()
        return count
    }
}
