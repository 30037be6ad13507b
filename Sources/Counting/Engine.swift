/// Counts the hits of every site by the definitions of the product.
///
/// Pure: no clock, no file, no lock, no log. Facts come in as frames of records, each with its own moment. Numbers go
/// out as values. The same frames give the same bytes of `snapshot()`, however often `advance` was called in between.
///
/// - Complexity: a hit O(1), about 250 bytes of memory touched.
public struct Engine: Sendable {
    /// How much the engine may hold.
    public let limits: Limits
    /// The moment at which the engine stands.
    public internal(set) var now: Moment
    /// The counts of the whole daemon.
    public internal(set) var counters = Counters()
    /// History rows closed since the last `takeClosedRows` or `capture`.
    private var closed: [HistoryRow] = []
    var closedRows: [HistoryRow] { closed }
    /// Sites whose bytes differ from the last capture. Sites with rows in `closed` are added when the rows leave.
    private var changed = SiteSet()
    /// The quarter hour in which all sites were last advanced to now. No row can close before the next one.
    private var settledQuarter: Int64?

    private(set) var sites = SiteTable()
    var activeVisitors: ActiveVisitors
    /// When the running daemon started.
    var upSince: Moment?
    /// The last drop count of each socket, oldest first.
    var sockets: [(cookie: UInt64, total: UInt32)] = []
    /// Signatures that are not accepted again.
    public internal(set) var signatures = SeenSignatures()
    let seed: HashSeed
    /// Never read. Storing the loads here keeps the compiler from removing the prefetch.
    private var touched: UInt64 = 0
    private var reports: [SiteReport?] = []
    /// The index of each site by its name.
    private var places: [String: Int] = [:]

    /// The number of sockets whose drop counts are remembered. Past it the oldest goes, and would count from zero
    /// again.
    static let socketsMax = 64

    /// An engine that knows no site. `seed` keys tables in memory and is never stored.
    public init(limits: Limits = Limits(), seed: HashSeed = HashSeed(0, 0), at now: Moment = .epoch) {
        self.limits = limits
        self.seed = seed
        self.now = now
        activeVisitors = ActiveVisitors(limits: limits, at: now)
    }

    /// The number of known sites.
    public var siteCount: Int { sites.count }
    /// Visitors seen in the last 30 minutes, all sites together.
    public var trackedVisitors: Int { activeVisitors.visitors.live }
    /// Bytes of the visitor table.
    public var visitorTableBytes: Int { activeVisitors.visitors.bytes }
    /// A site's settings.
    public func settings(of site: SiteIndex) -> SiteSettings { sites[site.number].settings }
    /// The baseline of a site: the numbers adopted from an older counter.
    public func baseline(of site: SiteIndex) -> (visits: Int64, views: Int64) {
        (sites[site.number].baselineVisits, sites[site.number].baselineViews)
    }
    /// The rollover that began a site's running day.
    public func rollover(of site: SiteIndex) -> DayRollover { sites[site.number].rollover }

    /// Applies the records of a frame in their order. If one is malformed, the records before it stay applied.
    public mutating func apply(_ frame: Span<UInt8>) throws(MalformedBytes) {
        var reader = ByteReader(frame)
        // A prefetch is not worth it for one or two hits.
        var fetched = frame.count < Self.fetchedFrameMin ? .max : 0
        while !reader.isAtEnd {
            if fetched == 0 {
                fetchAhead(reader)
                fetched = Self.fetchedAtOnce
            }
            fetched -= 1
            let kind = try reader.value(RecordKind.self)
            if kind == .hit || kind == .packedHit {
                let hit = kind == .hit ? try reader.hit() : try reader.packedHit()
                guard hit.site.number < sites.count else { throw reader.malformed }
                count(hit)
            } else {
                let record = try reader.record(kind)
                guard canApply(record) else { throw reader.malformed }
                apply(record)
            }
        }
    }

    /// Touches the slots of the next visitors, all together. Memory serves many loads in the time of one, so the count
    /// of each hit does not wait.
    @inline(never)
    private mutating func fetchAhead(_ reader: ByteReader) {
        var reader = reader
        for _ in 0..<Self.fetchedAtOnce {
            guard let visitor = reader.skipHit() else { return }
            touched &+= activeVisitors.visitors.touch(visitor)
        }
    }

    private static let fetchedAtOnce = 32
    private static let fetchedFrameMin = 256

    /// Advances the time. An earlier moment changes nothing. A midnight is a record and never happens by itself: before
    /// the caller advances past a midnight, it applies the rollover record.
    public mutating func advance(to moment: Moment) {
        guard moment > now else { return }
        if moment.second != now.second { activeVisitors.visitors.advance(to: moment.second) }
        now = moment
    }

    @inline(__always)
    private mutating func count(_ hit: borrowing Hit) {
        advance(to: hit.moment)
        markChanged(hit.site)
        activeVisitors.count(hit, in: &sites[hit.site.number], at: now, &counters, closing: &closed)
    }

    // MARK: Records

    private func canApply(_ record: Record) -> Bool {
        switch record {
        case .site(let site, let settings, _, _):
            site.number < sites.count ? sites[site.number].settings.name == settings.name : site.number == sites.count
        case .rollover(let site, _), .rejected(let site, _), .signed(let site, _, _, _), .baseline(let site, _, _, _),
            .correction(let site, _, _, _, _):
            site.number < sites.count
        default: true
        }
    }

    private mutating func apply(_ record: Record) {
        switch record {
        case .site(let site, let settings, let rollover, let at):
            set(site, settings, rollover, at: at)
        case .rollover(let site, let rollover):
            advance(to: rollover.begins)
            sites[site.number].advance(to: rollover.begins, closing: &closed)
            self.rollOver(site, to: rollover)
        case .clock(let event):
            apply(event)
        case .counter(let counter, let count):
            counters.add(count, to: counter)
        case .rejected(let site, let count):
            sites[site.number].rejected = boundedSum(sites[site.number].rejected, count)
            markChanged(site)
        case .kernelDrops(let cookie, let total):
            countDrops(cookie: cookie, total: total)
        case .signed(let site, let signature, let second, let came):
            signatures.insert(signature, of: site, signedAt: second, now: came)
        case .baseline(let site, let visits, let views, let note):
            let former = sites[site.number]
            closed.append(
                .audit(
                    Audit(
                        site: site, kind: .start, day: nil, visits: visits, views: views,
                        formerVisits: former.baselineVisits, formerViews: former.baselineViews, note: note)))
            sites[site.number].baselineVisits = visits
            sites[site.number].baselineViews = views
            markChanged(site)
        case .correction(let site, let day, let visits, let views, let note):
            closed.append(
                .audit(
                    Audit(
                        site: site, kind: .correction, day: day, visits: visits, views: views, formerVisits: 0,
                        formerViews: 0, note: note)))
            sites[site.number].correct(day, visits: visits, views: views)
            markChanged(site)
        case .up(let moment):
            if let upSince { closed.append(.uptime(from: upSince, to: now)) }
            advance(to: moment)
            upSince = now
        case .down(let moment):
            advance(to: moment)
            if let upSince { closed.append(.uptime(from: upSince, to: now)) }
            upSince = nil
        }
    }

    private mutating func set(_ site: SiteIndex, _ settings: SiteSettings, _ rollover: DayRollover, at moment: Moment) {
        advance(to: moment)
        if site.number == sites.count {
            append(
                SiteCounters(site, settings, rollover: rollover, since: now, at: now, limits: limits, seed: seed))
            activeVisitors.recentViews.setRetention(
                max(activeVisitors.recentViews.retention, settings.duplicateMilliseconds), at: now)
            markChanged(site)
        } else {
            let former = sites[site.number].settings.duplicateMilliseconds
            sites[site.number].advance(to: now, closing: &closed)
            // The day that ends here belongs to the old zone, so roll over before the settings change.
            self.rollOver(site, to: rollover)
            sites[site.number].set(settings)
            if settings.duplicateMilliseconds != former { setRetention() }
        }
    }

    private mutating func rollOver(_ site: SiteIndex, to rollover: DayRollover) {
        if let day = sites[site.number].rollOver(to: rollover) { closed.append(.day(site, day)) }
        markChanged(site)
    }

    mutating func setRetention() {
        activeVisitors.recentViews.setRetention(sites.map(\.settings.duplicateMilliseconds).max() ?? 0, at: now)
    }

    private mutating func apply(_ event: ClockEvent) {
        switch event {
        case .stepBack: counters[.clockStepsBack] += 1
        case .leapForward: counters[.clockLeapsForward] += 1
        case .restart(let moment):
            counters[.clockRestarts] += 1
            settle()
            if let upSince { closed.append(.uptime(from: upSince, to: now)) }
            now = moment
            if upSince != nil { upSince = now }
            activeVisitors.clear(at: now)
            // Signatures from a time with a wrong clock are unknown; later ones are known.
            signatures = SeenSignatures(floor: now.second)
            for i in sites.indices {
                sites[i].restart(at: now, closing: &closed)
                markChanged(SiteIndex(i))
            }
            settledQuarter = nil
        }
    }

    private mutating func countDrops(cookie: UInt64, total: UInt32) {
        if let i = sockets.firstIndex(where: { $0.cookie == cookie }) {
            counters[.kernelDrops] += UInt64(total &- sockets[i].total)
            sockets[i].total = total
        } else {
            counters[.kernelDrops] += UInt64(total)
            if sockets.count == Self.socketsMax { sockets.removeFirst() }
            sockets.append((cookie, total))
        }
    }

    /// The table of visitors is lost: nobody is online. For half an hour a new visitor begins no visit, so that no
    /// visit is counted twice. Views and everything counted before stay.
    public mutating func loseVisitors() {
        settle()
        activeVisitors.clear(at: now)
        activeVisitors.doubtUntil = now + Self.doubtMilliseconds
        for i in 0..<sites.count {
            sites[i].presence.clear(at: now.second)
            sites[i].lastUntracked = now
            markChanged(SiteIndex(i))
        }
    }

    static let doubtMilliseconds = (visitGapSecondsMax + 1) * 1000

    // MARK: Results

    /// Removes and returns the history rows closed since the last call. First advances every site to now.
    public mutating func takeClosedRows() -> [HistoryRow] {
        settle()
        return takeRows()
    }

    /// Advances every site to now.
    mutating func settle() {
        for i in sites.indices { sites[i].advance(to: now, closing: &closed) }
        settledQuarter = now.quarter
    }

    private mutating func takeRows() -> [HistoryRow] {
        for row in closed { if let site = row.site { changed.insert(site) } }
        defer { closed = [] }
        return closed
    }

    /// The state now, frozen for writing, with the history rows closed since the last capture.
    ///
    /// It shares memory with the engine until the engine writes to it. A write then copies one segment of visitors or
    /// 16 sites. Rows and changed sites are handed out once. If a capture cannot be stored, its rows and sites belong
    /// to the next capture that can: its rows go first, its sites join the others.
    ///
    /// - Complexity: O(recent views), plus O(sites) once a quarter hour.
    public mutating func capture() -> Capture {
        if settledQuarter != now.quarter { settle() }
        let rows = takeRows()
        return Capture(of: self, rows: rows, changedSites: changed.takeAll())
    }

    @inline(__always)
    private mutating func markChanged(_ site: SiteIndex) {
        reports[site.number] = nil
        changed.insert(site)
    }

    /// The numbers of every site now. Only sites with a changed number are computed again.
    public mutating func report() -> Report {
        Report(
            asOf: now, sites: sites.indices.map { report(of: SiteIndex($0)) }, counters: counters,
            trackedVisitors: trackedVisitors, places: places)
    }

    /// The numbers of one site now.
    public mutating func report(of site: SiteIndex) -> SiteReport {
        if let report = reports[site.number], now < report.goodUntil { return report }
        sites[site.number].advance(to: now, closing: &closed)
        let report = SiteReport(sites[site.number], at: now, up: upSince)
        reports[site.number] = report
        return report
    }

    /// The most viewed pages of a site's running day, most views first.
    public func topPages(of site: SiteIndex, rows: Int) -> Top { sites[site.number].today.topPages(rows) }
    /// The referrers of a site's running day, with `(direct)` and `(internal)`, most views first.
    public func topReferrers(of site: SiteIndex, rows: Int) -> Top { sites[site.number].today.topReferrers(rows) }

    /// Visitors of a site whose last hit lies in the newest `window` seconds: exact for 0…1800.
    public mutating func online(of site: SiteIndex, within window: Int64) -> Int {
        sites[site.number].advance(to: now, closing: &closed)
        return sites[site.number].presence.online(within: window)
    }

    // MARK: Restoring

    /// Adds a site. A restored site stands at an earlier moment.
    mutating func append(_ site: SiteCounters) {
        places[site.settings.name] = sites.count
        sites.append(site)
        reports.append(nil)
        sites[sites.count - 1].advance(to: now, closing: &closed)
    }
}
