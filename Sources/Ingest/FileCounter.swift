public import Counting
public import Wire

/// The daemon's pipeline for files. The time stamps of the lines are its clock.
public struct FileCounter: Sendable {
    /// What to count, and how.
    public struct Configuration: Sendable {
        /// The format of the lines; nil detects it for each line.
        public var format: LogFormat?
        /// The sites to count; nil counts every site that is named, with the defaults.
        public var profiles: [SiteProfile]?
        /// How much the engine may hold.
        public var limits: Limits
        /// The rules for reading lines.
        public var rules: Admission.Rules
        /// The zone of unconfigured sites, and of times without a zone.
        public var timezone: String
        /// The calendar of local days.
        public var calendar: IngestPipeline.Calendar
        /// The UTC second at which clocks in `timezone` show a given time (given in seconds as if it were UTC).
        public var secondOfLocal: @Sendable (Int64) -> Int64

        /// A configuration.
        public init(
            format: LogFormat?, profiles: [SiteProfile]?, limits: Limits, rules: Admission.Rules, timezone: String,
            calendar: @escaping IngestPipeline.Calendar, secondOfLocal: @escaping @Sendable (Int64) -> Int64
        ) {
            self.format = format
            self.profiles = profiles
            self.limits = limits
            self.rules = rules
            self.timezone = timezone
            self.calendar = calendar
            self.secondOfLocal = secondOfLocal
        }
    }

    private var pipeline: IngestPipeline
    private let configuration: Configuration
    private var wall: Int64?
    /// Lines so far.
    public private(set) var lines = 0
    /// Lines without a time stamp. They cannot become datagrams.
    private var unstamped: UInt64 = 0
    private static let batchLines = 64

    /// Nothing counted yet.
    public init(_ configuration: Configuration) {
        self.configuration = configuration
        pipeline = Self.pipeline(configuration, wall: 0)
    }

    /// The same input must give the same output, so salts come from a fixed seed. They are not stored.
    private static func pipeline(_ configuration: Configuration, wall: Int64) -> IngestPipeline {
        IngestPipeline(
            limits: configuration.limits, rules: configuration.rules, calendar: configuration.calendar,
            salts: SplitMix(seed: 0x666f_6f74_6661_6c6c), wall: wall, steady: wall)
    }

    /// When a line was written, in milliseconds, and where its datagram begins.
    ///
    /// A recorded beacon has unix seconds and a space before it. A log line contains its time.
    public func stamp(of line: Span<UInt8>) -> (milliseconds: Int64, start: Int)? {
        if configuration.format ?? .f1 == .f1, let stamp = UnixStamp(line) {
            return (stamp.milliseconds, min(stamp.length + 1, line.count))
        }
        guard let recorded = RecordedLine(line.extracting(first: Beacons.bytesMax)),
            configuration.format ?? recorded.format == recorded.format
        else { return nil }
        guard !recorded.hasZone else { return (recorded.stamp, 0) }
        let second = configuration.secondOfLocal(recorded.stamp / 1000)
        return (second * 1000 + recorded.stamp % 1000, 0)
    }

    /// Counts a line. If `explaining`, returns what became of it.
    public mutating func count(_ line: Span<UInt8>, explaining: Bool) -> String {
        lines += 1
        guard let (stamp, start) = stamp(of: line) else {
            unstamped += 1
            let format = configuration.format.map { "the format \($0)" } ?? "a known format"
            return "rejected: syntax (no line of \(format) with a date)"
        }
        begin(at: stamp)
        let rest = line.extracting(start..<line.count)
        let datagram = rest.extracting(first: Beacons.bytesMax)
        if configuration.profiles == nil {
            for site in pipeline.unknownSites(in: datagram) {
                let settings = SiteSettings(name: site.name, timezone: configuration.timezone)
                _ = pipeline.serve(SiteProfile(settings, hosts: site.hosts))
            }
        }
        let before = pipeline.engine.counters
        pipeline.ingest(datagram, from: .ourselves, isTruncated: rest.count > Beacons.bytesMax, stamp: stamp)
        guard explaining else {
            if lines % Self.batchLines == 0 { pipeline.commit() }
            return ""
        }
        pipeline.commit()
        return Self.difference(before, pipeline.engine.counters)
    }

    /// Time begins at the first stamp. Later stamps advance it.
    private mutating func begin(at stamp: Int64) {
        if wall == nil {
            pipeline = Self.pipeline(configuration, wall: stamp)
            for profile in configuration.profiles ?? [] { _ = pipeline.serve(profile) }
        }
        wall = max(wall ?? stamp, stamp)
        if let wall { pipeline.observe(wall: wall, steady: wall) }
    }

    private static func difference(_ before: Counters, _ after: Counters) -> String {
        let counted = kinds.compactMap { counter, name in
            after[counter] > before[counter] ? name + times(after[counter] - before[counter]) : nil
        }
        let refused = reasons(after).compactMap { reason, count in
            let more = count - (reasons(before).first { $0.reason == reason }?.count ?? 0)
            return more > 0 ? "rejected: \(reason)" + times(more) : nil
        }
        // For example an address field that holds a name, or a word that somebody put in front of the line.
        let unread = after[.droppedFields] - before[.droppedFields]
        let note = unread == 0 ? "" : " (\(unread) unreadable field\(unread == 1 ? "" : "s"))"
        return (counted + refused).joined(separator: ", ") + note
    }

    private static func times(_ count: UInt64) -> String { count == 1 ? "" : " × \(count)" }

    /// Advances the time to the report's moment. Nil if that is before the last stamp.
    public mutating func finish(at end: Moment?) -> Report? {
        if wall == nil { begin(at: end?.milliseconds ?? 0) }
        pipeline.commit()
        if let end {
            guard end >= pipeline.now else { return nil }
            pipeline.observe(wall: end.milliseconds, steady: end.milliseconds)
        }
        pipeline.advanceClock()
        return pipeline.report()
    }

    /// The engine with the counts.
    public var engine: Engine { pipeline.engine }

    /// True if there were lines and none could be read.
    public var isUnreadable: Bool { lines > 0 && unstamped == lines }

    /// What became of the lines that were not refused, and the number of their unreadable fields, such as an invalid
    /// address.
    public var counted: [(name: String, count: UInt64)] {
        let counters = pipeline.engine.counters
        return Self.kinds.map { ($0.name + "s", counters[$0.counter]) } + [
            ("unreadable fields", counters[.droppedFields])
        ]
    }

    private static let kinds: [(counter: Counter, name: String)] = [
        (.views, "view"), (.pings, "ping"), (.duplicates, "duplicate"), (.bots, "bot"),
    ]

    /// What was refused, by reason, datagrams and beacons together.
    public var rejected: [(reason: String, count: UInt64)] {
        Self.allReasons(pipeline.engine.counters)
            .map { $0.reason == BeaconRejection.syntax.rawValue ? ($0.reason, $0.count + unstamped) : $0 }
            .filter { $0.count > 0 }
    }

    private static func reasons(_ counters: Counters) -> [(reason: String, count: UInt64)] {
        allReasons(counters).filter { $0.count > 0 }
    }

    private static func allReasons(_ counters: Counters) -> [(reason: String, count: UInt64)] {
        DatagramRejection.allCases.map { ($0.rawValue, counters[$0.counter]) }
            + BeaconRejection.allCases.map { ($0.rawValue, counters[$0.counter]) }
    }
}
