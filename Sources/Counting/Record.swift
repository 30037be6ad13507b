/// Everything besides hits that changes counting state.
///
/// The same records in the same order give the same state. Therefore replay, `footfall count` and the running daemon
/// give the same numbers. Everything else (passing time, a query) changes no stored number.
public enum Record: Equatable, Sendable {
    /// A site is known from `at` on, at the next free index and with its running day. At an index in use: the site's
    /// settings change.
    case site(SiteIndex, SiteSettings, DayRollover, at: Moment)
    /// A site's local midnight.
    case rollover(SiteIndex, DayRollover)
    /// A clock event.
    case clock(ClockEvent)
    /// Adds to a counter.
    case counter(Counter, UInt64)
    /// So many beacons of a known site were refused. They are in their counter as well.
    case rejected(SiteIndex, UInt64)
    /// A beacon of the site with this signature was accepted. `at` is the second of the sender's clock, `came` the
    /// second of our clock.
    case signed(SiteIndex, UInt64, at: Int64, came: Int64)
    /// The kernel's count of dropped datagrams at the socket with this cookie, modulo 2³². A new cookie began at 0.
    case kernelDrops(cookie: UInt64, total: UInt32)
    /// A baseline: the number of an older counter is adopted, at most `amountMax` in either direction.
    case baseline(SiteIndex, visits: Int64, views: Int64, AuditNote)
    /// A signed number, at most `amountMax` in either direction, is added to one local day.
    case correction(SiteIndex, LocalDay, visits: Int64, views: Int64, AuditNote)
    /// The daemon runs from this moment on.
    case up(Moment)
    /// The daemon stopped normally.
    case down(Moment)

    /// The greatest amount of a baseline or a correction. A record with a greater amount is malformed.
    public static let amountMax: Int64 = 1 << 50
}

/// The records of one batch as bytes. The journal stores them and the engine counts from them.
///
/// Each record is the byte of its kind and its fields, in the little-endian and LEB128 forms of `ByteWriter`. A hit:
/// ```
/// 0x01  flags  site  moment  [visitor 8 B]  [former 8 B]  [path]  [referrer]
///       bit 0 ping · 1 bot · 2–3 source · 4 visitor · 5 former · 6–7 origin (direct, internal, host)
/// ```
/// A ping or a bot's hit has no path. A bot's hit has no visitor either.
public struct Frame: Sendable {
    private var writer = ByteWriter()
    /// Hits in the frame so far.
    public private(set) var hits = 0

    /// A frame without records.
    public init() {}

    /// The records so far.
    public var bytes: [UInt8] { writer.bytes }
    /// No record yet.
    public var isEmpty: Bool { writer.bytes.isEmpty }
    /// The records so far, borrowed.
    public var span: Span<UInt8> {
        @_lifetime(borrow self) get { writer.bytes.span }
    }

    /// Removes all records and keeps the memory.
    public mutating func removeAll() {
        writer.bytes.removeAll(keepingCapacity: true)
        hits = 0
    }

    /// Adds a hit. This is the only copy of its path and referrer.
    @inline(__always)
    public mutating func append(_ hit: borrowing Hit) {
        let isView = hit.kind == .view && !hit.isBot
        let visitor = hit.isBot ? 0 : hit.visitor
        let former = hit.isBot ? 0 : hit.previousVisitorKey
        let origin: Hit.Origin = isView ? hit.origin : .direct
        var flags = hit.kind.rawValue | hit.source.rawValue << 2 | origin.rawValue << 6
        if hit.isBot { flags |= 1 << 1 }
        if visitor != 0 { flags |= 1 << 4 }
        if former != 0 { flags |= 1 << 5 }
        hits += 1
        writer.byte(RecordKind.hit.rawValue)
        writer.byte(flags)
        writer.number(UInt64(hit.site.number))
        writer.moment(hit.moment)
        if visitor != 0 { writer.word(visitor) }
        if former != 0 { writer.word(former) }
        if isView { writer.text(hit.path) }
        if origin == .host { writer.text(hit.referrer) }
    }

    /// Adds a record that is not a hit.
    public mutating func append(_ record: Record) {
        switch record {
        case .site(let site, let settings, let rollover, let at):
            start(.site, site)
            writer.site(settings)
            writer.rollover(rollover)
            writer.moment(at)
        case .rollover(let site, let rollover):
            start(.rollover, site)
            writer.rollover(rollover)
        case .clock(let event):
            writer.byte(RecordKind.clock.rawValue)
            switch event {
            case .stepBack(let milliseconds):
                writer.byte(0)
                writer.signed(milliseconds)
            case .leapForward(let milliseconds):
                writer.byte(1)
                writer.signed(milliseconds)
            case .restart(let moment):
                writer.byte(2)
                writer.moment(moment)
            }
        case .counter(let counter, let count):
            writer.byte(RecordKind.counter.rawValue)
            writer.byte(counter.rawValue)
            writer.number(count)
        case .rejected(let site, let count):
            start(.rejected, site)
            writer.number(count)
        case .kernelDrops(let cookie, let total):
            writer.byte(RecordKind.kernelDrops.rawValue)
            writer.word(cookie)
            writer.number(UInt64(total))
        case .signed(let site, let signature, let second, let came):
            start(.signed, site)
            writer.word(signature)
            writer.number(UInt64(second))
            writer.number(UInt64(came))
        case .baseline(let site, let visits, let views, let note):
            start(.baseline, site)
            writer.signed(visits)
            writer.signed(views)
            writer.auditNote(note)
        case .correction(let site, let day, let visits, let views, let note):
            start(.correction, site)
            writer.signed(Int64(day.number))
            writer.signed(visits)
            writer.signed(views)
            writer.auditNote(note)
        case .up(let moment):
            writer.byte(RecordKind.up.rawValue)
            writer.moment(moment)
        case .down(let moment):
            writer.byte(RecordKind.down.rawValue)
            writer.moment(moment)
        }
    }

    private mutating func start(_ kind: RecordKind, _ site: SiteIndex) {
        writer.byte(kind.rawValue)
        writer.number(UInt64(site.number))
    }
}

/// The first byte of a record. Stored: never renumber, only add.
enum RecordKind: UInt8 {
    case hit = 1, site, rollover, clock, counter, rejected, kernelDrops, baseline, correction, up, down, signed
}

extension ByteReader {
    @inline(__always)
    @_lifetime(copy self)
    mutating func hit() throws(MalformedBytes) -> Hit {
        let flags = try byte()
        let site = try site()
        let moment = try moment()
        guard let kind = Hit.Kind(rawValue: flags & 1), let source = HitSource(rawValue: flags >> 2 & 3),
            let origin = Hit.Origin(rawValue: flags >> 6)
        else { throw malformed }
        let isBot = flags & 1 << 1 != 0
        let visitor = flags & 1 << 4 != 0 ? try word() : 0
        let former = flags & 1 << 5 != 0 ? try word() : 0
        let path = kind == .view && !isBot ? try text(upTo: pathBytesMax) : bytes.extracting(first: 0)
        let referrer = origin == .host ? try text(upTo: referrerBytesMax) : bytes.extracting(first: 0)
        return Hit(
            site: site, moment: moment, kind: kind, source: source, isBot: isBot, visitor: visitor,
            previousVisitorKey: former,
            path: path, origin: origin, referrer: referrer)
    }

    /// Skips a hit. Returns its visitor, or 0.
    @inline(__always)
    mutating func skipHit() throws(MalformedBytes) -> UInt64 {
        let flags = try byte()
        _ = try number()
        _ = try number()
        let visitor = flags & 1 << 4 != 0 ? try word() : 0
        if flags & 1 << 5 != 0 { _ = try word() }
        if flags & 0b11 == 0 { _ = try text(upTo: pathBytesMax) }
        if flags >> 6 == Hit.Origin.host.rawValue { _ = try text(upTo: referrerBytesMax) }
        return visitor
    }

    mutating func record(_ kind: RecordKind) throws(MalformedBytes) -> Record {
        switch kind {
        case .hit: throw malformed
        case .site: return .site(try site(), try siteSettings(), try rollover(), at: try moment())
        case .rollover: return .rollover(try site(), try rollover())
        case .clock:
            switch try byte() {
            case 0: return .clock(.stepBack(milliseconds: try signed()))
            case 1: return .clock(.leapForward(milliseconds: try signed()))
            case 2: return .clock(.restart(at: try moment()))
            default: throw malformed
            }
        case .counter: return .counter(try value(Counter.self), try counter())
        case .rejected: return .rejected(try site(), try counter())
        case .kernelDrops: return .kernelDrops(cookie: try word(), total: UInt32(try number(upTo: Int(UInt32.max))))
        case .signed:
            return .signed(
                try site(), try word(), at: Int64(try number(upTo: Int(UInt32.max))),
                came: Int64(try number(upTo: Int(UInt32.max))))
        case .baseline: return .baseline(try site(), visits: try amount(), views: try amount(), try auditNote())
        case .correction:
            return .correction(try site(), try day(), visits: try amount(), views: try amount(), try auditNote())
        case .up: return .up(try moment())
        case .down: return .down(try moment())
        }
    }

    @inline(__always)
    mutating func site() throws(MalformedBytes) -> SiteIndex { SiteIndex(try number(upTo: 1 << 24)) }

    private mutating func amount() throws(MalformedBytes) -> Int64 {
        let amount = try signed()
        guard abs(amount) <= Record.amountMax else { throw malformed }
        return amount
    }

    mutating func day() throws(MalformedBytes) -> LocalDay {
        // About 8,000 years in either direction: calendar arithmetic stays far from its limits.
        let number = try signed()
        guard abs(number) <= 3_000_000 else { throw malformed }
        return LocalDay(number: Int32(number))
    }

    mutating func rollover() throws(MalformedBytes) -> DayRollover {
        DayRollover(day: try day(), begins: try moment(), salt: UInt32(try number(upTo: Int(UInt32.max))))
    }

    mutating func siteSettings() throws(MalformedBytes) -> SiteSettings {
        let name = try string(upTo: 64)
        let timezone = try string(upTo: 256)
        let window = Int64(try number(upTo: Int(visitGapSecondsMax)))
        let duplicate = Int64(try number(upTo: 10_000))
        let totalOf = try value(SiteSettings.TotalOf.self)
        let source = try byte()
        guard window >= 60, source == 255 || HitSource(rawValue: source) != nil else { throw malformed }
        return SiteSettings(
            name: name, timezone: timezone, onlineWindowSeconds: window, duplicateMilliseconds: duplicate,
            totalOf: totalOf, viewsFrom: HitSource(rawValue: source))
    }
}

extension ByteWriter {
    mutating func rollover(_ rollover: DayRollover) {
        signed(Int64(rollover.day.number))
        moment(rollover.begins)
        number(UInt64(rollover.salt))
    }

    mutating func site(_ settings: SiteSettings) {
        text(settings.name)
        text(settings.timezone)
        number(UInt64(settings.onlineWindowSeconds))
        number(UInt64(settings.duplicateMilliseconds))
        byte(settings.totalOf.rawValue)
        byte(settings.viewsFrom?.rawValue ?? 255)
    }
}

/// Longest path of a hit, in bytes.
public let pathBytesMax = 512
/// Longest referring host of a hit, in bytes.
public let referrerBytesMax = 253
