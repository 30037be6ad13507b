import Counting
import Glibc
import Platform
import Synchronization

/// The frames on disk, in the order in which they were counted. They survive the end of the process, and after a sync a
/// power cut.
///
/// The counting thread appends. The journal's own thread syncs, creates the next segment and retries what failed. The
/// checkpoint thread removes the segments that a checkpoint covers. All three share one lock, held for one `pwritev` at
/// most.
///
/// While the disk accepts no frames, they are *buffered*: kept in memory in their order, up to `heldBytesMax`, and
/// written as soon as there is room. Buffered frames are lost with the process, and only with it.
public final class Journal: Sendable {
    /// The settings of the journal.
    public struct Configuration: Equatable, Sendable {
        /// The directory of the segments. The state directory sets it.
        var directory = ""
        /// The size of a segment. `capBytes` holds at least two.
        public var segmentBytes: Int
        /// The size of all segments together.
        public var capBytes: Int
        /// The size of the frames in memory while none can be written.
        public var heldBytesMax: Int
        /// The time between two syncs. A power cut loses at most this time plus one fdatasync.
        public var syncMilliseconds: Int64

        /// The settings of a journal.
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
        /// The ordinal of the newest segment with frames: frames continue in rising ordinals.
        var lastOrdinal: UInt64 = 0
        /// The next segment, created before it is needed.
        var spare: Segment?
        var sealed: [Sealed]
        /// Files with frames that are not synced yet.
        var unsynced: [OpenFile] = []
        /// A segment was created without a sync of the directory: the disk may not have its name yet.
        var isDirectoryUnsynced = false
        /// A sync failed when this was the newest frame. Only a checkpoint makes the counts durable again.
        var failedSync: (sequence: UInt64, error: StorageError)?
        var held: [Held] = []
        var status = Status()
    }

    /// A segment that is not written to any more.
    struct Sealed {
        var path: String
        var bytes: Int
        /// The last sequence in it; 0 if it holds no frame.
        var last: UInt64
        var isDamaged = false
    }

    private struct Held {
        var sequence: UInt64
        var header: [UInt8]
        var records: [UInt8]
        var bytes: Int { header.count + records.count }
    }

    /// Continues after frame `sequence`, with `hits` in all frames so far. `sealed` are the existing segments.
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

    /// The sequence of the next frame, and the hits in all frames before it.
    public var next: (sequence: UInt64, before: UInt64) { state.withLock { ($0.sequence + 1, $0.hits) } }

    /// True if the buffer is full. Refuse hits then and do not append them; only small frames that count the refusals
    /// may follow.
    public var isFull: Bool {
        state.withLock { !$0.held.isEmpty && $0.status.numbers.bufferedBytes >= configuration.heldBytesMax }
    }

    /// Appends a frame with the next sequence: writes it, or buffers it if that fails.
    ///
    /// - Complexity: one `pwritev`; at the end of a segment rarely the creation of the next.
    public func append(_ records: Span<UInt8>, hits: Int) {
        append(records, hits: hits) { head, sequence, state in
            let held = Held(sequence: sequence, header: [UInt8](copying: head), records: [UInt8](copying: records))
            state.status.numbers.bufferedBytes += held.bytes
            state.held.append(held)
            return true
        }
    }

    /// Appends a frame only if it can be written at once. False if it would have to be buffered; then nothing has
    /// happened.
    public func appendOrRefuse(_ records: Span<UInt8>, hits: Int) -> Bool {
        append(records, hits: hits) { _, _, _ in false }
    }

    /// Writes one frame. If that fails, `hold` decides whether the frame is buffered.
    @discardableResult
    private func append(
        _ records: Span<UInt8>, hits: Int, orHold hold: (_ head: Span<UInt8>, UInt64, inout State) -> Bool
    ) -> Bool {
        precondition(records.count <= FrameHeader.lengthMax, "a frame of \(records.count) bytes")
        return state.withLock { state in
            let header = FrameHeader(
                sequence: state.sequence + 1, hits: hits, before: state.hits, length: records.count)
            let head = header.encoded(records, seed: seed)
            let failure = state.status.failure
            let isWritten = state.held.isEmpty && write(header.sequence, head.span, records, &state)
            guard isWritten || hold(head.span, header.sequence, &state) else {
                if let refusal = state.status.failure { state.status.refusal = (refusal, Clocks.steady) }
                // Nothing is buffered, so no retry would clear the failure.
                state.status.failure = failure
                return false
            }
            state.sequence = header.sequence
            state.hits = header.after
            return true
        }
    }

    /// Writes one frame into the current segment. If that fails, the status says why.
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
            // A failing disk may accept a new file where it refuses this one. A full disk will have room here later.
            if case .system(_, _, EIO) = error { seal(&state) }
            return false
        }
    }

    /// Begins the next segment. A frame that is larger than a segment gets one of its own size.
    private func rotate(_ state: inout State, for frameBytes: Int) throws(StorageError) {
        CrashPoint.reach(.segmentFull)
        let bytes = max(configuration.segmentBytes, Segment.headerBytes + frameBytes)
        let next: Segment
        if let spare = state.spare, spare.bytes >= bytes {
            next = spare
            state.spare = nil
        } else {
            next = try make(&state, bytes: bytes)
            // Frames continue in rising ordinals, so a spare segment that is too small can never be used.
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

    /// No further frame goes into the current segment.
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
        // The lock is held and the counting thread waits, so the sync thread syncs the directory later.
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
            // First prepare: a sync may take long, and the current segment may be full by then.
            prepare()
            sync()
            writeHeld()
        }
    }

    /// Returns when every frame written before is on the disk, or its file is given up.
    ///
    /// After a failed sync, a later successful sync of the same file proves nothing: the kernel may have dropped the
    /// pages and would still report success. Those frames become durable with the next checkpoint.
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
                    // Try one new segment only: more would use all the room under the cap within seconds.
                    if state.current?.file === file, state.failedSync == nil { seal(&state) }
                    state.failedSync = (state.sequence, error)
                }
            }
        }
        state.withLock { state in
            state.status.numbers.syncSeconds = Double(Clocks.steadyNanoseconds - begun) / 1e9
            state.status.numbers.unsyncedBytes -= bytes
            // Frames written in the meantime are younger than this sync.
            state.status.unsyncedSince = state.status.numbers.unsyncedBytes == 0 ? nil : begun / 1_000_000
        }
    }

    /// Creates the next segment before the counting thread needs it. The lock is free while the disk works.
    private func prepare() {
        let ordinal = state.withLock { state -> UInt64? in
            // No room under the cap: only a checkpoint can free it. Until then the current segment may suffice.
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
                // The counting thread may have begun a later segment in the meantime.
                guard state.lastOrdinal < ordinal else { return true }
                state.spare = segment
                return false
            }
            if isLate { try Files.delete(segment.file.path) }
        } catch {
            state.withLock { $0.status.spareFailure = error }
        }
    }

    /// Writes buffered frames, in pieces so that the counting thread gets the lock in between.
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

    /// A checkpoint holds everything up to frame `sequence`. Removes the segments that are not needed any more, and
    /// buffered frames that need not be written.
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
                // Continue with the others.
                failure = error
            }
        }
        if !gone.isEmpty { thread.wakeup.signal() }
        if let failure { throw failure }
    }

    /// True if more than half of the cap is used or a sync failed: the next checkpoint should not wait for its usual
    /// time.
    public var wantsCheckpoint: Bool {
        state.withLock { $0.failedSync != nil || Self.bytes($0) * 2 > configuration.capBytes }
    }

    /// The status, for monitoring.
    public var status: Status {
        state.withLock { state in
            var status = state.status
            status.numbers.bytes = Self.bytes(state)
            status.syncFailure = state.failedSync?.error
            return status
        }
    }

    /// Writes and syncs what it can, and ends the thread. After a checkpoint of everything, only the current and the
    /// spare segment are left, and both are deleted here.
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
