/// The visitors of the last half hour and the views of the last moments, on all sites together.
struct ActiveVisitors: Sendable {
    var visitors: VisitorTable
    var recentViews: RecentViews
    private let visitorsMax: Int
    /// Before this moment a new visitor may be one that the table lost, so the hit begins no visit.
    var doubtUntil = Moment.epoch

    init(limits: Limits, at now: Moment) {
        visitors = VisitorTable(at: now.second)
        recentViews = RecentViews(limit: limits.recentViews)
        visitorsMax = limits.visitors
    }

    /// Forgets everybody. Time continues from `moment`, which may lie in the past.
    mutating func clear(at moment: Moment) {
        visitors.clear(at: moment.second)
        recentViews.clear()
        doubtUntil = .epoch
    }

    /// Counts a hit of `site` now. Everything except the site already stands at this moment.
    @inline(__always)
    mutating func count(
        _ hit: borrowing Hit, in site: inout SiteCounters, at now: Moment, _ counters: inout Counters,
        closing rows: inout [HistoryRow]
    ) {
        site.advance(to: now, closing: &rows)
        if hit.isBot {
            counters[.bots] += 1
            site.countBot()
            return
        }
        var isView = hit.kind == .view
        if isView, let source = site.settings.viewsFrom, source != hit.source { isView = false }
        let isDuplicate =
            isView && isDuplicateView(hit, within: site.settings.duplicateMilliseconds, at: now, &counters)
        let startsVisit = hit.visitor != 0 && observe(hit, isView: isView, in: &site, at: now, &counters)
        if isDuplicate {
            counters[.duplicates] += 1
        } else if isView {
            counters[.views] += 1
            counters[.rankingSweeps] += site.countView(hit, startsVisit: startsVisit)
        } else {
            counters[.pings] += 1
            site.quarter.pings += 1
        }
    }

    /// Moves the visitor's presence to now; true if the hit begins a visit.
    @inline(__always)
    private mutating func observe(
        _ hit: borrowing Hit, isView: Bool, in site: inout SiteCounters, at now: Moment, _ counters: inout Counters
    ) -> Bool {
        var before = visitors.renew(hit.visitor, isView: isView)
        if before == nil, hit.previousVisitorKey != 0 {
            before = visitors.rename(hit.previousVisitorKey, to: hit.visitor, isView: isView)
        }
        if let before {
            site.presence.move(from: before.lastSecond)
        } else if visitors.live < visitorsMax {
            // A visitor of the lost table may have had an open visit: one visit too few is better than one too many.
            let isDoubtful = now < doubtUntil
            visitors.insert(hit.visitor, isView: isView || isDoubtful)
            site.presence.appear()
            if isDoubtful {
                site.raisePeaks()
                return false
            }
        } else {
            counters[.untracked] += 1
            site.lastUntracked = now
            return false
        }
        site.raisePeaks()
        return isView && !(before?.isVisitOpen ?? false)
    }

    /// True if the same visitor, path and source was counted a moment ago. If not, remembers the view.
    @inline(__always)
    private mutating func isDuplicateView(
        _ hit: borrowing Hit, within interval: Int64, at now: Moment, _ counters: inout Counters
    ) -> Bool {
        guard hit.visitor != 0, interval > 0 else { return false }
        if hit.previousVisitorKey != 0,
            recentViews.holds(
                Self.viewHash(hit.previousVisitorKey, hit), of: hit.previousVisitorKey, within: interval, at: now)
        {
            return true
        }
        switch recentViews.observe(Self.viewHash(hit.visitor, hit), of: hit.visitor, within: interval, at: now) {
        case .duplicate: return true
        case .new(let forgotten):
            counters[.recentViewsForgotten] += forgotten
            return false
        }
    }

    /// A hash of a view's visitor, page and source. The visitor's key is secret, so nobody can choose paths that collide.
    @inline(__always)
    private static func viewHash(_ visitor: UInt64, _ hit: borrowing Hit) -> UInt64 {
        var hash = TableHash(visitor, UInt64(hit.source.rawValue))
        hash.combine(hit.path)
        return hash.finalize()
    }
}
