import Counting
import Storage
import Testing

/// One process on a state directory: it recovers, appends and counts frames, and makes checkpoints.
final class Life {
    let path: String
    private(set) var engine: Engine
    let recovery: Recovery
    let journal: Journal
    let checkpointer: Checkpointer

    /// Begins where the state in `path` ends. A new state stands at `now`.
    init(
        in path: String, limits: Limits = Limits(), now: Moment = .epoch,
        _ configuration: Journal.Configuration = .small,
        armed: (sequence: UInt64, before: UInt64)? = nil
    ) throws {
        self.path = path
        let directory = try StateDirectory(path)
        var recovery = try directory.recover(limits: limits, seed: HashSeed(1, 2), now: now)
        recovery.settle(armed: armed)
        (journal, checkpointer) = directory.begin(recovery, configuration) { error in
            Issue.record("gave up: \(error)")
        }
        engine = recovery.engine
        self.recovery = recovery
    }

    func append(_ frame: Frame) throws {
        let records = frame.bytes
        journal.append(records.span, hits: frame.hits)
        try engine.apply(records.span)
    }

    func append(_ frames: some Sequence<Frame>) throws { for frame in frames { try append(frame) } }

    func pass(to moment: Moment) { engine.advance(to: moment) }

    func request(saltsKept: Set<UInt32> = [], saltsThrough: UInt32 = 0) -> Checkpointer.Request {
        let next = journal.next
        return Checkpointer.Request(
            engine.capture(), sequence: next.sequence - 1, hits: next.before, saltsKept: saltsKept,
            saltsThrough: saltsThrough)
    }

    /// Makes a checkpoint and waits for its end. Returns why it failed, if it did.
    @discardableResult
    func checkpoint(saltsKept: Set<UInt32> = [], saltsThrough: UInt32 = 0) -> StorageError? {
        let failures = checkpointer.status.numbers.failures
        checkpointer.submit(request(saltsKept: saltsKept, saltsThrough: saltsThrough))
        #expect(eventually { !checkpointer.isBusy })
        let status = checkpointer.status
        return status.numbers.failures > failures ? status.failure : nil
    }

    /// Stops normally, with a last checkpoint. Returns the remaining files in a separate folder, because this folder is
    /// in use as long as anything here exists.
    @discardableResult
    func end() throws -> Folder {
        try checkpointer.stop(request())
        return try Folder(Folder.files(in: path))
    }

    /// The files that a kill would leave now. The process's threads end afterwards, in the folder that is no longer
    /// used.
    func kill() throws -> Folder {
        let left = try Folder(Folder.files(in: path))
        do throws(StorageError) {
            try checkpointer.stop(request())
        } catch {
            print("a killed process ends with: \(error)")
        }
        return left
    }
}

extension Journal.Configuration {
    /// Segments so small that a few dozen frames fill one.
    static var small: Self {
        Self(segmentBytes: 8 << 10, capBytes: 4 << 20, heldBytesMax: 64 << 20, syncMilliseconds: 50)
    }
}

/// What a start finds in a folder, without beginning to write.
func recover(
    _ folder: Folder, limits: Limits = Limits(), now: Moment = .epoch,
    armed: (sequence: UInt64, before: UInt64)? = nil
) throws(StorageError) -> Recovery {
    var recovery = try StateDirectory(folder.path).recover(limits: limits, seed: HashSeed(3, 4), now: now)
    recovery.settle(armed: armed)
    return recovery
}
