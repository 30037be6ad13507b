/// Counts hits by the definitions of the product, for every site.
///
/// Pure: no clock, no file, no lock, no log. Facts come in as frames of records, each with its own moment; numbers go
/// out as values. The same frames give the same bytes of `snapshot()`, however often `advance` was called between.
///
/// - Complexity: a hit O(1), about 250 bytes of memory touched.
public struct Engine: Sendable {
    /// How much the engine may hold.
    public let limits: Limits
    /// The moment everything stands at.
    public internal(set) var now: Moment
    /// Counts of the daemon as a whole.
    public internal(set) var counters = Counters()
    /// History rows closed since they were last taken.
    private var closed: [HistoryRow] = []
    var closedRows: [HistoryRow] { closed }
    /// Sites with other bytes than at the last capture; whose rows wait in `closed`, besides.
    private var changed = SiteSet()
    /// The quarter hour in which every site was last brought to now; no row can close again before the next one.
    private var settledQuarter: Int64?

    private(set) var sites = SiteTable()
    var activeVisitors: ActiveVisitors
    /// When the daemon that runs came up.
    var upSince: Moment?
    /// Last drop count of each socket, oldest first.
    var sockets: [(cookie: UInt64, total: UInt32)] = []
    /// Signatures that may not come again.
    public internal(set) var signatures = SeenSignatures()
    let seed: HashSeed
    /// Only written, so that what is fetched ahead is fetched.
    private var touched: UInt64 = 0
    private var reports: [SiteReport?] = []
    /// The index of each site by its name.
    private var places: [String: Int] = [:]

    /// Sockets whose drop counts are remembered; past it the oldest goes, and would count from zero again.
    static let socketsMax = 64

    /// An engine that knows no site. `seed` keys tables in memory and is never stored.
    public init(limits: Limits = Limits(), seed: HashSeed = HashSeed(0, 0), at now: Moment = .epoch) {
        self.limits = limits
        self.seed = seed
        self.now = now
        activeVisitors = ActiveVisitors(limits: limits, at: now)
    }

    /// Sites known.
    public var siteCount: Int { sites.count }
    /// Visitors seen in the last 30 minutes, all sites together.
    public var trackedVisitors: Int { activeVisitors.visitors.live }
    /// Bytes of the visitor table.
    public var visitorTableBytes: Int { activeVisitors.visitors.bytes }
    /// A site's settings.
    public func settings(of site: SiteIndex) -> SiteSettings { sites[site.number].settings }
    /// What was taken over from an older counter.
    public func baseline(of site: SiteIndex) -> (visits: Int64, views: Int64) {
        (sites[site.number].baselineVisits, sites[site.number].baselineViews)
    }
    /// A site's running day.
    public func rollover(of site: SiteIndex) -> DayRollover { sites[site.number].rollover }

    /// Applies the records of a frame in their order. On a malformed record the ones before it stand.
    public mutating func apply(_ frame: Span<UInt8>) throws(MalformedBytes) {
        var reader = ByteReader(frame)
        // A frame of one or two hits has nothing to wait for at once.
        var fetched = frame.count < Self.fetchedFrameMin ? .max : 0
        while !reader.isAtEnd {
            if fetched == 0 {
                fetchAhead(reader)
                fetched = Self.fetchedAtOnce
            }
            fetched -= 1
            let kind = try reader.value(RecordKind.self)
            if kind == .hit {
                let hit = try reader.hit()
                guard hit.site.number < sites.count else { throw reader.malformed }
                count(hit)
            } else {
                let record = try reader.record(kind)
                guard canApply(record) else { throw reader.malformed }
                apply(record)
            }
        }
    }

    /// Touches the slots of the next visitors, all at once: memory answers many questions in the time of one, and does not
    /// keep the count of each hit waiting.
    @inline(never)
    private mutating func fetchAhead(_ reader: ByteReader) {
        var reader = reader
        for _ in 0..<Self.fetchedAtOnce where !reader.isAtEnd {
            do throws(MalformedBytes) {
                guard try reader.value(RecordKind.self) == .hit else { return }
                touched &+= activeVisitors.visitors.touch(try reader.skipHit())
            } catch {
                // Whoever reads it in earnest will say so.
                return
            }
        }
    }

    private static let fetchedAtOnce = 32
    private static let fetchedFrameMin = 256

    /// Lets time pass; an earlier moment changes nothing. Midnights are records and do not happen by themselves: whoever
    /// lets time pass over one gives its record first.
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
            // A day that ends here still ends in the zone it was a day of.
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
            // Nothing is known of what was signed in a time that was wrong; from now on it is.
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

    /// The table of visitors is lost: nobody is online, and for half an hour nobody new begins a visit, so that no visit is
    /// counted twice. Views, and everything counted before, stay.
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

    // MARK: What goes out

    /// Takes the history rows closed since the last call; time is first let pass for every site.
    public mutating func takeClosedRows() -> [HistoryRow] {
        settle()
        return takeRows()
    }

    /// Brings every site to now.
    mutating func settle() {
        for i in sites.indices { sites[i].advance(to: now, closing: &closed) }
        settledQuarter = now.quarter
    }

    private mutating func takeRows() -> [HistoryRow] {
        for row in closed { if let site = row.site { changed.insert(site) } }
        defer { closed = [] }
        return closed
    }

    /// The state as it is now, frozen for writing, with the history rows closed since the last capture.
    ///
    /// Shares its memory with the engine until the engine writes to it: what is written to in between is copied then, a
    /// segment of visitors or 16 sites at a time. Rows and changed sites are handed out once. Those of a capture that
    /// could not be stored belong to the next one that is: its rows before the others, its sites among the others.
    ///
    /// - Complexity: O(recent views); once a quarter hour O(sites) besides.
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

    /// The numbers of every site at this moment. Only sites with a changed number are made anew.
    public mutating func report() -> Report {
        Report(
            asOf: now, sites: sites.indices.map { report(of: SiteIndex($0)) }, counters: counters,
            trackedVisitors: trackedVisitors, places: places)
    }

    /// The numbers of one site at this moment.
    public mutating func report(of site: SiteIndex) -> SiteReport {
        if let report = reports[site.number], now < report.goodUntil { return report }
        sites[site.number].advance(to: now, closing: &closed)
        let report = SiteReport(sites[site.number], at: now, up: upSince)
        reports[site.number] = report
        return report
    }

    /// The most viewed pages of a site's running day, most first.
    public func topPages(of site: SiteIndex, rows: Int) -> Top { sites[site.number].today.topPages(rows) }
    /// The referrers of a site's running day, with `(direct)` and `(internal)`, most first.
    public func topReferrers(of site: SiteIndex, rows: Int) -> Top { sites[site.number].today.topReferrers(rows) }

    /// Visitors of a site whose last hit lies in the newest `window` seconds: exact for 0…1800.
    public mutating func online(of site: SiteIndex, within window: Int64) -> Int {
        sites[site.number].advance(to: now, closing: &closed)
        return sites[site.number].presence.online(within: window)
    }

    // MARK: Restoring

    /// Adds a site; a restored one comes from an earlier moment.
    mutating func append(_ site: SiteCounters) {
        places[site.settings.name] = sites.count
        sites.append(site)
        reports.append(nil)
        sites[sites.count - 1].advance(to: now, closing: &closed)
    }
}
