import Counting
import Settings
import Storage
import Zones

/// Three invented months for `footfall demo`, counted hit by hit, so that every number agrees with every other.
struct DemoPast {
    private static let days: Int64 = 92

    private var engine: Engine
    private var frame = Frame()
    private var views: [DemoCrowd.View] = []
    private var hits: UInt64 = 0
    private let pages = DemoCrowd.sites.map { $0.pages.map { Array($0.utf8) } }
    private let referrers = DemoCrowd.referrers.map { Array($0.utf8) }

    /// Makes a state in the directory `path`, in which the crowd has come and gone up to the second `now`.
    static func write(to path: String, _ crowd: inout DemoCrowd, in zone: Zone, named name: String, now: Int64) throws {
        let days = zone.days(from: now - Self.days * 86_400, to: now)
        let begin = Moment(second: days[0].begins)
        let directory = try StateDirectory(path)
        let recovery = try directory.recover(limits: Limits(), seed: HashSeed(0, 0), now: begin)
        let (_, checkpointer) = directory.begin(recovery, Settings(environment: [:]).journal) { say("\($0)") }

        var past = DemoPast(engine: recovery.engine)
        for (i, site) in DemoCrowd.sites.enumerated() {
            let settings = SiteSettings(name: site.name, timezone: name)
            past.frame.append(.site(SiteIndex(i), settings, rollover(of: i, to: days[0]), at: begin))
        }
        past.frame.append(.up(begin))
        for day in days {
            for i in DemoCrowd.sites.indices { past.frame.append(.rollover(SiteIndex(i), rollover(of: i, to: day))) }
            for second in day.begins..<min(day.ends, now) { try past.count(second, of: day, &crowd) }
        }
        for counter in [Counter.datagrams, .parsedDatagrams, .records] {
            past.frame.append(.counter(counter, past.hits))
        }
        past.frame.append(.down(Moment(second: now)))
        try past.apply()

        // The daemon wants a secret for the day that runs, though nobody of these was hashed with it.
        var random = SystemRandomNumberGenerator()
        let salts = DemoCrowd.sites.indices.map { site in
            StoredSalt(
                number: salt(of: site), site: SiteIndex(site), bytes: (0..<32).map { _ in random.next() })
        }
        try checkpointer.storeNow(salts)
        try checkpointer.stop(
            Checkpointer.Request(
                past.engine.capture(), sequence: recovery.sequence, hits: recovery.hits,
                saltsKept: Set(salts.map(\.number)), saltsThrough: UInt32(salts.count)))
    }

    private init(engine: Engine) { self.engine = engine }

    private static func salt(of site: Int) -> UInt32 { UInt32(site + 1) }

    private static func rollover(of site: Int, to day: Zone.Day) -> DayRollover {
        DayRollover(day: LocalDay(number: day.number), begins: Moment(second: day.begins), salt: salt(of: site))
    }

    private mutating func count(_ second: Int64, of day: Zone.Day, _ crowd: inout DemoCrowd) throws {
        views.removeAll(keepingCapacity: true)
        crowd.advance(to: second, of: day, adding: &views)
        for (i, view) in views.enumerated() {
            let path = pages[view.site][view.page]
            let referrer = referrers[view.referrer ?? 0]
            let origin: Counting.Hit.Origin = view.referrer == nil ? .internal : referrer.isEmpty ? .direct : .host
            frame.append(
                Counting.Hit(
                    site: SiteIndex(view.site), moment: Moment(milliseconds: second * 1000 + Int64(i % 1000)),
                    kind: .view,
                    source: .beacon, isBot: view.isBot, visitor: Self.key(of: view.visitor), previousVisitorKey: 0,
                    path: path.span, origin: origin, referrer: referrer.span))
        }
        hits += UInt64(views.count)
        if frame.hits > 500 { try apply() }
    }

    /// Like the hash that it stands for, and never 0.
    private static func key(of visitor: UInt64) -> UInt64 {
        var random = SplitMix(seed: visitor)
        return random.next() | 1
    }

    private mutating func apply() throws {
        let records = frame.bytes
        try engine.apply(records.span)
        frame.removeAll()
    }
}
