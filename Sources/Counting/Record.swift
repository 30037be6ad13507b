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
/// Each record is the byte of its kind and its fields. Hits are by far the most, so their head has a fixed size and is
/// written and read in three words of 8 bytes, lowest byte first. The others are in the forms of `ByteWriter`.
/// ```
///  0  kind 0x0d   1  flags   2  site, 3 B   5  bytes of the referrer   6  bytes of the path, 2 B
///  8  milliseconds since 1970, 6 B   14  zero   15  further words, one bit each
/// 16  the visitor's key, or 0
/// 24  the further words, 8 B each: bit 0 the visitor's key under the previous salt · then path, then referrer
/// ```
/// Flags: bit 0 ping · 1 bot · 2–3 source · 4–5 origin (direct, internal, host). A ping or a bot's hit has no path, and
/// only a view from another host has a referrer. A bot's hit has no visitor.
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
        hits += 1
        writer.hit(hit)
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
    /// Written until version 0.1 and read for ever.
    case packedHit = 1
    case site, rollover, clock, counter, rejected, kernelDrops, baseline, correction, up, down, signed
    case hit
}

extension ByteWriter {
    @inline(__always)
    mutating func hit(_ hit: borrowing Hit) {
        let isView = hit.kind == .view && !hit.isBot
        let origin: Hit.Origin = isView ? hit.origin : .direct
        let pathBytes = isView ? hit.path.count : 0
        let referrerBytes = origin == .host ? hit.referrer.count : 0
        let former = hit.isBot ? 0 : hit.previousVisitorKey
        var head = UInt64(RecordKind.hit.rawValue) | UInt64(hit.kind.rawValue) &<< 8 | (hit.isBot ? 1 &<< 9 : 0)
        head |= UInt64(hit.source.rawValue) &<< 10 | UInt64(origin.rawValue) &<< 12
        head |= UInt64(truncatingIfNeeded: hit.site.number) &<< 16 | UInt64(truncatingIfNeeded: referrerBytes) &<< 40
        head |= UInt64(truncatingIfNeeded: pathBytes) &<< 48
        let further = former == 0 ? 0 : HitWords.formerKey
        let second = UInt64(bitPattern: hit.moment.milliseconds) | further &<< 56
        bytes.append(
            (head, second, hit.isBot ? 0 : hit.visitor), former, hit.path.extracting(0..<pathBytes),
            hit.referrer.extracting(0..<referrerBytes))
    }
}

/// The parts of a hit's record.
private enum HitWords {
    static let headBytes = 24
    /// The bits of the further words.
    static let formerKey: UInt64 = 1

    /// The bytes of path and referrer, and the bits of the further words.
    @inline(__always)
    static func lengths(_ head: UInt64, _ second: UInt64) -> (path: Int, referrer: Int, further: UInt64) {
        (Int(truncatingIfNeeded: head &>> 48), Int(truncatingIfNeeded: head &>> 40 & 0xff), second &>> 56)
    }
}

extension ByteReader {
    /// A hit, of which the kind was just read.
    @inline(__always)
    @_lifetime(copy self)
    mutating func hit() throws(MalformedBytes) -> Hit {
        let start = offset &- 1
        guard bytes.count &- start >= HitWords.headBytes else { throw malformed }
        let head = bytes.word(at: start)
        let second = bytes.word(at: start &+ 8)
        let visitor = bytes.word(at: start &+ 16)
        let (pathBytes, referrerBytes, further) = HitWords.lengths(head, second)
        let milliseconds = second & 0xffff_ffff_ffff
        let isBot = head &>> 9 & 1 == 1
        guard let kind = Hit.Kind(rawValue: UInt8(head &>> 8 & 1)),
            let source = HitSource(rawValue: UInt8(head &>> 10 & 3)),
            let origin = Hit.Origin(rawValue: UInt8(head &>> 12 & 3)),
            head &>> 14 & 3 == 0, second &>> 48 & 0xff == 0, further <= HitWords.formerKey,
            milliseconds <= UInt64(Moment.millisecondsMax),
            pathBytes <= pathBytesMax, referrerBytes <= referrerBytesMax, origin == .host || referrerBytes == 0,
            kind == .view && !isBot || pathBytes == 0 && origin == .direct, !isBot || visitor == 0 && further == 0
        else { throw malformed }
        let path = start &+ HitWords.headBytes &+ further.nonzeroBitCount &* 8
        let end = path &+ pathBytes &+ referrerBytes
        guard end <= bytes.count else { throw malformed }
        offset = end
        return Hit(
            site: SiteIndex(Int(truncatingIfNeeded: head &>> 16 & 0xff_ffff)),
            moment: Moment(milliseconds: Int64(milliseconds)), kind: kind, source: source, isBot: isBot,
            visitor: visitor,
            previousVisitorKey: further == 0 ? 0 : bytes.word(at: start &+ HitWords.headBytes),
            path: bytes.extracting(path..<path &+ pathBytes), origin: origin,
            referrer: bytes.extracting(path &+ pathBytes..<end))
    }

    /// Skips a hit. Returns its visitor, or 0; nil if there is no whole hit.
    @inline(__always)
    mutating func skipHit() -> UInt64? {
        guard bytes.count &- offset >= HitWords.headBytes, bytes[offset] == RecordKind.hit.rawValue else { return nil }
        let (pathBytes, referrerBytes, further) = HitWords.lengths(
            bytes.word(at: offset), bytes.word(at: offset &+ 8))
        defer { offset &+= HitWords.headBytes &+ further.nonzeroBitCount &* 8 &+ pathBytes &+ referrerBytes }
        return bytes.word(at: offset &+ 16)
    }

    /// A hit as it was written until version 0.1, in the forms of `ByteWriter`:
    /// ```
    /// 0x01  flags  site  moment  [visitor 8 B]  [previous key 8 B]  [path]  [referrer]
    ///       bit 0 ping · 1 bot · 2–3 source · 4 visitor · 5 previous key · 6–7 origin
    /// ```
    @_lifetime(copy self)
    mutating func packedHit() throws(MalformedBytes) -> Hit {
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

    mutating func record(_ kind: RecordKind) throws(MalformedBytes) -> Record {
        switch kind {
        case .hit, .packedHit: throw malformed
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
    mutating func site() throws(MalformedBytes) -> SiteIndex { SiteIndex(try number(upTo: 1 << 24 - 1)) }

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
