// A site as bytes. The lines of the writer are the layout; the reader mirrors them.

extension ByteWriter {
    /// A site at its own moment.
    mutating func counters(_ site: SiteCounters) {
        moment(site.now)
        self.site(site.settings)
        moment(site.since)
        rollover(site.rollover)
        for total in [site.views, site.visits, site.bots, site.rejected] { number(total) }
        for total in [site.correctedVisits, site.correctedViews, site.baselineVisits, site.baselineViews] {
            signed(total)
        }
        optional(site.lastUntracked)
        let occupied = site.presence.occupied
        number(occupied.count)
        for (second, visitors) in occupied {
            number(UInt64(site.now.second - second))
            number(visitors)
        }
        window(site.windows.seconds, at: site.now.second)
        window(site.windows.minutes, at: site.now.minute)
        window(site.windows.quarters, at: site.now.quarter)
        day(site.today)
        sums(site.yesterday)
        sums(site.month)
        for count in [site.quarter.views, site.quarter.visits, site.quarter.pings, site.quarter.bots] { number(count) }
        number(site.quarter.peak)
        peak(site.peak)
    }

    mutating func optional(_ moment: Moment?) {
        byte(moment == nil ? 0 : 1)
        if let moment { self.moment(moment) }
    }

    private mutating func peak(_ peak: Peak) {
        number(peak.visitors)
        moment(peak.at)
    }

    private mutating func sums(_ sums: Sums) {
        signed(sums.visits)
        signed(sums.views)
        number(sums.visitors)
    }

    private mutating func window<let n: Int>(_ window: SlidingWindow<n>, at now: Int64) {
        let occupied = window.occupied
        number(occupied.count)
        for (slot, counts) in occupied {
            number(UInt64(now - slot))
            number(UInt64(counts.views))
            number(UInt64(counts.visits))
        }
    }

    private mutating func day(_ day: Day) {
        for count in [day.views, day.visits, day.bots, day.direct, day.internal] { number(count) }
        signed(day.correctedVisits)
        signed(day.correctedViews)
        peak(day.peak)
        switch day.visitors.content {
        case .sparse(let keys):
            byte(0)
            number(keys.count)
            for key in keys { word(key) }
        case .dense(let registers):
            byte(1)
            text(registers.span)
        }
        ranking(day.pages)
        ranking(day.referrers)
    }

    private mutating func ranking(_ ranking: Ranking) {
        byte(ranking.isApproximate ? 1 : 0)
        number(ranking.other.views)
        number(ranking.other.entries)
        let rows = ranking.top(.max)
        number(rows.count)
        for row in rows {
            text(row.key.span)
            number(row.views)
            number(row.entries)
        }
    }
}

extension SiteCounters {
    /// A site at the moment with which its bytes begin; it must not be after `end`.
    init(
        restoring bytes: [UInt8], _ index: SiteIndex, until end: Moment, limits: Limits, seed: HashSeed
    ) throws(MalformedBytes) {
        var reader = ByteReader(bytes.span)
        let now = try reader.moment()
        guard now <= end else { throw reader.malformed }
        let settings = try reader.siteSettings()
        let since = try reader.moment()
        self.init(index, settings, rollover: try reader.rollover(), since: since, at: now, limits: limits, seed: seed)
        for total in [\Self.views, \.visits, \.bots, \.rejected] { self[keyPath: total] = try reader.counter() }
        for total in [\Self.correctedVisits, \.correctedViews, \.baselineVisits, \.baselineViews] {
            self[keyPath: total] = try reader.signed()
        }
        lastUntracked = try reader.optionalMoment()
        var before = Int.max
        for _ in 0..<(try reader.count(bytesEach: 2)) {
            let age = try reader.number(upTo: Int(visitGapSecondsMax))
            guard age < before else { throw reader.malformed }
            before = age
            presence.add(try reader.number(upTo: Int(Int32.max)), at: now.second - Int64(age))
        }
        try reader.window(&windows.seconds, at: now.second)
        try reader.window(&windows.minutes, at: now.minute)
        try reader.window(&windows.quarters, at: now.quarter)
        try reader.day(&today)
        yesterday = try reader.sums()
        month = try reader.sums()
        for count in [\Quarter.views, \.visits, \.pings, \.bots] { quarter[keyPath: count] = try reader.counter() }
        quarter.peak = try reader.number(upTo: Int(Int32.max))
        peak = try reader.peak()
        guard reader.isAtEnd else { throw reader.malformed }
    }
}

extension ByteReader {
    mutating func optionalMoment() throws(MalformedBytes) -> Moment? {
        try flag() ? try moment() : nil
    }

    fileprivate mutating func peak() throws(MalformedBytes) -> Peak {
        Peak(visitors: try number(upTo: Int(Int32.max)), at: try moment())
    }

    fileprivate mutating func sums() throws(MalformedBytes) -> Sums {
        Sums(visits: try signed(), views: try signed(), visitors: try number(upTo: Int(Int32.max)))
    }

    fileprivate mutating func window<let n: Int>(_ window: inout SlidingWindow<n>, at now: Int64) throws(MalformedBytes)
    {
        let span = window.spans[n - 1]
        var before = Int64.min
        for _ in 0..<(try count(bytesEach: 3)) {
            let slot = now - Int64(try number(upTo: Int(span) - 1))
            guard slot >= before, slot >= 0 else { throw malformed }
            before = slot
            let views = UInt32(try number(upTo: Int(UInt32.max)))
            // More visits than views could overflow the slot, which has room for the views.
            window.add(.init(views: views, visits: UInt32(try number(upTo: Int(views)))), at: slot)
        }
    }

    fileprivate mutating func day(_ day: inout Day) throws(MalformedBytes) {
        for count in [\Day.views, \.visits, \.bots, \.direct, \.internal] { day[keyPath: count] = try counter() }
        day.correctedVisits = try signed()
        day.correctedViews = try signed()
        day.peak = try peak()
        let content: HyperLogLog.Content
        if try flag() {
            content = .dense([UInt8](copying: try text(upTo: 1 << 14)))
        } else {
            var keys: [UInt64] = []
            for _ in 0..<(try count(bytesEach: 8)) { keys.append(try word()) }
            content = .sparse(keys)
        }
        guard let visitors = HyperLogLog(content) else { throw malformed }
        day.visitors = visitors
        // Rows and rest are the day's views; readers compute `other` by subtracting rows from them.
        guard try ranking(&day.pages, of: day.views) == day.views else { throw malformed }
        guard day.direct <= day.views, day.internal <= day.views - day.direct else { throw malformed }
        let hosts = day.views - day.direct - day.internal
        guard try ranking(&day.referrers, of: hosts) == hosts else { throw malformed }
    }

    /// Reads a ranking of at most `views` views. Returns the number of its views.
    private mutating func ranking(_ ranking: inout Ranking, of views: UInt64) throws(MalformedBytes) -> UInt64 {
        var isApproximate = try flag()
        var other = Ranking.Counts(views: try counter(), entries: try counter())
        guard other.views <= views, other.entries <= other.views else { throw malformed }
        var sum = other.views
        for _ in 0..<(try count(bytesEach: 3)) {
            let key = [UInt8](copying: try text(upTo: pathBytesMax))
            let row = RankingRow(key: key, views: try counter(), entries: try counter())
            guard row.views <= views - sum, row.entries <= row.views else { throw malformed }
            sum += row.views
            if !ranking.restore(row) {
                other.views += row.views
                other.entries += row.entries
                isApproximate = true
            }
        }
        ranking.restore(other: other, isApproximate: isApproximate)
        return sum
    }
}
