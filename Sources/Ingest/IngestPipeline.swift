public import Counting
public import Storage
public import Wire

/// The only way in: datagrams become records, one frame a batch, and the engine counts from the frame.
///
/// The daemon and `footfall count` both use it. It reads no clock: the caller gives it stamps and clock readings, and
/// it gives every hit its final moment. With a journal, a frame is written before it is counted.
public struct IngestPipeline: Sendable {
    /// The engine with the counts.
    public private(set) var engine: Engine
    /// The last committed frame, until the next datagram arrives.
    public internal(set) var frame = Frame()
    var admission: Admission
    var timekeeper: Timekeeper
    var salts: SaltPool
    let journal: Journal?
    let calendar: Calendar
    var isCommitted = true
    private var committedAt = Moment.epoch
    private var isUpDue = false
    /// When the wall clock last jumped, and when the kernel last dropped something.
    var clockJumpedAt: Moment?
    var droppedAt: Moment?
    /// How often salts of former days were forgotten.
    private(set) var saltsForgotten = 0

    /// The local day of a moment in a zone.
    public typealias Calendar = @Sendable (_ timezone: String, Moment) -> DaySpan

    /// A pipeline without sites that stands at `wall` milliseconds and stores nothing. `steady` is a clock that never
    /// jumps.
    public init(
        limits: Limits, rules: Admission.Rules, calendar: @escaping Calendar,
        salts: any RandomNumberGenerator & Sendable, wall: Int64, steady: Int64
    ) {
        var salts = salts
        let seed = HashSeed(salts.next(), salts.next())
        let now = Moment(milliseconds: wall)
        engine = Engine(limits: limits, seed: seed, at: now)
        admission = Admission(sites: SiteDirectory(seed: seed), rules: rules, seed: seed)
        timekeeper = Timekeeper(after: now, wall: wall, steady: steady)
        self.salts = SaltPool(stored: nil, used: 0, random: salts)
        journal = nil
        self.calendar = calendar
    }

    /// Continues from a recovered state, with a journal. Its sites are known, but not served until `serve`.
    public init(
        _ recovery: Recovery, journal: Journal, rules: Admission.Rules, calendar: @escaping Calendar,
        salts random: any RandomNumberGenerator & Sendable, seed: HashSeed, wall: Int64, steady: Int64
    ) {
        engine = recovery.engine
        admission = Admission(sites: SiteDirectory(seed: seed), rules: rules, seed: seed)
        timekeeper = Timekeeper(after: engine.now, wall: wall, steady: steady)
        // A restored backup may name salts that it does not contain. Their numbers are not used again.
        let used = (0..<engine.siteCount).map { recovery.engine.rollover(of: SiteIndex($0)).salt }.max() ?? 0
        salts = SaltPool(stored: recovery.salts, used: used, random: random)
        self.journal = journal
        self.calendar = calendar
        let stored = Dictionary(grouping: recovery.salts, by: \.site)
        for site in (0..<engine.siteCount).map(SiteIndex.init) { restore(site, stored[site] ?? []) }
    }

    private mutating func restore(_ site: SiteIndex, _ stored: [StoredSalt]) {
        let settings = engine.settings(of: site)
        let rollover = engine.rollover(of: site)
        func salt(_ stored: StoredSalt) -> Salt { Salt(number: stored.number, bytes: stored.bytes) }
        // A restored backup contains no salts. Its visitors of that day count as new, with a secret that is used only
        // until the rollover, which comes at once.
        var random = SystemRandomNumberGenerator()
        let missing = Salt(number: rollover.salt, using: &random)
        let current = stored.first { $0.number == rollover.salt }
        let former = stored.last { $0.number < rollover.salt }
        if let next = stored.last(where: { $0.number > rollover.salt }) {
            salts.keep(salt(next), for: site)
        } else {
            salts.drawAhead(for: site)
        }
        let span = calendar(settings.timezone, rollover.begins)
        let today = current == nil ? DaySpan(day: rollover.day, begins: rollover.begins, ends: rollover.begins) : span
        admission.sites.restore(
            SiteProfile(settings), today: today, salt: current.map(salt) ?? missing, former: former.map(salt))
    }

    /// The sequence of the next frame, with the hits in all frames before it; nil if nothing is stored.
    var journalNext: (sequence: UInt64, before: UInt64)? { journal?.next }
    /// Bytes of frames buffered in memory because the disk accepts none.
    var heldBytes: Int { journal?.status.numbers.bufferedBytes ?? 0 }
    /// The stamp of the newest datagram, in milliseconds of the wall clock.
    var reached: Int64 { timekeeper.last.milliseconds - timekeeper.lead }
    /// Datagrams parsed as beacons, committed or not.
    var parsedDatagrams: UInt64 { engine.counters[.parsedDatagrams] + admission.counts[.parsedDatagrams] }
    /// The sites.
    public var sites: SiteDirectory { admission.sites }
    /// The last moment that was assigned.
    public var now: Moment { timekeeper.last }

    /// Unknown sites named by the records of the datagram, without duplicates.
    public mutating func unknownSites(in datagram: Span<UInt8>) -> [Admission.UnknownSite] {
        admission.unknownSites(in: datagram)
    }

    // MARK: Salts

    /// Removes and returns the salts drawn since the last call. Store them before they are used.
    public mutating func dequeueDrawnSalts() -> [StoredSalt] { salts.dequeueDrawn() }

    /// Marks the salts up to this number as stored.
    public mutating func saltsStored(through number: UInt32) { salts.stored(through: number) }

    /// The numbers of the salts to keep, and the highest number used.
    public var saltsKept: (numbers: Set<UInt32>, through: UInt32) {
        (sites.saltsInUse.union(salts.numbers), salts.highest)
    }

    // MARK: Input

    /// Observes readings of the wall clock and of a steady clock, in milliseconds, before every batch. Returns what the
    /// wall clock did, if it jumped.
    @discardableResult
    public mutating func observe(wall: Int64, steady: Int64) -> ClockEvent? {
        guard let event = timekeeper.observe(wall: wall, steady: steady) else { return nil }
        clockJumpedAt = Moment(milliseconds: wall + timekeeper.lead)
        begin()
        frame.append(.clock(event))
        if case .restart = event {
            rollOverDays(at: now)
            droppedAt = nil
        }
        return event
    }

    /// Marks the daemon as up from the next moment on. That is the moment of the first datagram, which may have waited
    /// in an inherited socket since before the start, or else the wall clock's.
    public mutating func comeUp() { isUpDue = true }

    private mutating func noteUp(at moment: Moment) {
        guard isUpDue else { return }
        isUpDue = false
        begin()
        frame.append(.up(moment))
    }

    /// Ingests one datagram, stamped by the wall clock in milliseconds.
    @inline(__always)
    public mutating func ingest(
        _ datagram: Span<UInt8>, from sender: Admission.Sender, isTruncated: Bool, stamp: Int64
    ) {
        begin()
        if admission.isRefusing { admission.isRefusing = journal?.isFull ?? false }
        let moment = timekeeper.moment(stamp: stamp)
        if isUpDue { noteUp(at: moment) }
        if moment >= admission.sites.nextMidnight { rollOverDays(at: moment) }
        let arrival = Admission.Arrival(
            from: sender, isTruncated: isTruncated, stamp: stamp, at: moment, steady: timekeeper.steady)
        admission.admit(datagram, arrival, against: engine.signatures, into: &frame)
    }

    /// Counts hits whose senders wait for an answer. Returns the site of each hit that was counted and written.
    ///
    /// A hit that cannot be written is not counted, but counted as refused: `internal`. Its sender knows and can retry.
    public mutating func count(_ hits: [BrowserHit]) -> [Result<SiteIndex, BeaconRejection>] {
        commit()
        var results: [Result<SiteIndex, BeaconRejection>] = []
        for hit in hits {
            let moment = timekeeper.moment(stamp: hit.stamp)
            if isUpDue || moment >= admission.sites.nextMidnight {
                write(&results)
                noteUp(at: moment)
                begin()
                if moment >= admission.sites.nextMidnight { rollOverDays(at: moment) }
                commit()
            }
            begin()
            results.append(
                Result { () throws(BeaconRejection) in
                    try admission.admit(hit, at: moment, steady: timekeeper.steady, into: &frame)
                })
        }
        write(&results)
        return results
    }

    /// Commits the hits of the frame. If that fails, changes their results to failures.
    private mutating func write(_ results: inout [Result<SiteIndex, BeaconRejection>]) {
        guard !isCommitted else { return }
        let hits = frame.hits
        guard hits > 0, !commitOrRefuse() else { return commit() }
        // The hits in the frame are the last `hits` admitted ones.
        var left = hits
        for i in results.indices.reversed() where left > 0 {
            guard case .success(let site) = results[i] else { continue }
            admission.counts.refuse(.internal, of: site)
            results[i] = .failure(.internal)
            left -= 1
        }
        commit()
    }

    /// Counts hits that were refused because the queue was full.
    mutating func refuse(_ hits: Int) {
        guard hits > 0 else { return }
        begin()
        admission.counts[.records] += UInt64(hits)
        for _ in 0..<hits { admission.counts.refuse(.limit, of: nil) }
    }

    /// Adds a record, if it can be written at once.
    public mutating func addOrRefuse(_ record: Record) -> Bool {
        commit()
        let isEmpty = isCommitted
        begin()
        frame.append(record)
        if commitOrRefuse() { return true }
        isCommitted = isEmpty
        return false
    }

    /// Adds the drop count of a socket.
    public mutating func noteDrops(cookie: UInt64, total: UInt32) {
        let before = engine.counters[.kernelDrops]
        add(.kernelDrops(cookie: cookie, total: total))
        commit()
        if engine.counters[.kernelDrops] > before { droppedAt = now }
    }

    /// Adds a record: a baseline, a correction, drops, up or down.
    public mutating func add(_ record: Record) {
        begin()
        frame.append(record)
    }

    /// Closes the frame, appends it to the journal, and counts it.
    ///
    /// While the journal's buffer is full, hits are refused. The counts of the refusals go into one frame a second.
    public mutating func commit() {
        guard !isCommitted else { return }
        let isFull = journal?.isFull ?? false
        if isFull, frame.isEmpty, now.milliseconds - committedAt.milliseconds < 1000 { return }
        admission.counts.move(into: &frame)
        CrashPoint.reach(.beforeFrame)
        if let journal {
            let records = frame.bytes
            journal.append(records.span, hits: frame.hits)
        }
        CrashPoint.reach(.afterFrame)
        apply()
        admission.isRefusing = isFull
    }

    /// The same if the frame can be written at once. False if it cannot; then nothing of it has happened.
    mutating func commitOrRefuse() -> Bool {
        let counts = admission.counts
        admission.counts.move(into: &frame)
        CrashPoint.reach(.beforeFrame)
        let records = frame.bytes
        guard journal?.appendOrRefuse(records.span, hits: frame.hits) ?? true else {
            frame.removeAll()
            admission.counts = counts
            return false
        }
        CrashPoint.reach(.afterFrame)
        apply()
        return true
    }

    private mutating func apply() {
        do throws(MalformedBytes) {
            let records = frame.bytes
            try engine.apply(records.span)
        } catch {
            preconditionFailure("our own frame is \(error)")
        }
        admission.forgetPendingSignatures()
        isCommitted = true
        committedAt = now
    }

    /// Advances the time to the last reading of the wall clock. Call it only if no earlier datagram waits.
    public mutating func advanceClock() {
        let moment = timekeeper.moment()
        noteUp(at: moment)
        if moment >= admission.sites.nextMidnight {
            begin()
            rollOverDays(at: moment)
        }
        forgetSalts()
        commit()
        engine.advance(to: moment)
    }

    /// Forgets salts of days that ended an hour ago.
    public mutating func forgetSalts() {
        guard now >= admission.sites.formerSaltsEnd else { return }
        admission.sites.forgetFormerSalts(at: now)
        saltsForgotten += 1
    }

    // MARK: Output

    /// The numbers of one site now.
    public mutating func report(of site: SiteIndex) -> SiteReport { engine.report(of: site) }

    /// The numbers now.
    public mutating func report() -> Report {
        var report = engine.report()
        addWarnings(to: &report)
        return report
    }

    /// Visitors of a site whose last hit lies in the newest `window` seconds: exact for 0…1800.
    public mutating func online(of site: SiteIndex, within window: Int64) -> Int {
        engine.online(of: site, within: window)
    }

    /// The whole counting state as canonical bytes.
    public mutating func snapshot() -> [UInt8] { engine.snapshot() }

    /// The state for a checkpoint, with the history rows closed since the last checkpoint.
    public mutating func capture() -> Capture { engine.capture() }

    /// Removes and returns the history rows closed since the last call.
    public mutating func takeClosedRows() -> [HistoryRow] { engine.takeClosedRows() }

    mutating func begin() {
        guard isCommitted else { return }
        frame.removeAll()
        isCommitted = false
    }

    /// Begins the local day of `moment` for every site that is not in it. If the next salt of a site is not stored yet,
    /// the site keeps its salt for another day, so that its visitors can still be counted.
    private mutating func rollOverDays(at moment: Moment) {
        var days: [String: DaySpan] = [:]
        let rollovers = sites.sitesToRollOver(at: moment).map { site in
            let zone = sites.profile(of: site).settings.timezone
            let day = days[zone] ?? calendar(zone, moment)
            days[zone] = day
            return (site: site, day: day, salt: salts.dequeue(for: site))
        }
        admission.sites.rollOver(rollovers)
        for (site, day, _) in rollovers {
            frame.append(.rollover(site, DayRollover(day: day.day, begins: day.begins, salt: sites.salt(of: site))))
        }
    }
}
