import Counting

/// The definitions again, as plainly as possible: every hit is stored, and every number is counted from the list each
/// time. It knows people where the engine knows keys, so nobody has to be carried over a midnight.
struct NaiveCounter {
    let limits: Limits
    var now: Moment
    var era = 0
    var sites: [Site] = []
    var recorded = Counters()
    var upSince: Moment?
    var uptimes: [ComparedRow] = []
    /// The last moment before each restart of the clock.
    var eraEnds: [Moment] = []
    /// Views remembered for duplicates, oldest first. `forgotten` views had to leave early.
    var recent: [(view: Hit, day: Int)] = []
    var forgotten: UInt64 = 0
    private var sockets: [UInt64: UInt32] = [:]

    init(limits: Limits, at now: Moment) {
        self.limits = limits
        self.now = now
    }

    // MARK: Input

    mutating func advance(to moment: Moment) { now = max(now, moment) }

    mutating func count(_ arriving: Hit) {
        advance(to: arriving.moment)
        var hit = arriving
        hit.moment = now
        let outcome = outcome(of: hit)
        let isTracked = outcome != .bot && hit.person != 0 && findsRoom(hit)
        var seen = Seen(hit: hit, outcome: outcome, isTracked: isTracked, era: era, day: sites[hit.site].days.count - 1)
        seen.beginsVisit = isTracked && outcome == .view && !isVisitOpen(for: hit)
        if outcome != .bot, hit.person != 0, !isTracked { sites[hit.site].untracked.append((now, era)) }
        if outcome == .view, hit.person != 0 { remember(hit) }
        sites[hit.site].seen.append(seen)
        mark(hit.site)
    }

    private func outcome(of hit: Hit) -> Outcome {
        let settings = sites[hit.site].settings
        if hit.isBot { return .bot }
        if hit.kind == .ping || settings.viewsFrom != nil && settings.viewsFrom != hit.source { return .ping }
        let isDuplicate =
            hit.person != 0
            && recent.contains {
                isSame($0.view, hit) && now.milliseconds - $0.view.moment.milliseconds < settings.duplicateMilliseconds
            }
        return isDuplicate ? .duplicate : .view
    }

    private func isSame(_ a: Hit, _ b: Hit) -> Bool {
        a.site == b.site && a.person == b.person && a.source == b.source && a.path == b.path
    }

    /// After a midnight, a view gets a place of its own beside the view of the day before, because the visitor's key is
    /// different.
    private mutating func remember(_ view: Hit) {
        let day = sites[view.site].days.count - 1
        let longest = sites.map(\.settings.duplicateMilliseconds).max() ?? 0
        recent = recent.filter {
            now.milliseconds - $0.view.moment.milliseconds < longest && !(isSame($0.view, view) && $0.day == day)
        }
        if sites[view.site].settings.duplicateMilliseconds == 0 { return }
        // Past the limit, the views of the oldest millisecond leave together; in that millisecond nothing new is kept.
        if recent.count == limits.recentViews, let oldest = recent.first?.view.moment {
            if oldest == now {
                forgotten += 1
                return
            }
            forgotten += UInt64(recent.prefix { $0.view.moment == oldest }.count)
            recent.removeAll { $0.view.moment == oldest }
        }
        recent.append((view, day))
    }

    /// True if the visitor is known, or fewer than the limit are known.
    private func findsRoom(_ hit: Hit) -> Bool {
        let known = lastSeen(hit.site)[hit.person].map { now.second - $0 <= visitGapSecondsMax } ?? false
        return known || trackedVisitors < limits.visitors
    }

    /// True if the run of hits up to now, walked backwards, holds a view.
    private func isVisitOpen(for hit: Hit) -> Bool {
        var second = now.second
        for seen in sites[hit.site].seen.reversed()
        where seen.era == era && seen.isTracked && seen.hit.person == hit.person {
            if second - seen.hit.moment.second > visitGapSecondsMax { return false }
            if seen.outcome == .view { return true }
            second = seen.hit.moment.second
        }
        return false
    }

    private mutating func mark(_ i: Int) {
        let site = sites[i]
        let online = online(i, within: site.settings.onlineWindowSeconds, at: now)
        let mark = Mark(
            at: now, online: online, era: era, day: site.days.count - 1, windowChanges: site.windows.count)
        sites[i].marks.append(mark)
    }

    mutating func apply(_ record: Record) {
        switch record {
        case .site(let index, let settings, let rollover, let at):
            advance(to: at)
            if index.number == sites.count {
                let window = (from: now, era: era, seconds: settings.onlineWindowSeconds)
                let day = (rollover.day, settings.timezone)
                sites.append(Site(settings: settings, since: now, days: [day], windows: [window]))
                mark(index.number)
            } else {
                let before = sites[index.number].settings
                sites[index.number].settings = settings
                sites[index.number].days[sites[index.number].days.count - 1].timezone = settings.timezone
                if before.onlineWindowSeconds != settings.onlineWindowSeconds {
                    sites[index.number].windows.append((now, era, settings.onlineWindowSeconds))
                    mark(index.number)
                }
            }
        case .rollover(let index, let rollover):
            advance(to: rollover.begins)
            sites[index.number].days.append((rollover.day, sites[index.number].settings.timezone))
            mark(index.number)
        case .signed: break
        case .clock(.stepBack): recorded[.clockStepsBack] += 1
        case .clock(.leapForward): recorded[.clockLeapsForward] += 1
        case .clock(.restart(let moment)):
            recorded[.clockRestarts] += 1
            eraEnds.append(now)
            endUptime()
            now = moment
            if upSince != nil { upSince = now }
            era += 1
            recent = []
        case .counter(let counter, let count): recorded[counter] += count
        case .rejected(let index, let count): sites[index.number].rejected += count
        case .kernelDrops(let cookie, let total):
            recorded[.kernelDrops] += UInt64(total &- (sockets[cookie] ?? 0))
            sockets[cookie] = total
        case .baseline(let index, let visits, let views, let note):
            let former = sites[index.number].start
            sites[index.number].audits.append(
                ComparedAudit(
                    isStart: true, visits: visits, views: views, formerVisits: former.visits,
                    formerViews: former.views, note: note))
            sites[index.number].start = (visits, views)
        case .correction(let index, let day, let visits, let views, let note):
            sites[index.number].audits.append(
                ComparedAudit(isStart: false, day: day, visits: visits, views: views, note: note))
            let madeOn = sites[index.number].days.count - 1
            sites[index.number].corrections.append((day, visits, views, madeOn))
        case .up(let moment):
            // A killed daemon counts as up until its last record.
            endUptime()
            advance(to: moment)
            upSince = now
        case .down(let moment):
            advance(to: moment)
            endUptime()
            upSince = nil
        }
    }

    private mutating func endUptime() {
        if let since = upSince { uptimes.append(.uptime(from: since, to: now)) }
    }

    // MARK: Presence

    /// The second of every visitor's last hit, up to a moment.
    private func lastSeen(_ i: Int, upTo moment: Moment = Moment(milliseconds: .max), era: Int? = nil) -> [Int: Int64] {
        var last: [Int: Int64] = [:]
        for seen in sites[i].seen where seen.isTracked && seen.era == era ?? self.era && seen.hit.moment <= moment {
            last[seen.hit.person] = seen.hit.moment.second
        }
        return last
    }

    func online(_ i: Int, within window: Int64, at moment: Moment, era: Int? = nil) -> Int {
        lastSeen(i, upTo: moment, era: era).values.count { moment.second - window < $0 && $0 <= moment.second }
    }

    var trackedVisitors: Int {
        sites.indices.reduce(0) { sum, i in
            sum + lastSeen(i).values.count { now.second - $0 <= visitGapSecondsMax }
        }
    }

    /// The greatest of some marks. If several are equal, the first.
    private func peak(_ marks: [Mark]) -> ComparedPeak {
        let most = marks.map(\.online).max() ?? 0
        return ComparedPeak(visitors: most, at: marks.first { $0.online == most }?.at ?? .epoch)
    }

    // MARK: Sums

    private func views(_ i: Int) -> [Seen] { sites[i].seen.filter { $0.outcome == .view } }

    /// Visits, views and visitors of one of the site's days, without corrections.
    private func sums(of views: [Seen]) -> (visits: Int64, views: Int64, visitors: Int) {
        let people = Set(views.map(\.hit.person)).subtracting([0])
        return (Int64(views.count { $0.beginsVisit }), Int64(views.count), people.count)
    }

    /// The same for all days for which `isMeant` is true, with corrections.
    private func sums(_ i: Int, _ isMeant: (LocalDay) -> Bool) -> (visits: Int64, views: Int64, visitors: Int) {
        var all: (visits: Int64, views: Int64, visitors: Int) = (0, 0, 0)
        for (place, views) in Dictionary(grouping: views(i), by: \.day) where isMeant(sites[i].days[place].day) {
            let sums = sums(of: views)
            all = (all.visits + sums.visits, all.views + sums.views, all.visitors + sums.visitors)
        }
        for correction in sites[i].corrections where isMeant(correction.day) {
            all.visits += correction.visits
            all.views += correction.views
        }
        return all
    }

    /// Every number of a site's report.
    func numbers(of i: Int) -> Numbers {
        let site = sites[i]
        let today = site.days[site.days.count - 1].day
        let views = views(i)
        var numbers = Numbers()
        numbers.add("day", today.number)
        numbers.add("since", site.since.milliseconds)
        numbers.add("online", online(i, within: site.settings.onlineWindowSeconds, at: now))
        numbers.add("window", site.settings.onlineWindowSeconds)
        let marks = site.marks.filter { $0.windowChanges == site.windows.count }
        numbers.add("peak today", peak(marks.filter { $0.day == site.days.count - 1 }))
        numbers.add("peak", peak(marks))
        let visits = site.start.visits + Int64(views.count { $0.beginsVisit }) + site.corrections.map(\.visits).sum
        let viewsTotal = site.start.views + Int64(views.count) + site.corrections.map(\.views).sum
        numbers.add("total", site.settings.totalOf == .visits ? visits : viewsTotal)
        numbers.add("total visits", visits)
        numbers.add("total views", viewsTotal)
        numbers.add("start visits", site.start.visits)
        numbers.add("start views", site.start.views)
        numbers.add("today", sums(i) { $0 == today })
        numbers.add("yesterday", sums(i) { $0 == today.before })
        numbers.add("month", sums(i) { $0.month == today.month })
        let inEra = views.filter { $0.era == era }
        for seconds in [60, 300, 3600] as [Int64] {
            numbers.add(window: inEra.filter { $0.hit.moment.second > now.second - seconds })
        }
        numbers.add(window: inEra.filter { $0.hit.moment.minute > now.minute - 1440 })
        for quarters in [672, 2880] as [Int64] {
            numbers.add(window: inEra.filter { $0.hit.moment.quarter > now.quarter - quarters })
        }
        let bots = site.seen.filter { $0.outcome == .bot }
        numbers.add("bots today", bots.count { site.days[$0.day].day == today })
        numbers.add("bots", bots.count)
        numbers.add("rejected", site.rejected)
        let isFull = site.untracked.contains { $0.era == era && now.second - $0.moment.second <= visitGapSecondsMax }
        numbers.add("online exact", isFull ? 0 : 1)
        numbers.add("visitors exact", 1)
        return numbers
    }

    var counters: Counters {
        var all = recorded
        for (i, site) in sites.enumerated() {
            for seen in site.seen {
                switch seen.outcome {
                case .view: all[.views] += 1
                case .ping: all[.pings] += 1
                case .duplicate: all[.duplicates] += 1
                case .bot: all[.bots] += 1
                }
            }
            all[.untracked] += UInt64(site.untracked.count)
            for day in Set(views(i).map(\.day)) {
                all[.rankingSweeps] += rankedPages(i, day: day).sweeps + rankedReferrers(i, day: day).sweeps
            }
        }
        all[.recentViewsForgotten] += forgotten
        return all
    }

    // MARK: Rankings

    private func rankedPages(_ i: Int, day: Int) -> Ranked {
        Ranked(views(i).filter { $0.day == day }.map { ($0.hit.path, $0.beginsVisit) }, limit: limits.pages)
    }

    private func rankedReferrers(_ i: Int, day: Int) -> Ranked {
        let hosts = views(i).filter { $0.day == day && $0.hit.origin == .host }
        return Ranked(hosts.map { ($0.hit.referrer, false) }, limit: limits.referrers)
    }

    func topPages(_ i: Int, day: Int? = nil, rows: Int) -> ComparedTop {
        rankedPages(i, day: day ?? sites[i].days.count - 1).top(rows)
    }

    func topReferrers(_ i: Int, day: Int? = nil, rows: Int) -> ComparedTop {
        let day = day ?? sites[i].days.count - 1
        var ranked = rankedReferrers(i, day: day)
        for (origin, name) in [(Counting.Hit.Origin.direct, "(direct)"), (.internal, "(internal)")] {
            let views = views(i).count { $0.day == day && $0.hit.origin == origin }
            if views > 0 { ranked.rows[Array(name.utf8)] = (UInt64(views), 0) }
        }
        return ranked.top(rows)
    }

    // MARK: History

    /// A site's closed rows so far: quarter hours, then days, then changes by hand, each in the order of time.
    func rows(of i: Int) -> [ComparedRow] {
        let site = sites[i]
        let quarters = (0...era).flatMap { era in
            self.quarters(i, era: era).filter { $0.number <= (era < self.era ? eraEnds[era].quarter : now.quarter - 1) }
        }
        let days = site.days.indices.dropLast().map { day(i, $0) }
        return quarters.map { .quarter($0) } + days.map { .day($0) } + site.audits.map { .audit($0) }
    }

    /// The quarter hours between two restarts of the clock in which something happened or somebody was online.
    private func quarters(_ i: Int, era: Int) -> [ComparedQuarter] {
        let site = sites[i]
        let seen = site.seen.filter { $0.era == era }
        // Nobody is online for longer than two quarter hours.
        let numbers = Set(seen.flatMap { hit in (0...3).map { hit.hit.moment.quarter + $0 } })
        return numbers.sorted().compactMap { number in
            let begins = Moment(second: number * 900)
            let hits = seen.filter { $0.hit.moment.quarter == number }
            let window = site.windows.last { ($0.era, $0.from) <= (era, begins) } ?? site.windows[0]
            let atFirst = online(i, within: window.seconds, at: begins, era: era)
            let marks = site.marks.filter { $0.era == era && $0.at.quarter == number }
            let changes = marks.last?.windowChanges ?? 0
            let isWindowKept = marks.isEmpty || site.windows[changes - 1] == window
            let peak = marks.filter { $0.windowChanges == changes }.map(\.online).max() ?? 0
            let quarter = ComparedQuarter(
                number: number,
                views: UInt64(hits.count { $0.outcome == .view }), visits: UInt64(hits.count { $0.beginsVisit }),
                pings: UInt64(hits.count { $0.outcome == .ping }), bots: UInt64(hits.count { $0.outcome == .bot }),
                peak: isWindowKept ? max(atFirst, peak) : peak)
            let isQuiet = quarter.views + quarter.pings + quarter.bots == 0 && quarter.peak == 0
            return isQuiet ? nil : quarter
        }
    }

    private func day(_ i: Int, _ day: Int) -> ComparedDay {
        let site = sites[i]
        let sums = sums(of: views(i).filter { $0.day == day })
        let marks = site.marks.filter { $0.day == day }
        let changes = marks.last?.windowChanges ?? 0
        return ComparedDay(
            day: site.days[day].day, timezone: site.days[day].timezone, views: UInt64(sums.views),
            visits: UInt64(sums.visits),
            bots: UInt64(site.seen.count { $0.day == day && $0.outcome == .bot }),
            visitors: sums.visitors, isVisitorsExact: true,
            peak: peak(marks.filter { $0.windowChanges == changes }),
            pages: topPages(i, day: day, rows: 100), referrers: topReferrers(i, day: day, rows: 100))
    }
}

extension Sequence where Element == Int64 {
    fileprivate var sum: Int64 { reduce(0, +) }
}
