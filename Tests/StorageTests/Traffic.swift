import Counting
import TestSupport

/// A random but repeatable stream of frames as a daemon would write them: visitors of several sites over many days,
/// with all other kinds of records in between, and times that go back only when the clock restarts.
struct Traffic {
    private(set) var now: Int64
    let limits: Limits
    private var random: SplitMix
    private var sites: [Site] = []
    private var isUp = false
    private let secret: UInt64
    private let paces: [Int]

    private struct Site {
        var settings: SiteSettings
        var rollover: DayRollover
        var formerSalt: UInt32 = 0
        var midnight: Int64
    }

    private static let day: Int64 = 86_400_000

    init(seed: UInt64) {
        random = SplitMix(seed: seed)
        secret = random.next()
        // A time in 2026.
        now = 1_767_225_600_000 + Int64(random.number(0...31_000_000)) * 1000
        var limits = Limits()
        limits.pages = random.one(of: [2, 8, 2000])
        limits.referrers = random.one(of: [1, 4, 500])
        limits.visitors = random.one(of: [4, 1000, 1000])
        limits.recentViews = random.one(of: [2, 1000, 1000])
        self.limits = limits
        // Milliseconds between events: from a crowd to a few hits an hour.
        paces = random.one(of: [
            [0, 300, 1000, 20_000], [1000, 60_000, 900_000], [500, 1_799_000, 1_801_000, 9_000_000],
        ])
    }

    /// The next batch.
    mutating func nextFrame() -> Frame {
        var frame = Frame()
        if sites.isEmpty { addSite(to: &frame) }
        for _ in 0..<random.one(of: [1, 1, 2, 5, 20]) { addEvent(to: &frame) }
        return frame
    }

    /// A moment to which time may advance before anything needs a record.
    mutating func pause() -> Moment {
        let midnight = sites.map(\.midnight).min() ?? now + 1
        now = max(now, min(midnight - 1, now + Int64(random.one(of: [0, 1000, 400_000, 2_000_000]))))
        return Moment(milliseconds: now)
    }

    private mutating func addEvent(to frame: inout Frame) {
        pass(to: now + Int64(random.one(of: paces)) + Int64(random.number(0...3)), telling: &frame)
        switch random.number(0...199) {
        case 0...3: addSite(to: &frame)
        case 4...7: change(in: &frame)
        case 8...11:
            let back = Int32(random.one(of: [0, 0, 1, 3, 40]))
            let (site, rollover) = (anySite(), Moment(milliseconds: now))
            let day = LocalDay(number: sites[site.number].rollover.day.number - back)
            frame.append(
                .correction(
                    site, day, visits: Int64(random.number(-9...9)), views: Int64(random.number(-9...9)),
                    AuditNote(by: "anna", note: "số", at: rollover)))
        case 12...13:
            frame.append(
                .baseline(
                    anySite(), visits: Int64(random.number(0...9999)), views: Int64(random.number(0...9999)),
                    AuditNote(by: "minh", note: "old counter", at: Moment(milliseconds: now))))
        case 14...19: frame.append(.counter(random.one(of: [.datagrams, .records, .beaconsSyntax]), 7))
        case 20...22: frame.append(.rejected(anySite(), 3))
        case 23...24:
            frame.append(.kernelDrops(cookie: UInt64(random.number(1...3)), total: UInt32(random.number(0...999))))
        case 25: frame.append(.clock(.stepBack(milliseconds: 700)))
        case 26: frame.append(.clock(.leapForward(milliseconds: 9000)))
        case 27: restart(in: &frame)
        case 28...29:
            frame.append(isUp ? .down(Moment(milliseconds: now)) : .up(Moment(milliseconds: now)))
            isUp.toggle()
        default: addHit(to: &frame)
        }
    }

    private mutating func anySite() -> SiteIndex { SiteIndex(random.number(0...sites.count - 1)) }

    private mutating func addHit(to frame: inout Frame) {
        let index = anySite()
        let site = sites[index.number]
        let person = random.percent(5) ? 0 : random.number(1...15)
        let isCarriedOver = now < site.rollover.begins.milliseconds + 1_800_000 && site.formerSalt != 0
        let path = Array("/trang/\(random.number(0...11))".utf8)
        let host = Array("host\(random.number(0...5)).example".utf8)
        let origin = random.one(of: [Hit.Origin.direct, .internal, .host])
        let none: [UInt8] = []
        frame.append(
            Hit(
                site: index, moment: Moment(milliseconds: now), kind: random.percent(20) ? .ping : .view,
                source: random.one(of: [.beacon, .beacon, .browser]), isBot: random.percent(5),
                visitor: key(person, index, site.rollover.salt),
                previousVisitorKey: isCarriedOver ? key(person, index, site.formerSalt) : 0, path: path.span,
                origin: origin, referrer: origin == .host ? host.span : none.span))
    }

    private func key(_ person: Int, _ site: SiteIndex, _ salt: UInt32) -> UInt64 {
        guard person != 0 else { return 0 }
        var mix = SplitMix(seed: secret ^ UInt64(person) << 48 ^ UInt64(site.number) << 32 ^ UInt64(salt))
        return mix.next() | 1
    }

    // MARK: Sites and days

    private mutating func addSite(to frame: inout Frame) {
        guard sites.count < 5 else { return }
        let settings = SiteSettings(
            name: "site-\(sites.count)", timezone: random.one(of: ["UTC", "Europe/Paris"]),
            onlineWindowSeconds: random.one(of: [60, 300, 1800]),
            duplicateMilliseconds: random.one(of: [0, 1000, 10_000]))
        let midnight = now + Int64(random.number(1...86_400)) * 1000
        let rollover = DayRollover(
            day: LocalDay(number: Int32(now / Self.day)), begins: Moment(milliseconds: midnight - Self.day), salt: 1)
        let index = SiteIndex(sites.count)
        sites.append(Site(settings: settings, rollover: rollover, midnight: midnight))
        frame.append(.site(index, settings, rollover, at: Moment(milliseconds: now)))
    }

    private mutating func change(in frame: inout Frame) {
        let index = anySite()
        sites[index.number].settings.onlineWindowSeconds = random.one(of: [60, 300, 900])
        sites[index.number].settings.totalOf = random.one(of: [.visits, .views])
        sites[index.number].settings.viewsFrom = random.one(of: [nil, nil, .beacon])
        let site = sites[index.number]
        frame.append(.site(index, site.settings, site.rollover, at: Moment(milliseconds: now)))
    }

    /// Advances over the midnights in between.
    private mutating func pass(to moment: Int64, telling frame: inout Frame) {
        while let next = sites.indices.min(by: { sites[$0].midnight < sites[$1].midnight }),
            sites[next].midnight <= moment
        {
            now = sites[next].midnight
            let day = LocalDay(number: sites[next].rollover.day.number + 1)
            sites[next].formerSalt = sites[next].rollover.salt
            sites[next].rollover = DayRollover(
                day: day, begins: Moment(milliseconds: now), salt: sites[next].rollover.salt + 1)
            sites[next].midnight = now + Self.day
            frame.append(.rollover(SiteIndex(next), sites[next].rollover))
        }
        now = moment
    }

    /// The clock had been days ahead: time and days begin again, and some days are closed a second time.
    private mutating func restart(in frame: inout Frame) {
        now -= Int64(random.number(86_400_001...200_000_000))
        frame.append(.clock(.restart(at: Moment(milliseconds: now))))
        for i in sites.indices {
            let days = (sites[i].rollover.begins.milliseconds - now + Self.day - 1) / Self.day
            guard days > 0 else { continue }
            let begins = Moment(milliseconds: sites[i].rollover.begins.milliseconds - days * Self.day)
            sites[i].rollover = DayRollover(
                day: LocalDay(number: sites[i].rollover.day.number - Int32(days)), begins: begins,
                salt: sites[i].rollover.salt + 1)
            sites[i].midnight = begins.milliseconds + Self.day
            frame.append(.rollover(SiteIndex(i), sites[i].rollover))
        }
    }
}
