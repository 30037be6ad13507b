import CKernel
import Counting
import Glibc
import Platform
public import Storage
import Wire

/// Where the kernel puts up to 64 datagrams at a time: memory that outlives the process, so that what has left the
/// socket and is not yet in the journal is found by the next process.
///
/// Arm, receive, write the frame, release: `Sources/Storage/FORMAT.md` draws the layout and says why in this order.
/// Where the runtime directory is no tmpfs the memory is private, and a kill may lose the batch in hand; a ring is
/// never mapped from a disk, where a full or failing one would lose datagrams inside `recvmmsg`.
///
/// One of the few files with `unsafe`: the memory is written by the kernel and by processes before this one. What comes
/// out is a bounded span, only of slots that hold a datagram. Used by one thread at a time: the one that starts, then the
/// one that counts.
@safe public final class ReceiveRing: @unchecked Sendable {
    /// Datagrams in a batch: larger ones were slower, they spill the cache.
    static let batchMax = 64
    /// Longest datagram that is read whole.
    static let slotBytes = Beacons.bytesMax
    private static let headerBytes = 4096
    private static let checkedBytes = 48
    private static let version: UInt8 = 1
    private static let magic: [UInt8] = [0x46, 0x46, 0x52, 0x49, 0x4e, 0x47, 0]

    private let memory: UnsafeMutableRawPointer
    private let slots: UnsafeMutableRawPointer
    private let bytes = headerBytes + ck_slots_size(UInt32(batchMax), UInt32(slotBytes))
    /// Datagrams in the slot.
    private(set) var received = 0

    /// Why the memory does not outlive the process; nil where it does.
    public let warning: String?
    /// What the ring of the process before was armed for, where it has left one of this state.
    public private(set) var armed: (sequence: UInt64, before: UInt64)?

    /// Private memory that ends with the process.
    public init() {
        warning = nil
        unsafe memory = Self.privateMemory(bytes)
        unsafe slots = memory + Self.headerBytes
        clear()
    }

    /// The ring in `directory`, or private memory where there is none to be had. A ring of another state is wiped: it may
    /// hold addresses, and nobody can count them any more.
    ///
    /// Throws where a newer Footfall has written the ring.
    public init(directory: String, incarnation: [UInt8]) throws(StorageError) {
        precondition(incarnation.count == 16)
        try Self.refuseNewer(in: directory)
        let path = Self.path(in: directory)
        // A supervisor that hands over every socket need not have made it.
        _ = unsafe mkdir(directory, 0o750)
        let (mapped, warning) = unsafe Self.map(path, bytes: bytes)
        self.warning = warning
        unsafe memory = mapped ?? Self.privateMemory(bytes)
        unsafe slots = memory + Self.headerBytes
        // Memory that is swapped out would be an address on a disk; where locking is not allowed, swap is the operator's.
        _ = unsafe mlock(memory, bytes)
        let header = unsafe [UInt8](UnsafeRawBufferPointer(start: memory, count: Self.checkedBytes))
        let span = header.span
        if header.starts(with: Self.magic), header[7] == Self.version, Array(header[16..<32]) == incarnation,
            UInt64(checksum) == span.word(at: 8) & 0xffff_ffff
        {
            armed = (span.word(at: 32), span.word(at: 40))
            received = unsafe max(0, Int(ck_slots_adopt(slots, UInt32(Self.batchMax), UInt32(Self.slotBytes))))
        } else {
            clear()
        }
        unsafe (memory + 16).copyMemory(from: incarnation, byteCount: 16)
    }

    private static func path(in directory: String) -> String { directory + "/landing.ring" }

    /// Throws where a newer Footfall has written the ring; to be asked before the state is touched.
    public static func refuseNewer(in directory: String) throws(StorageError) {
        let path = path(in: directory)
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        var head = [UInt8](repeating: 0, count: 8)
        if unsafe pread(descriptor, &head, 8, 0) == 8, head.starts(with: magic), head[7] > version {
            throw .newer(path: path, version: Int(head[7]), known: Int(version))
        }
    }

    private static func privateMemory(_ bytes: Int) -> UnsafeMutableRawPointer {
        let memory = unsafe mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let memory = unsafe memory, unsafe memory != MAP_FAILED else {
            preconditionFailure("no memory for \(bytes) bytes of receive slots")
        }
        return unsafe memory
    }

    private var checksum: UInt32 { unsafe ck_crc32c(0, memory + 12, Self.checkedBytes - 12) }

    deinit { unsafe munmap(memory, bytes) }

    /// Maps the file, allocated in full so that no page can be missing later.
    private static func map(_ path: String, bytes: Int) -> (UnsafeMutableRawPointer?, String?) {
        func reason(_ what: String) -> (UnsafeMutableRawPointer?, String?) {
            (nil, "\(what) \(path): \(SystemError.last)")
        }
        let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { return unsafe reason("cannot open") }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, status.st_uid == geteuid(), status.st_mode & 0o077 == 0 else {
            return (nil, "\(path) is open to another user, who could read addresses in it")
        }
        guard ck_is_in_memory(descriptor) == 1 else {
            _ = unsafe unlink(path)
            return (nil, "\(path) would lie on a disk: [state] runtime is no tmpfs")
        }
        errno = posix_fallocate(descriptor, 0, off_t(bytes))
        guard errno == 0, ftruncate(descriptor, off_t(bytes)) == 0 else { return unsafe reason("no room for") }
        let memory = unsafe mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, descriptor, 0)
        guard unsafe memory != MAP_FAILED else { return unsafe reason("cannot map") }
        return unsafe (memory, nil)
    }

    // MARK: A batch

    /// Reserves a sequence for the frame of the next batch, with the hits in all frames before it.
    @inline(__always)
    func arm(_ next: (sequence: UInt64, before: UInt64)) {
        unsafe memory.storeBytes(of: next.sequence, toByteOffset: 32, as: UInt64.self)
        unsafe memory.storeBytes(of: next.before, toByteOffset: 40, as: UInt64.self)
        unsafe memory.storeBytes(of: checksum, toByteOffset: 8, as: UInt32.self)
        CrashPoint.reach(.armed)
    }

    /// Takes what waits in the socket, without waiting for more: how many datagrams. An error counts as none; the
    /// kernel reports it once and the next call goes on.
    func receive(from descriptor: CInt) -> Int {
        received = unsafe max(0, Int(ck_receive(descriptor, slots, UInt32(Self.batchMax))))
        if received > 0 { CrashPoint.reach(.received) }
        return received
    }

    /// Gives the bytes of datagram `index` of the batch and what the kernel says about it to `body`.
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

    /// The frame of the batch is written: wipes what was received.
    @inline(__always)
    func release() {
        unsafe ck_slots_wipe(slots, UInt32(received))
        received = 0
        CrashPoint.reach(.released)
    }

    /// Wipes everything, so that a start finds nothing, but what the memory belongs to.
    func clear() {
        unsafe memset(memory, 0, 16)
        unsafe memset(memory + 32, 0, Self.headerBytes - 32)
        unsafe memory.copyMemory(from: Self.magic + [Self.version], byteCount: 8)
        unsafe ck_slots_init(slots, UInt32(Self.batchMax), UInt32(Self.slotBytes))
        received = 0
        armed = nil
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
