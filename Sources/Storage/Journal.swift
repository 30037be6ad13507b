import Counting
import Glibc
import Platform
import Synchronization

/// The frames, in the order in which they were counted, on disk: what survives the process and then the power.
///
/// The counting thread appends; a thread of its own syncs, makes the next segment and tries again what failed; the
/// checkpoint thread takes away what it has covered. All three meet in one lock, held for a `pwritev` at most.
///
/// While the disk takes no frame, frames are *held*: kept in memory in their order, up to `heldBytesMax`, and written as
/// soon as there is room. What is held is lost with the process, and only with it.
public final class Journal: Sendable {
    /// How the journal is kept.
    public struct Configuration: Equatable, Sendable {
        /// The directory of the segments; the state directory sets it.
        var directory = ""
        /// Size of a segment; `capBytes` holds at least two.
        public var segmentBytes: Int
        /// All segments together.
        public var capBytes: Int
        /// Frames in memory while none can be written.
        public var heldBytesMax: Int
        /// Between two syncs: a power cut loses at most this and one fdatasync.
        public var syncMilliseconds: Int64

        /// A journal kept like this.
        public init(segmentBytes: Int, capBytes: Int, heldBytesMax: Int, syncMilliseconds: Int64) {
            self.segmentBytes = segmentBytes
            self.capBytes = capBytes
            self.heldBytesMax = heldBytesMax
            self.syncMilliseconds = syncMilliseconds
        }
    }

    private let configuration: Configuration
    private let incarnation: [UInt8]
    private let seed: UInt32
    private let state: Mutex<State>
    private let thread = OSThread()

    private struct State {
        var sequence: UInt64
        var hits: UInt64
        var nextOrdinal: UInt64
        var current: Segment?
        var offset = 0
        /// The last frame that was written.
        var written: UInt64
        /// The ordinal of the last segment that was begun: frames go on in rising ordinals.
        var lastOrdinal: UInt64 = 0
        /// Made ahead of need.
        var spare: Segment?
        var sealed: [Sealed]
        /// Files with frames that no sync has covered.
        var unsynced: [OpenFile] = []
        /// A segment was made in a hurry: its name is not known to the disk yet.
        var isDirectoryUnsynced = false
        /// A sync failed, when this frame had been given out: only a checkpoint makes the counts durable again.
        var failedSync: (sequence: UInt64, error: StorageError)?
        var held: [Held] = []
        var status = Status()
    }

    /// A segment that is not written to any more.
    struct Sealed {
        var path: String
        var bytes: Int
        /// The last sequence in it; 0 where it holds no frame.
        var last: UInt64
        var isDamaged = false
    }

    private struct Held {
        var sequence: UInt64
        var header: [UInt8]
        var records: [UInt8]
        var bytes: Int { header.count + records.count }
    }

    /// Goes on behind frame `sequence` with `hits` in all frames so far. `sealed` are the segments that are there.
    init(
        _ configuration: Configuration, incarnation: [UInt8], sequence: UInt64, hits: UInt64, nextOrdinal: UInt64,
        sealed: [Sealed]
    ) {
        self.configuration = configuration
        self.incarnation = incarnation
        seed = crc32c(incarnation.span)
        state = Mutex(
            State(sequence: sequence, hits: hits, nextOrdinal: nextOrdinal, written: sequence, sealed: sealed))
        prepare()
        thread.start { [self] in run() }
    }

    // MARK: The counting thread

    /// The sequence of the frame to come, and the hits in all frames before it.
    public var next: (sequence: UInt64, before: UInt64) { state.withLock { ($0.sequence + 1, $0.hits) } }

    /// Nothing more can be held: what comes now must be refused and not appended, but for small frames that say so.
    public var isFull: Bool {
        state.withLock { !$0.held.isEmpty && $0.status.numbers.bufferedBytes >= configuration.heldBytesMax }
    }

    /// Takes one frame, which has the next sequence from then on: written if that can be, else held.
    ///
    /// - Complexity: one `pwritev`; at the end of a segment rarely the making of the next.
    public func append(_ records: Span<UInt8>, hits: Int) {
        append(records, hits: hits) { head, sequence, state in
            let held = Held(sequence: sequence, header: head, records: [UInt8](copying: records))
            state.status.numbers.bufferedBytes += held.bytes
            state.held.append(held)
            return true
        }
    }

    /// Takes one frame if it can be written at once; false where it would have to be held, and then nothing has happened.
    public func appendOrRefuse(_ records: Span<UInt8>, hits: Int) -> Bool {
        append(records, hits: hits) { _, _, _ in false }
    }

    /// Writes one frame; what cannot be written is for `hold`, which says whether the frame is taken.
    @discardableResult
    private func append(
        _ records: Span<UInt8>, hits: Int, orHold hold: (_ head: [UInt8], UInt64, inout State) -> Bool
    ) -> Bool {
        precondition(records.count <= FrameHeader.lengthMax, "a frame of \(records.count) bytes")
        return state.withLock { state in
            let header = FrameHeader(
                sequence: state.sequence + 1, hits: hits, before: state.hits, length: records.count)
            let head = header.encoded(records, seed: seed)
            let failure = state.status.failure
            let isWritten = state.held.isEmpty && write(header.sequence, head.span, records, &state)
            guard isWritten || hold(head, header.sequence, &state) else {
                if let refusal = state.status.failure { state.status.refusal = (refusal, Clocks.steady) }
                // Nothing is held that would be tried again and find that all is well.
                state.status.failure = failure
                return false
            }
            state.sequence = header.sequence
            state.hits = header.after
            return true
        }
    }

    /// Writes one frame into the current segment, or says in the status why not.
    private func write(_ sequence: UInt64, _ head: Span<UInt8>, _ records: Span<UInt8>, _ state: inout State) -> Bool {
        do throws(StorageError) {
            let bytes = head.count + records.count
            if state.offset + bytes > state.current?.bytes ?? 0 { try rotate(&state, for: bytes) }
            guard let current = state.current else { return false }
            if state.unsynced.last !== current.file { state.unsynced.append(current.file) }
            CrashPoint.reachHalfFrame(current.file, head, at: state.offset)
            try current.file.write(head, records, at: state.offset)
            state.offset += bytes
            state.written = sequence
            state.status.numbers.writtenBytes += UInt64(bytes)
            state.status.numbers.unsyncedBytes += bytes
            if state.status.unsyncedSince == nil { state.status.unsyncedSince = Clocks.steady }
            state.status.failure = nil
            state.status.refusal = nil
            return true
        } catch {
            state.status.failure = error
            // A disk that fails may take a new file where it refuses this one. A full disk has room here once there is some.
            if case .system(_, _, EIO) = error { seal(&state) }
            return false
        }
    }

    /// Begins the next segment; one of its own size for a frame that no other has room for.
    private func rotate(_ state: inout State, for frameBytes: Int) throws(StorageError) {
        CrashPoint.reach(.segmentFull)
        let bytes = max(configuration.segmentBytes, Segment.headerBytes + frameBytes)
        let next: Segment
        if let spare = state.spare, spare.bytes >= bytes {
            next = spare
            state.spare = nil
        } else {
            next = try make(&state, bytes: bytes)
            // Frames go on in rising ordinals: a spare one that is too small can never be used any more.
            if let spare = state.spare {
                state.sealed.append(Sealed(path: spare.file.path, bytes: spare.bytes, last: 0))
                state.spare = nil
            }
        }
        seal(&state)
        state.current = next
        state.lastOrdinal = next.ordinal
        state.offset = Segment.headerBytes
        thread.wakeup.signal()
        CrashPoint.reach(.segmentBegun)
    }

    /// The current segment takes no further frame.
    private func seal(_ state: inout State) {
        guard let current = state.current else { return }
        state.sealed.append(Sealed(path: current.file.path, bytes: current.bytes, last: state.written))
        state.current = nil
    }

    private func make(_ state: inout State, bytes: Int) throws(StorageError) -> Segment {
        guard Self.bytes(state) + bytes <= configuration.capBytes else {
            throw .journalFull(bytes: configuration.capBytes)
        }
        defer { state.nextOrdinal += 1 }
        // Under the lock, with the counting thread waiting: its sync is left to the thread that syncs.
        state.isDirectoryUnsynced = true
        return try Segment(
            making: state.nextOrdinal, in: configuration.directory, bytes: bytes, incarnation: incarnation,
            isSynced: false)
    }

    private static func bytes(_ state: State) -> Int {
        (state.current?.bytes ?? 0) + (state.spare?.bytes ?? 0) + state.sealed.reduce(0) { $0 + $1.bytes }
    }

    // MARK: The sync thread

    private func run() {
        while !thread.isStopping {
            thread.wakeup.wait(milliseconds: Int32(configuration.syncMilliseconds))
            // First, since a sync may take long and the segment in use may be full by then.
            prepare()
            sync()
            writeHeld()
        }
    }

    /// Returns when every frame written before is on the disk, or its file is given up.
    ///
    /// A later sync of a file that failed proves nothing for what stood in it: the kernel may have dropped the pages and
    /// would say that all is well. That is durable with the next checkpoint.
    public func sync() {
        let (files, bytes, isDirectoryUnsynced) = state.withLock { state in
            defer {
                state.unsynced = []
                state.isDirectoryUnsynced = false
            }
            return (state.unsynced, state.status.numbers.unsyncedBytes, state.isDirectoryUnsynced)
        }
        guard !files.isEmpty else { return }
        let begun = Clocks.steadyNanoseconds
        if isDirectoryUnsynced {
            do throws(StorageError) {
                try Files.syncDirectory(configuration.directory)
            } catch {
                state.withLock { $0.failedSync = ($0.sequence, error) }
            }
        }
        for file in files {
            do throws(StorageError) {
                try file.sync()
            } catch {
                state.withLock { state in
                    // One new segment is enough of a try: they would take all the room under the cap within seconds.
                    if state.current?.file === file, state.failedSync == nil { seal(&state) }
                    state.failedSync = (state.sequence, error)
                }
            }
        }
        state.withLock { state in
            state.status.numbers.syncSeconds = Double(Clocks.steadyNanoseconds - begun) / 1e9
            state.status.numbers.unsyncedBytes -= bytes
            // Frames written meanwhile are younger than this sync.
            state.status.unsyncedSince = state.status.numbers.unsyncedBytes == 0 ? nil : begun / 1_000_000
        }
    }

    /// Makes the next segment, so that the counting thread finds it. The lock is free while the disk works.
    private func prepare() {
        let ordinal = state.withLock { state -> UInt64? in
            // Without room under the cap a checkpoint is wanted, and the segment in use may last until it is there.
            guard state.spare == nil, Self.bytes(state) + configuration.segmentBytes <= configuration.capBytes else {
                return nil
            }
            defer { state.nextOrdinal += 1 }
            return state.nextOrdinal
        }
        guard let ordinal else { return }
        do throws(StorageError) {
            let segment = try Segment(
                making: ordinal, in: configuration.directory, bytes: configuration.segmentBytes,
                incarnation: incarnation)
            let isLate = state.withLock { state in
                state.status.spareFailure = nil
                // The counting thread may have begun a later segment meanwhile.
                guard state.lastOrdinal < ordinal else { return true }
                state.spare = segment
                return false
            }
            if isLate { try Files.delete(segment.file.path) }
        } catch {
            state.withLock { $0.status.spareFailure = error }
        }
    }

    /// Writes what is held, a piece at a time so that the counting thread gets the lock between.
    private func writeHeld() {
        var isMore = true
        while isMore {
            isMore = state.withLock { state in
                var written = 0
                var bytes = 0
                for held in state.held {
                    guard bytes < 1 << 20, write(held.sequence, held.header.span, held.records.span, &state) else {
                        break
                    }
                    bytes += held.bytes
                    written += 1
                }
                state.held.removeFirst(written)
                state.status.numbers.bufferedBytes -= bytes
                return written > 0 && !state.held.isEmpty
            }
        }
    }

    // MARK: The checkpoint thread

    /// A checkpoint holds everything up to frame `sequence`: takes away the segments that are not needed any more, and
    /// held frames that need not be written.
    public func reclaim(upTo sequence: UInt64) throws(StorageError) {
        let gone = state.withLock { state in
            if let failed = state.failedSync, failed.sequence <= sequence { state.failedSync = nil }
            let covered = state.held.prefix { $0.sequence <= sequence }
            state.status.numbers.bufferedBytes -= covered.reduce(0) { $0 + $1.bytes }
            state.held.removeFirst(covered.count)
            if state.held.isEmpty { state.status.failure = nil }
            return state.sealed.filter { $0.last <= sequence }
        }
        var failure: StorageError?
        for (i, segment) in gone.enumerated() {
            if i == 1 { CrashPoint.reach(.reclaiming) }
            do throws(StorageError) {
                if segment.isDamaged {
                    try Files.move(segment.path, into: configuration.directory + "/quarantine")
                } else {
                    try Files.delete(segment.path)
                }
                state.withLock { $0.sealed.removeAll { $0.path == segment.path } }
            } catch {
                // The others need not wait for it.
                failure = error
            }
        }
        if !gone.isEmpty { thread.wakeup.signal() }
        if let failure { throw failure }
    }

    /// More than half of what it may hold: a checkpoint should not wait for its turn.
    public var wantsCheckpoint: Bool {
        state.withLock { $0.failedSync != nil || Self.bytes($0) * 2 > configuration.capBytes }
    }

    /// For those who watch.
    public var status: Status {
        state.withLock { state in
            var status = state.status
            status.numbers.bytes = Self.bytes(state)
            status.syncFailure = state.failedSync?.error
            return status
        }
    }

    /// Writes and syncs what can be, and ends the thread. After a checkpoint of everything, `reclaim` leaves no file but
    /// the current and the spare one, which go here.
    public func stop(deletingUpTo sequence: UInt64?) throws(StorageError) {
        thread.stop()
        writeHeld()
        sync()
        let spare = state.withLock { state in
            if sequence == state.sequence { seal(&state) }
            defer { state.spare = nil }
            return state.spare
        }
        if let spare { try Files.delete(spare.file.path) }
        if let sequence { try reclaim(upTo: sequence) }
    }
}
