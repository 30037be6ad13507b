import Counting
import Ingest
import Testing
import Wire

/// A warning says what makes numbers doubtful, and a normal site has none.
@Suite("Warnings")
struct WarningTests {
    private static let agent = "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"

    @Test(
        "one address that stands for nearly everybody is noticed, whatever is behind it",
        arguments: [
            // Hits of one address among all hits, and whether they are too many.
            (49, 49, false), (51, 51, true), (94, 100, true), (84, 100, false), (50, 100, false), (1, 100, false),
            (950, 1000, true), (2730, 3000, true),
        ])
    func proxy(same: Int, all: Int, isTold: Bool) {
        for isBrowser in [false, true] {
            var desk = Desk()
            // Spread over the others. The address has many visitors: the agents differ.
            for i in 0..<all {
                let isSame = (i + 1) * same / all > i * same / all
                let address = isSame ? NetworkAddress.v4(0xc633_6401) : .v4(0xc000_0000 + UInt32(i))
                if isBrowser {
                    desk.hit("s=demo&u=/\(i)", from: address, agent: "\(Self.agent) \(i % 7)", at: "09:00")
                } else {
                    desk.beacon("u=/\(i)&i=\(address.text)&a=Mozilla/5.0+\(i % 7)", at: "09:00")
                }
            }
            #expect(desk.warnings.contains(.proxyCollapse) == isTold, "\(isBrowser)")
        }
    }

    @Test("there is no warning any more when a proxy names its clients")
    func mended() {
        var desk = Desk()
        for i in 0..<500 { desk.beacon("u=/\(i)&i=198.51.100.1&a=b", at: "09:00") }
        #expect(desk.warnings == [.proxyCollapse])
        // A share that varies around nine in ten does not switch the warning on and off.
        for i in 0..<80 {
            desk.beacon("u=/\(i)&i=203.0.114.\(i)&a=b", at: "09:05")
            desk.beacon("u=/\(i)&i=198.51.100.1&a=b", at: "09:05")
        }
        #expect(desk.warnings == [.proxyCollapse])
        for i in 0..<100 { desk.beacon("u=/\(i)&i=203.0.\(i / 50).\(i % 50)&a=b", at: "09:10") }
        #expect(desk.warnings == [])
    }

    @Test("a newest view from this machine's own address is reported, until one from elsewhere or without address")
    func ownAddress() {
        for (i, address) in ["127.0.0.1", "127.9.9.9", "::1"].enumerated() {
            var desk = Desk()
            desk.beacon("u=/\(i)&i=\(address)&a=b", at: "09:00")
            #expect(desk.warnings == [.ownAddress], "\(address)")
            desk.beacon("u=/\(i)&\(i == 0 ? "v=member" : "i=203.0.113.7&a=b")", at: "09:01")
            #expect(desk.warnings == [], "\(address)")
        }
    }

    @Test("a sender that names visitors itself, and bots from one address, are not a proxy")
    func named() {
        var desk = Desk()
        for i in 0..<100 { desk.beacon("u=/&v=member-\(i)", at: "09:00") }
        for i in 0..<100 { desk.beacon("u=/\(i)&i=198.51.100.1&a=curl/8", at: "09:00") }
        // Nor is somebody who leaves a page open.
        for i in 0..<100 { desk.beacon("n=ping&i=198.51.100.1&a=b", at: "09:\(i % 60)") }
        #expect(desk.warnings == [])
    }

    @Test("visitors with views from two sources are noticed, unless the site sets which source counts")
    func twoDoors() {
        for source in [nil, HitSource.beacon] {
            var desk = Desk(settings: SiteSettings(name: "demo", viewsFrom: source))
            func visit(_ i: Int, by sources: Set<HitSource>) {
                let address = NetworkAddress.v4(0xc000_0200 + UInt32(i))
                if sources.contains(.beacon) {
                    desk.beacon("u=/&i=\(address.text)&a=\(Self.agent.replacing(" ", with: "+"))", at: "09:00")
                }
                if sources.contains(.browser) { desk.hit("s=demo&u=/", from: address, agent: Self.agent, at: "09:00") }
            }
            // Two sources for two kinds of visitors are normal.
            for i in 0..<40 { visit(i, by: i % 2 == 0 ? [.beacon] : [.browser]) }
            #expect(desk.warnings == [])
            // A page that is counted twice. From the second visitor on, there are two sources.
            for i in 50..<53 { visit(i, by: [.beacon, .browser]) }
            #expect(desk.warnings == (source == nil ? [.twoDoors] : []))
            // A day later it is fixed, or nobody has come.
            desk.pass(to: "33:00")
            #expect(desk.warnings == [])
        }
    }

    @Test(
        "a site without its usual visitors at this time is silent; nights and Sundays are not silence")
    func silence() {
        var desk = Desk()
        // An office: from eight to five, five days a week, beginning on a Monday.
        func work(_ day: Int) {
            for minute in stride(from: 8 * 60, to: 17 * 60, by: 2) {
                desk.beacon("u=/\(minute)&v=\(minute % 40)", at: "\(24 * day + minute / 60):\(minute % 60)")
            }
        }
        for day in 0..<14 {
            if day % 7 < 5 { work(day) }
            // After each morning, noon, evening and night, with or without work.
            for hour in [19, 23, 31] {
                desk.pass(to: "\(24 * day + hour):30")
                #expect(desk.warnings == [], "day \(day), \(hour):30")
            }
        }
        // On the third Monday nobody comes. At 8:00 they should.
        desk.pass(to: "\(24 * 14 + 8):40")
        #expect(desk.warnings == [])
        desk.pass(to: "\(24 * 14 + 12):00")
        #expect(desk.warnings == [.silence])
        desk.pass(to: "\(24 * 15 + 3):00")
        #expect(desk.warnings == [.silence], "it continues over the night")
        desk.beacon("u=/&v=1", at: "\(24 * 15 + 3):10")
        #expect(desk.warnings == [])
    }

    @Test("a set clock is reported for an hour, or until time has caught up with it")
    func clock() {
        var desk = Desk(from: "09:00")
        desk.pass(to: "09:01")
        #expect(desk.warnings == [])
        for hours in [1, 3, 50] as [Int64] {
            desk.step(by: hours * 3_600_000)
            desk.pass()
            #expect(desk.warnings == [.clock], "\(hours)")
            desk.wait(minutes: 61)
            #expect(desk.warnings == [], "\(hours)")
        }
        desk.step(by: -3 * 3_600_000)
        #expect(desk.warnings == [.clock])
        // Moments run at half speed until the wall clock has advanced three more hours.
        desk.wait(minutes: 300)
        #expect(desk.warnings == [.clock])
        desk.wait(minutes: 120)
        #expect(desk.warnings == [])
    }

    @Test("a clock that was wrong by years leaves only its own warning")
    func wrongByYears() {
        var desk = Desk(from: "24000:00")
        desk.drops(cookie: 7, total: 3)
        for i in 0..<3 {
            let address = NetworkAddress.v4(0xc000_0200 + UInt32(i))
            desk.beacon("u=/&i=\(address.text)&a=\(Self.agent.replacing(" ", with: "+"))", at: "24000:01")
            desk.hit("s=demo&u=/", from: address, agent: Self.agent, at: "24000:01")
        }
        #expect(Set(desk.warnings) == [.twoDoors, .kernelDrops])
        desk.step(by: -24_000 * 3_600_000)
        desk.pass()
        #expect(desk.warnings == [.clock])
        desk.wait(minutes: 61)
        #expect(desk.warnings == [])
    }

    @Test("no site is silent while the daemon is down")
    func down() {
        var desk = Desk()
        for day in 0..<8 {
            for minute in stride(from: 8 * 60, to: 12 * 60, by: 2) {
                desk.beacon("u=/&v=\(minute)", at: "\(24 * day + minute / 60):\(minute % 60)")
            }
        }
        // The daemon stops at noon and is back at four. In the week before, the site was busy until noon.
        desk.add(.down(desk.pipeline.now))
        desk.pass(to: "200:00")
        desk.add(.up(desk.pipeline.now))
        desk.pass(to: "200:30")
        #expect(desk.warnings == [])
        desk.pass(to: "203:00")
        #expect(desk.warnings == [.silence])
    }

    @Test("datagrams dropped by the kernel are reported for an hour, also with an inherited socket")
    func drops() {
        var desk = Desk(from: "09:00")
        desk.drops(cookie: 7, total: 3)
        #expect(desk.warnings == [.kernelDrops])
        desk.pass(to: "10:01")
        desk.drops(cookie: 7, total: 3)
        #expect(desk.warnings == [])
    }
}

extension NetworkAddress {
    fileprivate var text: String {
        guard case .v4(let bits) = self else { return "::1" }
        return [24, 16, 8, 0].map { "\(bits >> $0 & 255)" }.joined(separator: ".")
    }
}
