// The whole counting state as canonical bytes: version 1.
//
// Everything is sorted and only what is live is written, so two engines in the same state give the same bytes whatever
// way they came there. Numbers are LEB128 unless they are keys; ages count back from the snapshot's moment.
//
//     version  now  up?  [since]
//     tallies   n × (number, count)
//     sockets   n × (cookie 8 B, drops)
//     sites     n × (settings, day turn, totals, presence, three windows, today, yesterday, month, quarter, peak)
//     visitors  n × (fingerprint 8 B, age << 1 | visit open)
//     views     n × (identity 8 B, moment)

extension Engine {
    private static let version: UInt8 = 1

    /// The whole state as canonical bytes. Closed history rows are not part of it.
    ///
    /// - Complexity: O(state), the visitors sorted; about 10 bytes a visitor.
    public mutating func snapshot() -> [UInt8] {
        settle()
        var writer = ByteWriter()
        writer.byte(Self.version)
        writer.moment(now)
        writer.optional(upSince)
        let nonzero = tallies.nonzero
        writer.number(nonzero.count)
        for (tally, count) in nonzero {
            writer.byte(tally.rawValue)
            writer.number(count)
        }
        writer.number(sockets.count)
        for socket in sockets {
            writer.word(socket.cookie)
            writer.number(UInt64(socket.total))
        }
        writer.number(sites.count)
        for site in sites { site.write(to: &writer) }
        let entries = visitors.entries
        writer.number(entries.count)
        for (key, entry) in entries {
            writer.word(key)
            writer.number(UInt64(now.second - entry.lastSecond) << 1 | (entry.isVisitOpen ? 1 : 0))
        }
        let views = recentViews.entries(at: now)
        writer.number(views.count)
        for (identity, moment) in views {
            writer.word(identity)
            writer.moment(moment)
        }
        return writer.bytes
    }

    /// The engine that `snapshot()` was taken of, under limits that may be others: what no longer finds room in a
    /// ranking goes to its `(other)`, and visitors over their limit stay until they leave.
    public init(restoring bytes: Span<UInt8>, limits: Limits, seed: HashSeed) throws(MalformedBytes) {
        var reader = ByteReader(bytes)
        guard try reader.byte() == Self.version else { throw reader.malformed }
        self.init(limits: limits, seed: seed, at: try reader.moment())
        upSince = try reader.optionalMoment()
        for _ in 0..<(try reader.count(bytesEach: 2)) { tallies[try reader.value(Tally.self)] = try reader.number() }
        for _ in 0..<(try reader.count(bytesEach: 9)) {
            sockets.append((try reader.word(), UInt32(try reader.number(upTo: Int(UInt32.max)))))
        }
        for i in 0..<(try reader.count(bytesEach: 32)) {
            append(try SiteCounters(from: &reader, SiteIndex(i), at: now, limits: limits, seed: seed))
        }
        for _ in 0..<(try reader.count(bytesEach: 9)) {
            let key = try reader.word()
            let state = try reader.number(upTo: Int(visitGapSecondsMax) << 1 | 1)
            visitors.restore(
                key, .init(lastSecond: now.second - Int64(state >> 1), isVisitOpen: state & 1 == 1))
        }
        setRetention()
        for _ in 0..<(try reader.count(bytesEach: 9)) {
            let identity = try reader.word()
            guard identity != 0 else { throw reader.malformed }
            if recentViews.remember(identity, at: try reader.moment()) { tallies[.recentViewsForgotten] += 1 }
        }
        guard reader.isAtEnd else { throw reader.malformed }
    }
}

extension SiteCounters {
    fileprivate func write(to writer: inout ByteWriter) {
        writer.site(settings)
        writer.moment(since)
        writer.turn(turn)
        for total in [views, visits, bots, rejected] { writer.number(total) }
        for total in [correctedVisits, correctedViews, startVisits, startViews] { writer.signed(total) }
        writer.optional(lastUntracked)
        let occupied = presence.occupied
        writer.number(occupied.count)
        for (second, visitors) in occupied {
            writer.number(UInt64(now.second - second))
            writer.number(visitors)
        }
        writer.window(windows.seconds, at: now.second)
        writer.window(windows.minutes, at: now.minute)
        writer.window(windows.quarters, at: now.quarter)
        writer.day(today)
        writer.sums(yesterday)
        writer.sums(month)
        for count in [quarter.views, quarter.visits, quarter.pings, quarter.bots] { writer.number(count) }
        writer.number(quarter.peak)
        writer.peak(peak)
    }

    fileprivate init(
        from reader: inout ByteReader, _ index: SiteIndex, at now: Moment, limits: Limits, seed: HashSeed
    ) throws(MalformedBytes) {
        let settings = try reader.siteSettings()
        let since = try reader.moment()
        self.init(index, settings, turn: try reader.turn(), since: since, at: now, limits: limits, seed: seed)
        views = try reader.counter()
        visits = try reader.counter()
        bots = try reader.counter()
        rejected = try reader.counter()
        correctedVisits = try reader.signed()
        correctedViews = try reader.signed()
        startVisits = try reader.signed()
        startViews = try reader.signed()
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
        quarter.views = try reader.counter()
        quarter.visits = try reader.counter()
        quarter.pings = try reader.counter()
        quarter.bots = try reader.counter()
        quarter.peak = try reader.number(upTo: Int(Int32.max))
        peak = try reader.peak()
    }
}

extension ByteWriter {
    fileprivate mutating func optional(_ moment: Moment?) {
        byte(moment == nil ? 0 : 1)
        if let moment { self.moment(moment) }
    }

    fileprivate mutating func peak(_ peak: Peak) {
        number(peak.visitors)
        moment(peak.at)
    }

    fileprivate mutating func sums(_ sums: Sums) {
        signed(sums.visits)
        signed(sums.views)
        number(sums.visitors)
    }

    fileprivate mutating func window(_ window: SlidingWindow, at now: Int64) {
        let occupied = window.occupied
        number(occupied.count)
        for (slot, counts) in occupied {
            number(UInt64(now - slot))
            number(UInt64(counts.views))
            number(UInt64(counts.visits))
        }
    }

    fileprivate mutating func day(_ day: Day) {
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

extension ByteReader {
    fileprivate mutating func optionalMoment() throws(MalformedBytes) -> Moment? {
        try flag() ? try moment() : nil
    }

    fileprivate mutating func peak() throws(MalformedBytes) -> Peak {
        Peak(visitors: try number(upTo: Int(Int32.max)), at: try moment())
    }

    fileprivate mutating func sums() throws(MalformedBytes) -> Sums {
        Sums(visits: try signed(), views: try signed(), visitors: try number(upTo: Int(Int32.max)))
    }

    fileprivate mutating func window(_ window: inout SlidingWindow, at now: Int64) throws(MalformedBytes) {
        let span = window.spans[window.spans.count - 1]
        var before = Int64.min
        for _ in 0..<(try count(bytesEach: 3)) {
            let slot = now - Int64(try number(upTo: Int(span) - 1))
            guard slot >= before, slot >= 0 else { throw malformed }
            before = slot
            let views = UInt32(try number(upTo: Int(UInt32.max)))
            window.add(.init(views: views, visits: UInt32(try number(upTo: Int(UInt32.max)))), at: slot)
        }
    }

    fileprivate mutating func day(_ day: inout Day) throws(MalformedBytes) {
        day.views = try counter()
        day.visits = try counter()
        day.bots = try counter()
        day.direct = try counter()
        day.internal = try counter()
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
        try ranking(&day.pages)
        try ranking(&day.referrers)
    }

    private mutating func ranking(_ ranking: inout Ranking) throws(MalformedBytes) {
        var isApproximate = try flag()
        var other = Ranking.Counts(views: try counter(), entries: try counter())
        for _ in 0..<(try count(bytesEach: 3)) {
            let key = [UInt8](copying: try text(upTo: pathBytesMax))
            let row = RankingRow(key: key, views: try counter(), entries: try counter())
            if !ranking.restore(row) {
                other.views &+= row.views
                other.entries &+= row.entries
                isApproximate = true
            }
        }
        ranking.restore(other: other, isApproximate: isApproximate)
    }
}
