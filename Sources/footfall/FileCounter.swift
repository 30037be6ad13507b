import Counting
import History
import Ingest
import Settings
import Web
import Wire
import Zones

/// The pipeline of the daemon, fed from files: the lines' own stamps are its clock.
struct FileCounter {
    private var pipeline: IngestPipeline
    private let timezone: String
    private let zone: Zone
    private let format: LogFormat?
    private let rules: Admission.Rules
    private let acceptsEverySite: Bool
    private var wall: Int64?
    private let settings: Settings?
    private(set) var lines = 0
    /// Lines without a stamp: no datagram could be made of them.
    private var unstamped: UInt64 = 0
    private static let batchLines = 64

    /// Counts lines of one format, or of any, for the sites of `settings`, or for every site that is named. Lines of logs
    /// that name none are of `site`; a time without a zone is one of `timezone`.
    init(settings: Settings?, format: LogFormat?, site: String?, timezone: String) {
        self.settings = settings
        self.format = format
        self.timezone = timezone
        // It was checked when the options were read.
        guard let zone = Zone(named: timezone) else { preconditionFailure("\(timezone) is no time zone") }
        self.zone = zone
        acceptsEverySite = settings == nil
        var rules = settings?.admissionRules ?? Admission.Rules(assets: Settings.Log().assets, logSite: "site")
        if let site { rules.logSite = site }
        self.rules = rules
        pipeline = Self.pipeline(settings, rules, wall: 0)
    }

    /// The same input gives the same output: salts come from a fixed seed, and nothing of them is kept.
    private static func pipeline(_ settings: Settings?, _ rules: Admission.Rules, wall: Int64) -> IngestPipeline {
        IngestPipeline(
            limits: settings?.limits.counting ?? Limits(), rules: rules, calendar: LocalCalendar.day,
            salts: SplitMix(seed: 0x666f_6f74_6661_6c6c), wall: wall, steady: wall)
    }

    /// When a line was written, in milliseconds, and where its datagram begins.
    ///
    /// Recorded beacons have unix seconds and a space before them; a line of a log carries its time inside.
    func stamp(of line: Span<UInt8>) -> (milliseconds: Int64, start: Int)? {
        if format ?? .f1 == .f1, let (stamp, length) = Recording.stamp(line) {
            return (stamp, min(length + 1, line.count))
        }
        guard let recorded = RecordedLine(line.extracting(first: Beacons.bytesMax)),
            format ?? recorded.format == recorded.format
        else { return nil }
        guard !recorded.hasZone else { return (recorded.stamp, 0) }
        let second = zone.second(ofLocal: recorded.stamp / 1000)
        return (second * 1000 + recorded.stamp % 1000, 0)
    }

    /// Counts a line; says what became of it where that is asked for.
    mutating func take(_ line: Span<UInt8>, explaining: Bool) -> String {
        lines += 1
        guard let (stamp, start) = stamp(of: line) else {
            unstamped += 1
            return "rejected: syntax (no line of \(format.map { "the format \($0)" } ?? "a known format") with a date)"
        }
        begin(at: stamp)
        let rest = line.extracting(start..<line.count)
        let datagram = rest.extracting(first: Beacons.bytesMax)
        if acceptsEverySite {
            for site in pipeline.unknownSites(in: datagram) {
                _ = pipeline.serve(SiteProfile(SiteSettings(name: site.name, timezone: timezone), hosts: site.hosts))
            }
        }
        let before = pipeline.engine.tallies
        pipeline.ingest(datagram, from: .ourselves, isTruncated: rest.count > Beacons.bytesMax, stamp: stamp)
        guard explaining else {
            if lines % Self.batchLines == 0 { pipeline.commit() }
            return ""
        }
        pipeline.commit()
        return Self.difference(before, pipeline.engine.tallies)
    }

    /// The first stamp is where time begins; later ones let it pass.
    private mutating func begin(at stamp: Int64) {
        if wall == nil {
            pipeline = Self.pipeline(settings, rules, wall: stamp)
            for site in settings?.sites ?? [] { _ = pipeline.serve(site.profile) }
        }
        wall = max(wall ?? stamp, stamp)
        if let wall { pipeline.observe(wall: wall, steady: wall) }
    }

    private static func difference(_ before: Tallies, _ after: Tallies) -> String {
        let counted = kinds.compactMap { tally, name in
            after[tally] > before[tally] ? name + times(after[tally] - before[tally]) : nil
        }
        let refused = reasons(after).compactMap { reason, count in
            let more = count - (reasons(before).first { $0.reason == reason }?.count ?? 0)
            return more > 0 ? "rejected: \(reason)" + times(more) : nil
        }
        // An address that is none, as a name or the word that something has put in front of the line.
        let unread = after[.droppedFields] - before[.droppedFields]
        let note = unread == 0 ? "" : " (\(unread) unreadable field\(unread == 1 ? "" : "s"))"
        return (counted + refused).joined(separator: ", ") + note
    }

    private static func times(_ count: UInt64) -> String { count == 1 ? "" : " × \(count)" }

    /// Lets time pass to the report's moment; nil where that lies before the last one read.
    mutating func finish(at end: Moment?) -> Report? {
        if wall == nil { begin(at: end?.milliseconds ?? 0) }
        pipeline.commit()
        if let end {
            guard end >= pipeline.now else { return nil }
            pipeline.observe(wall: end.milliseconds, steady: end.milliseconds)
        }
        pipeline.advanceClock()
        return pipeline.report()
    }

    /// There were lines, and none could be read.
    var isUnreadable: Bool { lines > 0 && unstamped == lines }

    /// What became of the lines that were not refused, and how many of their fields said nothing that could be read, such as
    /// an address that is none.
    var counted: [(name: String, count: UInt64)] {
        let tallies = pipeline.engine.tallies
        return Self.kinds.map { ($0.name + "s", tallies[$0.tally]) } + [("unreadable fields", tallies[.droppedFields])]
    }

    private static let kinds: [(tally: Tally, name: String)] = [
        (.views, "view"), (.pings, "ping"), (.duplicates, "duplicate"), (.bots, "bot"),
    ]

    /// What was refused, by reason, of datagrams and beacons together.
    var rejected: [(reason: String, count: UInt64)] {
        Self.allReasons(pipeline.engine.tallies)
            .map { $0.reason == BeaconRejection.syntax.rawValue ? ($0.reason, $0.count + unstamped) : $0 }
            .filter { $0.count > 0 }
    }

    private static func reasons(_ tallies: Tallies) -> [(reason: String, count: UInt64)] {
        allReasons(tallies).filter { $0.count > 0 }
    }

    private static func allReasons(_ tallies: Tallies) -> [(reason: String, count: UInt64)] {
        DatagramRejection.allCases.map { ($0.rawValue, tallies[$0.tally]) }
            + BeaconRejection.allCases.map { ($0.rawValue, tallies[$0.tally]) }
    }

    /// The snapshots with their rankings, and what the input was.
    func json(_ report: Report) -> JSONObject {
        let sites = report.sites.enumerated().map { i, site in
            var object = siteJSON(site, asOf: report.asOf)
            let pages = rows(pipeline.engine.topPages(of: SiteIndex(i), rows: .max))
            let referrers = rows(pipeline.engine.topReferrers(of: SiteIndex(i), rows: .max))
            object.append(
                "top",
                .object([
                    "pages": .array(
                        pages.map { .object(["key": key($0), "views": JSON($0.views), "entries": JSON($0.entries)]) }),
                    "referrers": .array(referrers.map { .object(["key": key($0), "views": JSON($0.views)]) }),
                ]))
            return JSON.object(object)
        }
        let tallies = pipeline.engine.tallies
        var refused: JSONObject = [:]
        for (reason, count) in rejected { refused.append(reason, JSON(count)) }
        return [
            "sites": .array(sites),
            "input": .object([
                "lines": JSON(lines), "views": JSON(tallies[.views]), "pings": JSON(tallies[.pings]),
                "bots": JSON(tallies[.bots]), "duplicates": JSON(tallies[.duplicates]), "rejected": .object(refused),
            ]),
        ]
    }

    /// What is not ranked by name is the last row, so that the sum is the day's views.
    private func rows(_ top: Top) -> [RankingRow] {
        top.other == 0 ? top.rows : top.rows + [RankingRow(key: Array("(other)".utf8), views: top.other, entries: 0)]
    }

    private func key(_ row: RankingRow) -> JSON { JSON(String(decoding: row.key, as: UTF8.self)) }
}
