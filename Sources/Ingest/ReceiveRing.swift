import CKernel
import Counting
import Glibc
import Platform
public import Storage
import Wire

/// Memory where the kernel puts up to 64 datagrams at a time. It survives the process, so the next process finds
/// datagrams that have left the socket and are not yet in the journal.
///
/// Arm, receive, write the frame, release: `Sources/Storage/FORMAT.md` has the layout and the reason for this order. If
/// the runtime directory is not a tmpfs, the memory is private, and a kill may lose the current batch. A ring is never
/// mapped from a disk: a full or failing disk would lose datagrams inside `recvmmsg`.
///
/// One of the few files with `unsafe`: the kernel and earlier processes write this memory. It gives out only bounded
/// spans, and only of slots that hold a datagram. One thread uses it at a time: first the one that starts, then the
/// counting thread.
@safe public final class ReceiveRing: @unchecked Sendable {
    /// Datagrams in a batch. Larger batches were slower, because they do not fit the cache.
    static let batchMax = 64
    /// The longest datagram that is read completely.
    static let slotBytes = Beacons.bytesMax
    private static let headerBytes = 4096
    private static let checkedBytes = 48
    /// Version 1 had its slots at a distance of their size.
    private static let version: UInt8 = 2
    private static let magic: [UInt8] = [0x46, 0x46, 0x52, 0x49, 0x4e, 0x47, 0]

    private let memory: UnsafeMutableRawPointer
    private let slots: UnsafeMutableRawPointer
    private let bytes = headerBytes + ck_slots_size(UInt32(batchMax), UInt32(slotBytes))
    /// What `arm` wrote last.
    private var reserved: (sequence: UInt64, before: UInt64) = (0, 0)
    /// Datagrams in the slot now.
    private(set) var received = 0

    /// Why the memory does not survive the process; nil if it does.
    public let warning: String?
    /// What the ring was armed for by the process before, if it left a ring of this state.
    public private(set) var armed: (sequence: UInt64, before: UInt64)?

    /// Private memory. It ends with the process.
    public init() {
        warning = nil
        unsafe memory = Self.privateMemory(bytes)
        unsafe slots = memory + Self.headerBytes
        clear()
    }

    /// The ring in `directory`, or private memory if that is not possible. A ring of another state is wiped: it may
    /// hold addresses, and nobody can count its hits any more.
    ///
    /// Throws if a newer Footfall has written the ring.
    public init(directory: String, incarnation: [UInt8]) throws(StorageError) {
        precondition(incarnation.count == 16)
        try Self.refuseNewer(in: directory)
        let path = Self.path(in: directory)
        // A supervisor that passes every socket may not have created the directory.
        _ = unsafe mkdir(directory, 0o750)
        let (mapped, warning) = unsafe Self.map(path, bytes: bytes)
        self.warning = warning
        unsafe memory = mapped ?? Self.privateMemory(bytes)
        unsafe slots = memory + Self.headerBytes
        // Swapped-out memory would put addresses on a disk. If locking is not allowed, swap is up to the operator.
        _ = unsafe mlock(memory, bytes)
        let header = unsafe [UInt8](UnsafeRawBufferPointer(start: memory, count: Self.checkedBytes))
        let span = header.span
        if header.starts(with: Self.magic), 1...Self.version ~= header[7], Array(header[16..<32]) == incarnation,
            UInt64(checksum) == span.word(at: 8) & 0xffff_ffff
        {
            armed = (span.word(at: 32), span.word(at: 40))
            let slot = UInt32(Self.slotBytes)
            let stride = header[7] == 1 ? slot : ck_stride(slot)
            received = unsafe max(0, Int(ck_slots_adopt(slots, UInt32(Self.batchMax), slot, stride)))
        } else {
            clear()
        }
        unsafe (memory + 16).copyMemory(from: incarnation, byteCount: 16)
    }

    private static func path(in directory: String) -> String { directory + "/landing.ring" }

    /// Throws if a newer Footfall has written the ring. Call it before the state is changed.
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

    /// Maps the file. It is allocated in full, so that no page can be missing later.
    private static func map(_ path: String, bytes: Int) -> (UnsafeMutableRawPointer?, String?) {
        func reason(_ what: String) -> (UnsafeMutableRawPointer?, String?) {
            (nil, "\(what) \(path): \(SystemError.last)")
        }
        let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { return unsafe reason("cannot open") }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, status.st_uid == geteuid(), status.st_mode & 0o077 == 0 else {
            return (nil, "\(path) is accessible to another user, who could read addresses in it")
        }
        guard ck_is_in_memory(descriptor) == 1 else {
            _ = unsafe unlink(path)
            return (nil, "\(path) would be on a disk: [state] runtime is not on a tmpfs")
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
        guard next != reserved else { return }
        reserved = next
        unsafe memory.storeBytes(of: next.sequence, toByteOffset: 32, as: UInt64.self)
        unsafe memory.storeBytes(of: next.before, toByteOffset: 40, as: UInt64.self)
        unsafe memory.storeBytes(of: checksum, toByteOffset: 8, as: UInt32.self)
        CrashPoint.reach(.armed)
    }

    /// Reads the datagrams that wait in the socket, and does not wait for more. Returns their number. An error counts
    /// as none: the kernel reports it once, and the next call continues.
    func receive(from descriptor: CInt) -> Int {
        received = unsafe max(0, Int(ck_receive(descriptor, slots, UInt32(Self.batchMax))))
        if received > 0 { CrashPoint.reach(.received) }
        return received
    }

    /// Calls `body` with the bytes of datagram `index` of the batch and what the kernel says about it.
    @inline(__always)
    func withDatagram<R>(_ index: Int, _ body: (Span<UInt8>, Arrival) -> R) -> R {
        precondition(index < received, "no datagram of the last batch is in this slot")
        let datagram = unsafe ck_datagram_at(slots, UInt32(index))
        let arrival = Arrival(
            sender: unsafe Self.sender(datagram), stamp: unsafe datagram.stamp,
            isTruncated: unsafe datagram.is_truncated != 0)
        let bytes = unsafe UnsafeBufferPointer(start: datagram.bytes, count: Int(datagram.length))
        return body(unsafe Span(_unsafeElements: bytes), arrival)
    }

    /// Wipes the batch, after its frame was written.
    @inline(__always)
    func release() {
        unsafe ck_slots_wipe(slots, UInt32(received))
        received = 0
        CrashPoint.reach(.released)
    }

    /// Wipes everything except the incarnation, so that the next start finds no batch.
    func clear() {
        unsafe memset(memory, 0, 16)
        unsafe memset(memory + 32, 0, Self.headerBytes - 32)
        unsafe memory.copyMemory(from: Self.magic + [Self.version], byteCount: 8)
        unsafe ck_slots_init(slots, UInt32(Self.batchMax), UInt32(Self.slotBytes))
        received = 0
        armed = nil
        reserved = (0, 0)
    }

    /// The kernel's data about a datagram.
    struct Arrival {
        /// Nil if the sender has no network address.
        var sender: NetworkAddress?
        /// When the kernel received it, in nanoseconds of the wall clock; 0 without a stamp.
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
