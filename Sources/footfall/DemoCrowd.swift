import Counting
import Zones

/// Invented people who come to two sites, read some pages and leave.
///
/// More of them by day than at night, other numbers on weekends, and a few days that everybody talks about. The same seed and
/// the same days give the same people.
struct DemoCrowd {
    /// A site that does not exist.
    struct Site {
        let name: String
        var host: String { name + ".example.vn" }
        /// The first are read most.
        let pages: [String]
        /// Part of all visitors, at the busiest hour.
        let share: Double
        /// How busy each hour of the day is.
        let hours: [Double]
        let weekend: Double
        /// How much busier some days are, by how many days ago they were; that they lie on a weekend does not matter then.
        let events: [Int: Double]
    }

    static let sites = [
        Site(
            name: "portal",
            pages: [
                "/", "/tin-tuc", "/thu-tuc", "/van-ban", "/tin-tuc/le-hoi", "/gioi-thieu", "/lien-he", "/hinh-anh",
                "/tin-tuc/thoi-tiet", "/thu-tuc/ho-khau", "/lich-tiep-dan", "/hoi-dap",
            ],
            share: 0.65,
            hours: [
                0.10, 0.06, 0.04, 0.04, 0.05, 0.10, 0.22, 0.45, 0.75, 0.95, 1.00, 0.90, 0.70, 0.75, 0.92, 0.98, 0.90,
                0.70,
                0.50, 0.48, 0.55, 0.50, 0.36, 0.20,
            ],
            weekend: 0.55, events: [23: 2.2, 22: 1.5, 61: 1.6]),
        Site(
            name: "shop",
            pages: [
                "/", "/ao-dai", "/gio-hang", "/non-la", "/tra", "/ca-phe", "/gom-su", "/thanh-toan", "/khuyen-mai",
                "/lien-he",
            ],
            share: 0.35,
            hours: [
                0.18, 0.10, 0.06, 0.04, 0.04, 0.06, 0.12, 0.22, 0.32, 0.42, 0.50, 0.58, 0.70, 0.55, 0.50, 0.52, 0.58,
                0.66,
                0.78, 0.92, 1.00, 0.95, 0.70, 0.40,
            ],
            weekend: 1.35, events: [57: 2.3, 56: 2.0, 55: 1.6, 9: 1.8]),
    ]

    /// Where people come from; most from nowhere in particular.
    static let referrers = [
        "", "", "", "google.com", "google.com", "facebook.com", "coccoc.com", "zalo.me",
    ]

    /// Somebody, or a bot, looks at a page.
    struct View {
        let site: Int
        /// Never 0; that of a bot is nobody's.
        let visitor: UInt64
        let page: Int
        /// Which of the referrers; nil within the site.
        let referrer: Int?
        var isBot = false
    }

    private struct Person {
        let site: Int
        let visitor: UInt64
        var pages: Int
        var isNew = true
    }

    /// Visitors who come in a minute of the busiest hour.
    var perMinute: Int
    private let today: Int32
    private var random: SplitMix
    /// Who looks at a page next, by the second in which it happens.
    private var due: [[Person]]
    private var now: [Person] = []
    private var arrived: UInt64 = 0
    private var arrivedBefore: UInt64 = 0
    private var day: Int32?
    private var mood: [Double] = []
    private var rates: [Double] = []

    /// Nobody yet; `today` is the local day from which events are counted back.
    init(perMinute: Int, today: Int32, seed: UInt64) {
        self.perMinute = perMinute
        self.today = today
        random = SplitMix(seed: seed)
        due = Array(repeating: [], count: Self.slots)
    }

    private static let slots = 64

    /// Adds what happens in one second of a local day. Seconds are given in their order.
    mutating func advance(to second: Int64, of day: Zone.Day, adding views: inout [View]) {
        if self.day != day.number { begin(day) }
        if rates.isEmpty || second % 60 == 0 { setRates(second, day) }
        let slot = Int(second) % Self.slots
        for site in Self.sites.indices {
            var count = Int(rates[site])
            if random.fraction() < rates[site] - Double(count) { count += 1 }
            for _ in 0..<count { due[slot].append(newcomer(to: site)) }
        }
        swap(&due[slot], &now)
        for person in now { look(person, slot, adding: &views) }
        now.removeAll(keepingCapacity: true)
        if random.next() % 20 == 0 {
            views.append(View(site: 0, visitor: 1, page: Int(random.next() % 8), referrer: nil, isBot: true))
        }
    }

    /// Sends everybody home.
    mutating func leave() {
        for i in due.indices { due[i].removeAll() }
    }

    private mutating func begin(_ day: Zone.Day) {
        self.day = day.number
        arrivedBefore = arrived
        mood = Self.sites.map { _ in 0.93 + 0.14 * random.fraction() }
        rates = []
    }

    /// Visitors a second, of each site.
    private mutating func setRates(_ second: Int64, _ day: Zone.Day) {
        let hour = min(Double(second - day.begins) / 3600, 23.99)
        let (ago, isWeekend) = (Int(today - day.number), [0, 6].contains((day.number + 4) % 7))
        rates = zip(Self.sites, mood).map { site, mood in
            let (this, next) = (site.hours[Int(hour)], site.hours[(Int(hour) + 1) % 24])
            let curve = this + (next - this) * (hour - hour.rounded(.down))
            let growth = 1 - 0.0024 * Double(ago)
            let special = site.events[ago] ?? (isWeekend ? site.weekend : 1)
            return Double(perMinute) / 60 * site.share * curve * growth * special * mood
        }
    }

    /// One in five was here before on this day.
    private mutating func newcomer(to site: Int) -> Person {
        let before = arrived - arrivedBefore
        var visitor = arrivedBefore + 1
        if before > 0, random.next() % 5 == 0 {
            visitor += random.next() % before
        } else {
            arrived += 1
            visitor = arrived
        }
        return Person(site: site, visitor: visitor, pages: 1 + Int(min(random.next() % 7, random.next() % 7)))
    }

    private mutating func look(_ person: Person, _ slot: Int, adding views: inout [View]) {
        var person = person
        let count = UInt64(Self.sites[person.site].pages.count)
        let page = Int(min(random.next() % count, random.next() % count, random.next() % count))
        let referrer = person.isNew ? Int(random.next() % UInt64(Self.referrers.count)) : nil
        views.append(View(site: person.site, visitor: person.visitor, page: page, referrer: referrer))
        person.pages -= 1
        person.isNew = false
        if person.pages > 0 { due[(slot + 5 + Int(random.next() % 56)) % Self.slots].append(person) }
    }
}

extension SplitMix {
    /// From 0 up to 1.
    fileprivate mutating func fraction() -> Double { Double(next() >> 11) * 0x1p-53 }
}
