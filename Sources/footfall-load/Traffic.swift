import Counting

/// The datagrams of a run and the numbers that they must give, both from the seed alone.
///
/// View k of a site is the one of visitor `(k mod N) · step + start mod N`, with a step that has no divisor in common
/// with N: every visitor comes once before any visitor comes again. In its round r, visitor v views page `(v + r) mod
/// 1000` of the thousand that belongs to `r / 1000`. So nobody views a page twice, and no view can be a duplicate,
/// however long a site's interval is. No table of who saw what is needed.
struct Traffic {
    /// What to send.
    struct Plan {
        var sites = ["demo"]
        /// Visitors of each site, at most `visitorsMax`.
        var visitors = 100_000
        /// Records in a datagram of views: exactly this many, or from one to this many.
        var records = 12
        var isRecordCountFixed = false
        /// Percent of the datagrams that are empty, and percent from `Oddity`.
        var empties = 0
        var oddities = 0
        /// Different seeds have different visitors, except those of `browsers`.
        var seed: UInt64 = 1
        var form = Form.known
    }

    /// How a view is written.
    enum Form {
        /// In every way that must give the same numbers.
        case known
        case browsers(Browsers)
        /// As metrics for a statsd: a counter, and a set of visitors.
        case statsd
    }

    /// As many as an IPv4 address can distinguish after its first octet.
    static let visitorsMax = 1 << 24
    /// Pages of a site, until every visitor has seen all of them.
    private static let pages = 1000

    let plan: Plan
    /// What a daemon that received everything so far must have counted.
    var truth: Truth
    var random: SplitMix
    /// Bytes before other fields, made once.
    let headers: [[UInt8]]
    private let idPrefix: [UInt8]
    let agent: [UInt8]
    private let escapedAgent: [UInt8]
    private let step: Int, start: Int

    init(_ plan: Plan) {
        self.plan = plan
        truth = Truth(sites: plan.sites.count)
        random = SplitMix(seed: plan.seed)
        let name = String(plan.seed, radix: 16)
        headers = plan.sites.map { Array("f1 s=\($0)".utf8) }
        idPrefix = Array("v=\(name)-".utf8)
        agent = Array("&a=Mozilla/5.0 (X11; \(name))".utf8)
        escapedAgent = Array("&a=Mozilla%2F5.0+(X11;+\(name))".utf8)
        var step = 1 + random.below(plan.visitors)
        while Self.divisor(step, plan.visitors) != 1 { step += 1 }
        self.step = step
        start = random.below(plan.visitors)
    }

    private static func divisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : divisor(b, a % b) }

    /// Appends the next datagram to a batch, and adds to the truth what it must give.
    mutating func append(to batch: inout Batch) {
        let site = plan.sites.count == 1 ? 0 : random.below(plan.sites.count)
        let kind = plan.empties + plan.oddities == 0 ? 100 : random.below(100)
        if kind < plan.empties {
            truth.reject(.empty)
        } else if kind < plan.empties + plan.oddities {
            append(Oddity.allCases[random.below(Oddity.allCases.count)], of: site, to: &batch.bytes)
        } else {
            appendViews(of: site, to: &batch.bytes)
        }
        let length = batch.close()
        truth.counters[.datagrams] += 1
        truth.counters[.bytes] += UInt64(length)
    }

    private mutating func appendViews(of site: Int, to bytes: inout [UInt8]) {
        if case .statsd = plan.form { return appendMetrics(of: site, to: &bytes) }
        let records = plan.isRecordCountFixed ? plan.records : 1 + random.below(plan.records)
        bytes.append(contentsOf: headers[site])
        // Half of the datagrams with several records begin with a header line.
        bytes.append(records > 1 && random.next() & 1 == 0 ? 0x0a : 0x26)
        for i in 0..<records {
            if i > 0 { bytes.append(0x0a) }
            appendView(of: site, to: &bytes)
        }
    }

    /// One record: the next view of a site.
    mutating func appendView(of site: Int, to bytes: inout [UInt8]) {
        let (round, place) = truth.sites[site].visitorViews.quotientAndRemainder(dividingBy: plan.visitors)
        let visitor = (place * step + start) % plan.visitors
        let page = round / Self.pages * Self.pages + (visitor + round) % Self.pages
        truth.counters[.records] += 1
        truth.counters[.views] += 1
        truth.sites[site].visitorViews += 1
        if case .browsers(let browsers) = plan.form {
            return browsers.append(visitor, page: page, using: &random, to: &bytes)
        }
        let isEscaped = random.next() & 7 == 0
        let isAddress = appendVisitor(visitor, isEscaped: isEscaped, to: &bytes)
        if isEscaped {
            bytes.append(text: "&u=/tin%2Dtuc/")
            bytes.append(decimal: page)
            bytes.append(text: "%3Fview=load")
        } else {
            bytes.append(text: "&u=/tin-tuc/")
            bytes.append(decimal: page)
        }
        if isAddress { bytes.append(contentsOf: isEscaped ? escapedAgent : agent) }
    }

    private mutating func appendMetrics(of site: Int, to bytes: inout [UInt8]) {
        bytes.append(text: "views:1|c\nvisitors:")
        bytes.append(decimal: truth.sites[site].visitorViews % plan.visitors)
        bytes.append(text: "|s\n")
        truth.counters[.records] += 1
        truth.sites[site].visitorViews += 1
    }

    /// A visitor has an id or an address, always the same one, which may be written in different ways. True if the
    /// agent belongs to it.
    mutating func appendVisitor(_ visitor: Int, isEscaped: Bool, to bytes: inout [UInt8]) -> Bool {
        switch visitor & 3 {
        case 0, 1:
            bytes.append(contentsOf: idPrefix)
            bytes.append(decimal: visitor)
            return false
        case 2:
            if isEscaped { bytes.append(text: "i=::ffff:10.") } else { bytes.append(text: "i=10.") }
            bytes.append(decimal: visitor >> 16 & 255)
            bytes.append(0x2e)
            bytes.append(decimal: visitor >> 8 & 255)
            bytes.append(0x2e)
            bytes.append(decimal: visitor & 255)
            return true
        default:
            // On a machine with privacy addresses, the lower half changes all the time.
            bytes.append(text: "i=2001:db8:")
            bytes.append(group: UInt16(truncatingIfNeeded: visitor >> 16))
            bytes.append(0x3a)
            bytes.append(group: UInt16(truncatingIfNeeded: visitor))
            var lower = random.next()
            for _ in 0..<4 {
                bytes.append(0x3a)
                bytes.append(group: UInt16(truncatingIfNeeded: lower))
                lower &>>= 16
            }
            return true
        }
    }
}

/// What must have been counted.
struct Truth {
    /// Of the whole daemon. Nothing is a duplicate or dropped.
    var counters = Counters()
    var sites: [Site]

    struct Site {
        /// Views with a visitor, and views without one.
        var visitorViews = 0, otherViews = 0
        var pings = 0, bots = 0
        /// Refused beacons of a known site.
        var rejected = 0

        var views: Int { visitorViews + otherViews }
    }

    init(sites count: Int) { sites = Array(repeating: Site(), count: count) }

    /// A datagram was refused as a whole.
    mutating func reject(_ reason: DatagramRejection) { counters[reason.counter] += 1 }

    /// A record was refused. `site` is the known site that it named.
    mutating func reject(_ reason: BeaconRejection, of site: Int? = nil) {
        counters[.records] += 1
        counters[reason.counter] += 1
        if let site { sites[site].rejected += 1 }
    }
}

extension SplitMix {
    /// A number from 0 to just below `bound`.
    @inline(__always)
    mutating func below(_ bound: Int) -> Int { Int(next().multipliedFullWidth(by: UInt64(bound)).high) }
}
