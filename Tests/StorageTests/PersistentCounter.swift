import Counting
import Ingest
import Storage
import Testing
import Wire
import Zones

/// A daemon without threads of its own: beacons go through the journal into the counts. Its clock is moved by hand.
struct PersistentCounter {
    let path: String
    private(set) var pipeline: IngestPipeline
    let recovery: Recovery
    let journal: Journal
    let checkpointer: Checkpointer
    private(set) var wall: Int64
    /// Datagrams in the ring that the process before had not written.
    let unwritten: Int

    /// 2026-11-23T12:00:00Z.
    static let noon: Int64 = 1_795_435_200_000

    /// Starts like the daemon, at a moment of the wall clock.
    init(
        in path: String, at wall: Int64 = noon, sites: [String] = ["demo"], ring: ReceiveRing? = nil,
        salts: UInt64 = 1, _ configuration: Journal.Configuration = .small
    ) throws {
        self.path = path
        self.wall = wall
        let directory = try StateDirectory(path)
        var recovery = try directory.recover(
            limits: Limits(), seed: HashSeed(1, 2), now: Moment(milliseconds: wall))
        recovery.settle(armed: ring?.armed)
        (journal, checkpointer) = directory.begin(recovery, configuration) { Issue.record("gave up: \($0)") }
        self.recovery = recovery
        pipeline = IngestPipeline(
            recovery, journal: journal, rules: Admission.Rules(), calendar: calendar, salts: SplitMix(seed: salts),
            seed: HashSeed(1, 2), wall: wall, steady: wall)
        let profiles = sites.map { SiteProfile(SiteSettings(name: $0)) }
        let started = try pipeline.start(serving: profiles, ring: ring, checkpointer: checkpointer)
        unwritten = started.unwritten
        #expect(started.areAllServed)
    }

    /// One datagram, one frame.
    mutating func receive(_ text: String, from sender: Admission.Sender = .ourselves) {
        pipeline.ingest(Array(text.utf8).span, from: sender, isTruncated: false, stamp: wall)
        pipeline.commit()
    }

    /// Advances the clocks while no datagram waits.
    mutating func pass(milliseconds: Int64) {
        wall += milliseconds
        pipeline.observe(wall: wall, steady: wall)
        pipeline.advanceClock()
    }

    /// Stores the drawn salts, as the counting thread does from time to time.
    mutating func keepSalts() {
        let drawn = pipeline.dequeueDrawnSalts()
        guard let last = drawn.last else { return }
        checkpointer.store(drawn)
        let stored = eventually { checkpointer.saltsStored >= last.number }
        #expect(stored)
        pipeline.saltsStored(through: checkpointer.saltsStored)
    }

    mutating func request() -> Checkpointer.Request {
        let (next, salts) = (journal.next, pipeline.saltsKept)
        return Checkpointer.Request(
            pipeline.capture(), sequence: next.sequence - 1, hits: next.before, saltsKept: salts.numbers,
            saltsThrough: salts.through)
    }

    /// Makes a checkpoint and waits for its end. Returns why it failed, if it did.
    @discardableResult
    mutating func checkpoint() -> StorageError? {
        let failures = checkpointer.status.numbers.failures
        checkpointer.submit(request())
        let isDone = eventually { !checkpointer.isBusy }
        #expect(isDone)
        let status = checkpointer.status
        return status.numbers.failures > failures ? status.failure : nil
    }

    /// Stops normally. Returns the remaining files.
    mutating func end() throws -> Folder {
        try checkpointer.stop(request())
        return try Folder(Folder.files(in: path))
    }

    /// The files that a kill would leave now. The threads end afterwards.
    mutating func kill() throws -> Folder {
        let left = try Folder(Folder.files(in: path))
        let request = request()
        do throws(StorageError) {
            try checkpointer.stop(request)
        } catch {
            print("a killed process ends with: \(error)")
        }
        return left
    }

    /// Every datagram and every record is in exactly one number.
    func expectConservation(_ place: String = "") {
        let t = pipeline.engine.counters
        let datagrams = DatagramRejection.allCases.reduce(t[.parsedDatagrams]) { $0 + t[$1.counter] }
        #expect(t[.datagrams] == datagrams, "\(place)")
        let rejected = BeaconRejection.allCases.reduce(0) { $0 + t[$1.counter] }
        #expect(t[.records] == t[.views] + t[.pings] + t[.duplicates] + t[.bots] + rejected, "\(place)")
    }
}

/// The calendar that the daemon uses.
private let calendar: IngestPipeline.Calendar = { name, moment in
    guard let zone = Zone(named: name) else { preconditionFailure("no zone \(name)") }
    let day = zone.day(at: moment.second)
    return DaySpan(
        day: LocalDay(number: day.number), begins: Moment(second: day.begins), ends: Moment(second: day.ends))
}
