import CKernel
import Counting
import Glibc
import Ingest
import Wire

/// Beacons of browsers from a socket to the counts, in batches of 60, by a clock that the data carries: 100,000 come in
/// each of its seconds, however slowly a simulator runs.
///
/// So the caches of the simulator see what those of a busy daemon see: slots, visitors, recent views. With 120,000
/// visitors, each returns after 1.2 s. The journal is left out.
struct ReceivedViews {
    private static let batch = 60
    private static let slots: UInt32 = 64, slotBytes: UInt32 = 8192
    private static let perMillisecond = 100

    let visitors: Int
    let browsers: Browsers

    /// Lets every visitor come once, then receives so many batches more. Returns the counted views.
    func receive(batches: Int) throws -> UInt64 {
        let size = ck_slots_size(Self.slots, Self.slotBytes)
        let memory = unsafe mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let slots = unsafe memory, unsafe slots != MAP_FAILED else { preconditionFailure("no memory") }
        defer { unsafe munmap(slots, size) }
        unsafe ck_slots_init(slots, Self.slots, Self.slotBytes)
        let socket = try BeaconSocket(host: "127.0.0.1", port: 0, receiveBuffer: 1 << 20)
        let sender = try SocketAddress(
            host: "127.0.0.1", port: socket.name.split(separator: ":").last.flatMap { UInt16($0) } ?? 0
        ).connected()
        defer { close(sender) }

        let begun = House.moment.milliseconds
        var pipeline = IngestPipeline(
            limits: Limits(), rules: House.rules, calendar: { House.day(at: $1) }, salts: SplitMix(seed: 1),
            wall: begun, steady: 0)
        guard pipeline.serve(House.profile) else { preconditionFailure("the site is not served") }
        var plan = Traffic.Plan(visitors: visitors, records: 1, isRecordCountFixed: true)
        plan.form = .browsers(browsers)
        var traffic = Traffic(plan)
        var batch = Batch()
        let count = (visitors + Self.batch - 1) / Self.batch + batches
        for i in 0..<count {
            batch.removeAll()
            for _ in 0..<Self.batch { traffic.append(to: &batch) }
            precondition(batch.send(from: 0, to: sender) == Self.batch, "loopback refused a datagram")
            let received = Int(unsafe ck_receive(socket.descriptor, slots, Self.slots))
            precondition(received == Self.batch, "loopback lost a datagram")
            for k in 0..<received {
                let datagram = unsafe ck_datagram_at(slots, UInt32(k))
                let bytes = unsafe UnsafeBufferPointer(start: datagram.bytes, count: Int(datagram.length))
                unsafe pipeline.ingest(
                    Span(_unsafeElements: bytes), from: .ourselves, isTruncated: false,
                    stamp: begun + Int64((i * Self.batch + k) / Self.perMillisecond))
            }
            pipeline.commit()
            unsafe ck_slots_wipe(slots, UInt32(received))
        }
        let counters = pipeline.engine.counters
        precondition(counters[.views] == UInt64(count * Self.batch), "not all views were counted")
        return counters[.views]
    }
}
