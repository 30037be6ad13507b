import Counting
import Testing
import Wire

/// Beacons in, numbers out: an admission with two sites and the engine behind it, as in the daemon.
///
/// The sites are `demo` and `other`. Their views are never duplicates, so every admitted view is counted.
struct CountingHouse {
    var admission: Admission
    var engine: Engine
    var moment = CountingHouse.noon
    private let sites: [SiteIndex]

    static let noon = Moment(second: 20_780 * 86_400 + 43_200)
    static let seed = HashSeed(1, 2)

    init(
        hosts: [String] = [], keepQuery: [String] = [], trusted: [String] = ["127.0.0.0/8", "::1/128"],
        assets: [String] = ["css", "js", "png", "woff2"], logSite: String = "", visitorPerSecond: Int = 1_000_000,
        sitePerSecond: Int = 1_000_000, anonymous: [PrivacySignal] = [], bots: [String] = [],
        spam: [String] = [], salt: Salt? = nil
    ) throws {
        var directory = SiteDirectory(seed: Self.seed)
        var engine = Engine(seed: Self.seed, at: Self.noon)
        var random = SplitMix(seed: 7)
        var frame = Frame()
        var sites: [SiteIndex] = []
        for name in ["demo", "other"] {
            let settings = SiteSettings(name: name, duplicateMilliseconds: 0)
            var profile = SiteProfile(settings, hosts: hosts, keepQuery: keepQuery)
            profile.anonymous = anonymous
            if name == "demo" {
                profile.bots = bots
                profile.spam = spam
            }
            let site = directory.add(
                profile, today: Self.day(20_780),
                salt: salt ?? Salt(number: 1, using: &random))
            let today = Self.day(20_780)
            frame.append(
                .site(site, settings, DayRollover(day: today.day, begins: today.begins, salt: 1), at: Self.noon))
            sites.append(site)
        }
        try engine.apply(frame.span)
        self.engine = engine
        self.sites = sites
        admission = Admission(
            sites: directory,
            rules: Admission.Rules(
                trusted: try #require(Networks(trusted)), assets: assets, logSite: logSite,
                visitorPerSecond: visitorPerSecond, sitePerSecond: sitePerSecond), seed: Self.seed)
    }

    static func day(_ number: Int32) -> DaySpan {
        let begins = Moment(second: Int64(number) * 86_400)
        return DaySpan(day: LocalDay(number: number), begins: begins, ends: begins + 86_400_000)
    }

    /// Admits one datagram and counts its hits.
    mutating func receive(
        _ datagram: [UInt8], from sender: Admission.Sender = .ourselves, isTruncated: Bool = false,
        stamp: Int64? = nil
    ) throws {
        var frame = Frame()
        let arrival = Admission.Arrival(
            from: sender, isTruncated: isTruncated, stamp: stamp ?? moment.milliseconds, at: moment)
        admission.admit(datagram.span, arrival, against: engine.signatures, into: &frame)
        try engine.apply(frame.span)
        admission.forgetPendingSignatures()
        if !isConserved { Issue.record("a record was lost or counted twice: \(quoted(datagram))") }
    }

    mutating func receive(_ datagram: String, from sender: Admission.Sender = .ourselves) throws {
        try receive(Array(datagram.utf8), from: sender)
    }

    /// The count of a counter, in admission and engine together.
    subscript(counter: Counter) -> UInt64 { admission.counts[counter] + engine.counters[counter] }

    /// All counts except datagrams and bytes. Counters that are missing here are zero.
    var outcome: [Counter: UInt64] {
        var outcome: [Counter: UInt64] = [:]
        for counter in Counter.allCases where ![.datagrams, .bytes, .parsedDatagrams, .records].contains(counter) {
            if self[counter] > 0 { outcome[counter] = self[counter] }
        }
        return outcome
    }

    /// Nothing is lost and nothing is counted twice: the first rule that must hold exactly.
    var isConserved: Bool {
        let refused = DatagramRejection.allCases.reduce(0) { $0 + self[$1.counter] }
        let rejected = BeaconRejection.allCases.reduce(0) { $0 + self[$1.counter] }
        return self[.datagrams] == self[.parsedDatagrams] + refused
            && self[.records] == self[.views] + self[.pings] + self[.duplicates] + self[.bots] + rejected
    }

    /// Views by page of `demo`, or of the site with this number.
    func pages(of site: Int = 0) -> [String: UInt64] { Self.table(engine.topPages(of: sites[site], rows: 10_000)) }
    /// Views by referrer.
    func referrers(of site: Int = 0) -> [String: UInt64] {
        Self.table(engine.topReferrers(of: sites[site], rows: 10_000))
    }

    private static func table(_ top: Top) -> [String: UInt64] {
        Dictionary(uniqueKeysWithValues: top.rows.map { (String(decoding: $0.key, as: UTF8.self), $0.views) })
    }
}

/// The counts of one datagram on its own.
func outcome(of datagram: String, from sender: Admission.Sender = .ourselves) throws -> [Counter: UInt64] {
    var house = try CountingHouse()
    try house.receive(datagram, from: sender)
    return house.outcome
}

/// The value as every standard library writes it into a form.
func form(_ value: some Sequence<UInt8>) -> String {
    value.reduce(into: "") { text, byte in
        switch byte {
        case 0x20: text += "+"
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f: text.unicodeScalars.append(Unicode.Scalar(byte))
        default: text += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
        }
    }
}
func form(_ value: String) -> String { form(value.utf8) }

/// Bytes for a failure message.
func quoted(_ bytes: some Sequence<UInt8>) -> String {
    bytes.reduce(into: "") { text, byte in
        text += Unicode.Scalar(byte).escaped(asASCII: true)
    }
}
