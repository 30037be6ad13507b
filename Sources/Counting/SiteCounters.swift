/// Everything counted for one site. Its time is that of the last hit or query.
struct SiteCounters: Sendable {
    let index: SiteIndex
    private(set) var settings: SiteSettings
    let since: Moment
    /// The rollover that began the running local day, with its salt.
    private(set) var rollover: DayRollover
    private(set) var now: Moment

    var presence: Presence
    var windows: Windows
    var today: Day
    var yesterday = Sums()
    /// The closed days of the running month.
    var month = Sums()
    var quarter: Quarter
    var peak: Peak

    var views: UInt64 = 0, visits: UInt64 = 0, bots: UInt64 = 0, rejected: UInt64 = 0
    var correctedVisits: Int64 = 0, correctedViews: Int64 = 0, baselineVisits: Int64 = 0, baselineViews: Int64 = 0
    /// When a visitor last found the table full.
    var lastUntracked: Moment?

    private let limits: Limits
    private let seed: HashSeed

    init(
        _ index: SiteIndex, _ settings: SiteSettings, rollover: DayRollover, since: Moment, at now: Moment,
        limits: Limits,
        seed: HashSeed
    ) {
        self.index = index
        self.settings = settings
        self.since = since
        self.rollover = rollover
        self.now = now
        self.limits = limits
        self.seed = seed
        presence = Presence(window: settings.onlineWindowSeconds, at: now.second)
        windows = Windows(at: now)
        peak = Peak(visitors: 0, at: now)
        today = Day(rollover.day, peak: peak, limits: limits, seed: seed)
        quarter = Quarter(number: now.quarter, peak: 0)
    }

    /// Advances the time to `moment` and closes quarter hours on the way. An earlier moment changes nothing.
    @inline(__always)
    mutating func advance(to moment: Moment, closing rows: inout [HistoryRow]) {
        guard moment > now else { return }
        if moment.quarter > quarter.number { turnQuarters(to: moment.quarter, closing: &rows) }
        now = moment
        presence.advance(to: moment.second)
        windows.advance(to: moment)
    }

    private mutating func turnQuarters(to last: Int64, closing rows: inout [HistoryRow]) {
        while quarter.number < last {
            if !quarter.isEmpty { rows.append(.quarter(index, quarter)) }
            let next = quarter.number + 1
            presence.advance(to: next * Moment.quarterMilliseconds / 1000)
            // If nobody is online any more, the quarter hours in between are empty.
            quarter = Quarter(number: presence.online == 0 ? last : next, peak: presence.online)
        }
    }

    /// A view, duplicate or ping has changed the presence; raises the peaks.
    @inline(__always)
    mutating func raisePeaks() {
        let online = presence.online
        today.peak.raise(to: online, at: now)
        peak.raise(to: online, at: now)
        quarter.peak = max(quarter.peak, online)
    }

    /// Counts a view that is not a duplicate. Returns the number of ranking sweeps that it needed.
    @inline(__always)
    mutating func countView(_ hit: borrowing Hit, startsVisit: Bool) -> UInt64 {
        views += 1
        quarter.views += 1
        if startsVisit {
            visits += 1
            quarter.visits += 1
        }
        windows.addView(startsVisit: startsVisit)
        return today.countView(hit, startsVisit: startsVisit)
    }

    mutating func countBot() {
        bots += 1
        today.bots += 1
        quarter.bots += 1
    }

    /// Closes the running day and begins another. The time must be its first moment or later. Nil if the day is the
    /// same and only its bounds or its salt change: then the day continues.
    mutating func rollOver(to next: DayRollover) -> ClosedDay? {
        rollover = next
        guard next.day != today.day else { return nil }
        let closed = today.closed(timezone: settings.timezone)
        let sums = today.sums
        if next.day.month == today.day.month { month.add(sums) } else { month = Sums() }
        yesterday = next.day.before == today.day ? sums : Sums()
        today = Day(next.day, peak: Peak(visitors: presence.online, at: now), limits: limits, seed: seed)
        return closed
    }

    /// Adds to one local day, and to its month and the total.
    mutating func correct(_ day: LocalDay, visits: Int64, views: Int64) {
        correctedVisits = boundedSum(correctedVisits, visits)
        correctedViews = boundedSum(correctedViews, views)
        if day == today.day {
            today.correctedVisits = boundedSum(today.correctedVisits, visits)
            today.correctedViews = boundedSum(today.correctedViews, views)
            return
        }
        let amount = Sums(visits: visits, views: views, visitors: 0)
        if day == today.day.before { yesterday.add(amount) }
        if day.month == today.day.month { month.add(amount) }
    }

    /// Sets new settings. A different online window resets the peaks.
    mutating func set(_ settings: SiteSettings) {
        precondition(settings.name == self.settings.name, "a site keeps its name")
        let hasOtherWindow = settings.onlineWindowSeconds != self.settings.onlineWindowSeconds
        self.settings = settings
        guard hasOtherWindow else { return }
        presence.setWindow(settings.onlineWindowSeconds)
        peak = Peak(visitors: presence.online, at: now)
        today.peak = peak
        quarter.peak = presence.online
    }

    /// Time begins again at `moment`, which may lie in the past. Presence and windows are forgotten, totals stay.
    mutating func restart(at moment: Moment, closing rows: inout [HistoryRow]) {
        if !quarter.isEmpty { rows.append(.quarter(index, quarter)) }
        now = moment
        lastUntracked = nil
        presence.clear(at: moment.second)
        windows.clear(at: moment)
        quarter = Quarter(number: moment.quarter, peak: 0)
    }
}
