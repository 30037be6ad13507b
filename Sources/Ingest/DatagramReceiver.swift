import CKernel
import Counting
import Glibc
import Wire

/// Up to 64 datagrams at a time, straight from the kernel into slots that are used again for the next batch.
///
/// One of the few files with `unsafe`: the slots are memory that the kernel writes into. What comes out is a bounded
/// span, only of slots that the last `receive` filled.
@safe struct DatagramReceiver: ~Copyable {
    /// Datagrams in a batch: larger ones were slower, they spill the cache.
    static let batchMax = 64
    /// Longest datagram that is read whole.
    static let slotBytes = Beacons.bytesMax

    private let slots: UnsafeMutableRawPointer
    private let bytes = ck_slots_size(UInt32(batchMax), UInt32(slotBytes))
    private(set) var received = 0

    init() {
        let memory = unsafe mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let memory = unsafe memory, unsafe memory != MAP_FAILED else {
            preconditionFailure("no memory for \(bytes) bytes of receive slots")
        }
        unsafe slots = memory
        unsafe ck_slots_init(slots, UInt32(Self.batchMax), UInt32(Self.slotBytes))
    }

    deinit { unsafe munmap(slots, bytes) }

    /// Takes what waits in the socket, without waiting for more: how many datagrams. An error counts as none; the
    /// kernel reports it once and the next call goes on.
    mutating func receive(from descriptor: CInt) -> Int {
        received = unsafe max(0, Int(ck_receive(descriptor, slots, UInt32(Self.batchMax))))
        return received
    }

    /// Gives the bytes of datagram `index` of the last batch and what the kernel says about it to `body`.
    @inline(__always)
    func withDatagram<R>(_ index: Int, _ body: (Span<UInt8>, Arrival) -> R) -> R {
        precondition(index < received, "a slot that the last batch did not fill")
        let datagram = unsafe ck_datagram_at(slots, UInt32(index))
        let arrival = Arrival(
            sender: unsafe Self.sender(datagram), stamp: unsafe datagram.stamp,
            isTruncated: unsafe datagram.is_truncated != 0)
        let bytes = unsafe UnsafeBufferPointer(start: datagram.bytes, count: Int(datagram.length))
        return body(unsafe Span(_unsafeElements: bytes), arrival)
    }

    /// What the kernel says about a datagram.
    struct Arrival {
        /// Nil where the sender has no network address.
        var sender: NetworkAddress?
        /// Nanoseconds of the wall clock when the kernel took it in; 0 without a stamp.
        var stamp: Int64
        var isTruncated: Bool
    }

    @inline(__always)
    private static func sender(_ datagram: ck_datagram) -> NetworkAddress? {
        let a = unsafe datagram.address
        switch unsafe datagram.family {
        case 4: return .v4(UInt32(a.0) << 24 | UInt32(a.1) << 16 | UInt32(a.2) << 8 | UInt32(a.3))
        case 6:
            let octets = [
                a.0, a.1, a.2, a.3, a.4, a.5, a.6, a.7, a.8, a.9, a.10, a.11, a.12, a.13, a.14, a.15,
            ]
            return NetworkAddress(
                v6: octets[..<8].reduce(0) { $0 << 8 | UInt64($1) }, octets[8...].reduce(0) { $0 << 8 | UInt64($1) })
        default: return nil
        }
    }
}
