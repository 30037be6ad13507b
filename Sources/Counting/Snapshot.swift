// The counting state as bytes: version 2. Version 1 had no signatures.
//
// Everything is sorted and only live entries are written, so two engines in the same state give the same bytes, however
// they reached it. Numbers are LEB128 unless marked "8 B"; signed ones are zigzag-coded. Ages count back from now.
//
//     engine    version 1 B  now  up  doubt  counters  sockets  signatures
//               up: 1 since, or 0 · doubt: 1 until when newcomers begin no visit, or 0
//               counters: n × (number 1 B, count) · sockets: n × (cookie 8 B, drops)
//               signatures: floor, n × (site, its floor, n × (second, n × 8 B)), in the seconds they were signed
//     site      now  settings  since  rollover  views visits bots rejected  corrected visits views  baseline
//               untracked  presence  3 × window  today  yesterday  month  quarter  peak
//               settings, rollover: as in records · untracked: 1 moment, or 0
//               presence: n × (age in seconds, visitors), oldest first, against this now
//               window: n × (age in slots, views, visits), oldest first: seconds, minutes, quarter hours
//               today: views visits bots direct internal  corrected visits views  peak  sketch  pages  referrers
//               sketch: 0, n × key 8 B, rising · 1, 2¹⁴ registers as a text
//               pages, referrers: approximate 1 B, (other) views entries, n × (text, views, entries), most first
//               yesterday, month: visits views visitors · quarter: views visits pings bots peak · peak: visitors moment
//     chunk 0   recent views: n × (identity 8 B, its lowest 15 bits zero; moment), by moment and identity
//     chunk c   visitors whose key's top 6 bits are c − 1: slots of 8 B, fingerprints rising (`VisitorTable.swift`)
//
// A snapshot is all of them in one: length and bytes of engine; then n, and length and bytes of each site; then length
// and bytes of 65 chunks. Every site is advanced to now first, so that equal states have equal bytes.

extension Engine {
    static let version: UInt8 = 2

    /// The whole state as canonical bytes. Closed history rows are not part of it.
    ///
    /// - Complexity: O(state), with sorting of the visitors; about 9 bytes a visitor.
    public mutating func snapshot() -> [UInt8] {
        settle()
        let capture = Capture(of: self, rows: [], changedSites: [])
        var writer = ByteWriter()
        writer.text(capture.engineBytes().span)
        writer.number(capture.siteCount)
        for i in 0..<capture.siteCount { writer.text(capture.siteBytes(SiteIndex(i)).span) }
        for i in 0..<Capture.chunkCount { writer.text(capture.chunk(i).span) }
        return writer.bytes
    }

    /// Restores the engine of a `snapshot()`. The limits may differ: keys without room in a ranking go to its
    /// `(other)`, and visitors over their limit stay until they leave.
    public init(restoring bytes: Span<UInt8>, limits: Limits, seed: HashSeed) throws(MalformedBytes) {
        var reader = ByteReader(bytes)
        let engine = [UInt8](copying: try reader.text(upTo: .max))
        var sites: [[UInt8]] = []
        for _ in 0..<(try reader.count(bytesEach: 1)) { sites.append([UInt8](copying: try reader.text(upTo: .max))) }
        var chunks: [[UInt8]] = []
        for _ in 0..<Capture.chunkCount { chunks.append([UInt8](copying: try reader.text(upTo: .max))) }
        guard reader.isAtEnd else { throw reader.malformed }
        try self.init(restoring: engine, sites: sites, chunks: chunks, limits: limits, seed: seed)
    }

    /// Restores an engine from the bytes of its captures. `engine` and `chunks` come from one capture. Each site's
    /// bytes come from that capture, or from the last earlier one in which the site had changed. Without chunks there
    /// are no visitors.
    ///
    /// The limits may differ, as for a snapshot.
    public init(
        restoring engine: [UInt8], sites: [[UInt8]], chunks: [[UInt8]], limits: Limits, seed: HashSeed
    ) throws(MalformedBytes) {
        var reader = ByteReader(engine.span)
        let version = try reader.byte()
        guard (1...Self.version).contains(version) else { throw reader.malformed }
        self.init(limits: limits, seed: seed, at: try reader.moment())
        upSince = try reader.optionalMoment()
        if let upSince, upSince > now { throw reader.malformed }
        activeVisitors.doubtUntil = try reader.optionalMoment() ?? .epoch
        guard activeVisitors.doubtUntil <= now + Self.doubtMilliseconds else { throw reader.malformed }
        for _ in 0..<(try reader.count(bytesEach: 2)) {
            counters[try reader.value(Counter.self)] = try reader.counter()
        }
        let socketCount = try reader.count(bytesEach: 9)
        guard socketCount <= Self.socketsMax else { throw reader.malformed }
        for _ in 0..<socketCount {
            sockets.append((try reader.word(), UInt32(try reader.number(upTo: Int(UInt32.max)))))
        }
        if version > 1 { signatures = try SeenSignatures(restoring: &reader) }
        guard reader.isAtEnd else { throw reader.malformed }

        for (i, site) in sites.enumerated() {
            append(try SiteCounters(restoring: site, SiteIndex(i), until: now, limits: limits, seed: seed))
        }
        setRetention()
        guard !chunks.isEmpty else { return }
        guard chunks.count == Capture.chunkCount else { throw MalformedBytes(offset: 0) }
        try restoreRecentViews(chunks[0])
        for i in 0..<VisitorTable.chunkCount { try activeVisitors.visitors.restore(chunk: i, chunks[i + 1]) }
    }

    private mutating func restoreRecentViews(_ bytes: [UInt8]) throws(MalformedBytes) {
        var reader = ByteReader(bytes.span)
        var before = Moment.epoch
        for _ in 0..<(try reader.count(bytesEach: 9)) {
            let identity = try reader.word()
            let moment = try reader.moment()
            guard identity != 0, moment >= before, moment <= now else { throw reader.malformed }
            before = moment
            counters[.recentViewsForgotten] += activeVisitors.recentViews.restore(
                .init(identity: identity, moment: moment.milliseconds))
        }
        guard reader.isAtEnd else { throw reader.malformed }
    }
}
