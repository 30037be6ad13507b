import Counting
import TestSupport

/// One event of a stream, for the engine and for the naive counter.
enum StreamEvent {
    case hit(NaiveCounter.Hit, key: UInt64, former: UInt64)
    case record(Record)
}

/// A random but repeatable stream of everything that can happen to the engine.
///
/// Pauses are often close to the limits in the definitions: a person's next hit often comes exactly 300 s or 1801 s
/// after an earlier one. Local midnights fall on any second, days last 23 to 25 hours, and a day may be skipped.
struct Stream {
    var random: SplitMix
    var now: Moment
    private(set) var limits = Limits()
    private var sites: [Site] = []
    private var earlier: [Moment] = []
    /// Records made and not returned yet.
    private var pending: [StreamEvent] = []
    /// Shares, in percent, that make each stream different.
    private let botShare: Int, pingShare: Int, nobodyShare: Int
    private let secret: UInt64
    private let people: Int64, paths: Int64, hosts: Int64

    private struct Site {
        var settings: SiteSettings
        var rollover: DayRollover
        /// The salt before, and when the current one was first used.
        var salt: UInt64, formerSalt: UInt64 = 0
        var saltSince: Moment
        var midnight: Moment
    }

    init(seed: UInt64) {
        random = SplitMix(seed: seed)
        // A time in 2026, at any place in its second, minute and quarter hour.
        now = Moment(milliseconds: random.number(1_767_225_600_000...1_798_761_600_000))
        secret = random.next()
        botShare = random.one(of: [0, 5, 20])
        pingShare = random.one(of: [5, 20, 50])
        nobodyShare = random.one(of: [0, 5])
        people = random.one(of: [1, 3, 12, 40])
        paths = random.one(of: [1, 3, 20])
        hosts = random.one(of: [1, 3, 10])
        limits.pages = random.one(of: [1, 3, 8, 2000])
        limits.referrers = random.one(of: [1, 2, 4, 500])
        limits.visitors = random.one(of: [1, 3, 8, 1000, 1000, 1000])
        limits.recentViews = random.one(of: [1, 2, 4, 1000, 1000, 1000])
        addSite()
        while random.percent(50), sites.count < 4 { addSite() }
    }

    /// The next records, which belong in one frame.
    mutating func nextFrame() -> [StreamEvent] {
        var events = pending
        pending = []
        repeat { events += nextEvents() } while random.percent(30)
        return events
    }

    /// A moment to which time may advance before anything needs a record.
    mutating func pause() -> Moment {
        let midnight = sites.map(\.midnight).min() ?? now
        now = min(later(), Moment(milliseconds: midnight.milliseconds - 1))
        return now
    }

    // MARK: Events

    private mutating func nextEvents() -> [StreamEvent] {
        switch random.number(0...99) {
        case 0: return random.percent(20) && sites.count < 5 ? newSite() : []
        case 1: return [change()]
        case 2, 3: return [correction()]
        case 4:
            let (visits, views) = (random.number(Int64(0)...60_000), random.number(Int64(0)...90_000))
            return [.record(.baseline(anySite(), visits: visits, views: views, auditNote()))]
        case 5: return [counter()]
        case 6: return [.record(.rejected(anySite(), UInt64(random.number(1...9))))]
        case 7: return random.percent(20) ? [restart()] : [uptime()]
        case 8: return pass(to: later())
        default:
            let rollovers = pass(to: random.percent(60) ? later() : now)
            return rollovers + [hit()]
        }
    }

    private mutating func anySite() -> SiteIndex { SiteIndex(Int(random.number(0...Int64(sites.count - 1)))) }

    private mutating func hit() -> StreamEvent {
        let place = anySite().number
        let site = sites[place]
        let person = random.percent(nobodyShare) ? 0 : Int(random.number(1...people))
        let isFormerUsed = now.milliseconds < site.saltSince.milliseconds + 1_800_000
        let origin = random.one(of: [Hit.Origin.direct, .internal, .host, .host])
        let kind: Hit.Kind = random.percent(pingShare) ? .ping : .view
        let hit = NaiveCounter.Hit(
            site: place, moment: now, kind: kind,
            source: random.percent(70) ? site.settings.viewsFrom ?? .beacon : random.one(of: HitSource.allCases),
            isBot: random.percent(botShare), person: person,
            path: path(random.number(0...paths - 1)), origin: origin,
            referrer: origin == .host ? Array("host\(random.number(0...hosts - 1)).example".utf8) : [])
        earlier.append(now)
        return .hit(
            hit, key: key(person, place, site.salt),
            former: isFormerUsed && site.formerSalt != 0 ? key(person, place, site.formerSalt) : 0)
    }

    /// The visitor's key: as good as random, and always the same for one person, site and salt.
    private func key(_ person: Int, _ site: Int, _ salt: UInt64) -> UInt64 {
        if person == 0 { return 0 }
        var mix = SplitMix(seed: secret ^ salt << 32 ^ UInt64(person) << 8 ^ UInt64(site))
        return mix.next() | 1
    }

    private func path(_ number: Int64) -> [UInt8] {
        switch number {
        case 0: [UInt8(ascii: "/")]
        case 19: [UInt8(ascii: "/")] + [UInt8](repeating: UInt8(ascii: "x"), count: 511)
        default: Array("/tin-tức/\(number)".utf8)
        }
    }

    /// An old counter's number, or a corrected mistake; never of a day that has not begun.
    private mutating func correction() -> StreamEvent {
        let site = anySite()
        let back = random.one(of: [0, 0, 1, 1, 2, 5, 40] as [Int32])
        let day = LocalDay(number: sites[site.number].rollover.day.number - back)
        let correction = Record.correction(
            site, day, visits: random.number(-20...20), views: random.number(-50...50), auditNote())
        return .record(correction)
    }

    private mutating func auditNote() -> AuditNote {
        AuditNote(by: random.one(of: ["", "minh", "anna"]), note: "số \(random.number(0...9))", at: now)
    }

    private mutating func counter() -> StreamEvent {
        switch random.number(0...3) {
        case 0: return .record(.kernelDrops(cookie: random.next() % 3, total: UInt32(random.next() >> 32)))
        case 1: return .record(.clock(.stepBack(milliseconds: random.number(500...90_000))))
        case 2: return .record(.clock(.leapForward(milliseconds: random.number(500...90_000))))
        default:
            let counter = random.one(of: [
                Counter.datagrams, .parsedDatagrams, .records, .datagramsEmpty, .beaconsSyntax,
            ])
            if random.percent(20) {
                let second = now.second - Int64(random.number(0...240))
                return .record(.signed(SiteIndex(0), random.next(), at: max(0, second), came: now.second))
            }
            return .record(.counter(counter, UInt64(random.number(1...64))))
        }
    }

    private mutating func uptime() -> StreamEvent { .record(random.percent(50) ? .up(now) : .down(now)) }

    // MARK: Sites

    private mutating func addSite() { pending += newSite() }

    private mutating func newSite() -> [StreamEvent] {
        let settings = SiteSettings(
            name: "site\(sites.count)", timezone: random.one(of: ["UTC", "Europe/Paris", "Asia/Kathmandu"]),
            onlineWindowSeconds: random.one(of: [60, 300, 300, 1800, random.number(60...1800)]),
            duplicateMilliseconds: random.one(of: [0, 1000, 1000, 10_000]),
            totalOf: random.percent(50) ? .visits : .views,
            viewsFrom: random.percent(70) ? nil : random.one(of: HitSource.allCases))
        // The running day began up to one day ago, as with any offset from UTC.
        let begins = Moment(second: now.second - random.number(0...86_399))
        let day = LocalDay(number: Int32(now.second / 86_400))
        let rollover = DayRollover(day: day, begins: begins, salt: 1)
        let midnight = Moment(second: max(begins.second + dayLength(), now.second + 1))
        sites.append(Site(settings: settings, rollover: rollover, salt: 1, saltSince: begins, midnight: midnight))
        return [.record(.site(SiteIndex(sites.count - 1), settings, rollover, at: now))]
    }

    private mutating func dayLength() -> Int64 { random.one(of: [86_400, 86_400, 82_800, 90_000, 84_600, 88_200]) }

    private mutating func change() -> StreamEvent {
        let site = anySite()
        var settings = sites[site.number].settings
        switch random.number(0...5) {
        case 0, 1: settings.onlineWindowSeconds = random.one(of: [60, 300, 1800, random.number(60...1800)])
        case 2: settings.totalOf = random.percent(50) ? .visits : .views
        case 3: settings.viewsFrom = random.percent(50) ? nil : random.one(of: HitSource.allCases)
        case 4:
            // Only shorter: a longer time would compare with views that may already be forgotten.
            settings.duplicateMilliseconds = min(settings.duplicateMilliseconds, random.one(of: [0, 500, 1000]))
        default: settings.timezone = random.one(of: ["UTC", "Asia/Ho_Chi_Minh"])
        }
        sites[site.number].settings = settings
        return .record(.site(site, settings, sites[site.number].rollover, at: now))
    }

    // MARK: Time

    /// A later moment, often at an interesting distance from an earlier hit.
    private mutating func later() -> Moment {
        let seconds: [Int64] = [1, 59, 60, 61, 299, 300, 301, 899, 900, 901, 1799, 1800, 1801, 3599, 3600, 3601]
        if random.percent(8) {
            let midnight = sites[anySite().number].midnight
            // The half hour in which visitors are carried over.
            let after = random.one(of: [-1_800_000, -1000, -1, 0, 1, 1000, 299_000, 1_798_999, 1_799_999, 1_800_000])
            return max(now, midnight + Int64(after))
        }
        let anchor = random.percent(60) && !earlier.isEmpty ? random.one(of: earlier.suffix(12)) : now
        let pause: Int64
        switch random.number(0...99) {
        case 0...29: pause = random.one(of: [0, 1, 500, 999, 1000, 1001, 9999, 10_000, random.number(0...20_000)])
        case 30...79: pause = random.one(of: seconds) * 1000 + random.one(of: [0, 0, -1, 1, random.number(-999...999)])
        case 80...89: pause = random.number(0...7_200_000)
        case 90...95: pause = random.number(0...90_000_000)
        case 96...97: pause = 86_400_000 + random.number(-61_000...61_000)
        case 98: pause = 604_800_000 + random.number(-901_000...901_000)
        default: pause = 2_592_000_000 + random.number(-901_000...901_000)
        }
        // Often move to the start of the second, minute or quarter hour.
        let unit = random.one(of: [1, 1, 1, 1000, 60_000, 900_000] as [Int64])
        return max(now, Moment(milliseconds: (anchor.milliseconds + pause) / unit * unit))
    }

    /// Advances to `moment` over the midnights in between.
    private mutating func pass(to moment: Moment) -> [StreamEvent] {
        var rollovers: [StreamEvent] = []
        while let next = sites.indices.min(by: { sites[$0].midnight < sites[$1].midnight }),
            sites[next].midnight <= moment
        {
            now = sites[next].midnight
            rollovers.append(midnight(next))
        }
        now = moment
        return rollovers
    }

    private mutating func midnight(_ place: Int) -> StreamEvent {
        let skipped: Int32 = random.percent(5) ? 1 : 0
        let day = LocalDay(number: sites[place].rollover.day.number + 1 + skipped)
        sites[place].formerSalt = sites[place].salt
        sites[place].salt += 1
        sites[place].saltSince = now
        sites[place].rollover = DayRollover(day: day, begins: now, salt: UInt32(sites[place].salt))
        sites[place].midnight = Moment(second: now.second + dayLength())
        return .record(.rollover(SiteIndex(place), sites[place].rollover))
    }

    /// The clock was more than a day ahead: time and midnights begin again.
    private mutating func restart() -> StreamEvent {
        now = Moment(milliseconds: now.milliseconds - random.number(86_400_001...400_000_000))
        earlier = []
        for place in sites.indices {
            sites[place].midnight = Moment(second: now.second + random.number(1...86_400))
        }
        return .record(.clock(.restart(at: now)))
    }
}

extension Frame {
    init(_ events: [StreamEvent]) {
        self.init()
        for event in events { append(event) }
    }

    /// Adds one event of a stream.
    mutating func append(_ event: StreamEvent) {
        switch event {
        case .record(let record): append(record)
        case .hit(let hit, let key, let former):
            append(
                Hit(
                    site: SiteIndex(hit.site), moment: hit.moment, kind: hit.kind, source: hit.source, isBot: hit.isBot,
                    visitor: key, previousVisitorKey: former, path: hit.path.span, origin: hit.origin,
                    referrer: hit.referrer.span))
        }
    }
}

extension NaiveCounter {
    /// Counts one event of a stream.
    mutating func apply(_ event: StreamEvent) {
        switch event {
        case .record(let record): apply(record)
        case .hit(let hit, _, _): count(hit)
        }
    }
}

extension NaiveCounter.Hit {
    /// A direct view of `/`.
    static func view(of site: Int, by person: Int, at moment: Moment) -> NaiveCounter.Hit {
        NaiveCounter.Hit(
            site: site, moment: moment, kind: .view, source: .beacon, isBot: false, person: person,
            path: Array("/".utf8), origin: .direct, referrer: [])
    }
}
