import Counting
import Ingest
import Testing
import Wire

/// What makes numbers doubtful is said, and is not said of a site that is as it should be.
@Suite("Warnings")
struct WarningTests {
    private static let agent = "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"

    @Test(
        "one address that stands for nearly everybody is noticed, whoever is behind it",
        arguments: [
            // Hits of one address among so many, and whether it is too much.
            (49, 49, false), (51, 51, true), (94, 100, true), (84, 100, false), (50, 100, false), (1, 100, false),
            (950, 1000, true), (2730, 3000, true),
        ])
    func proxy(same: Int, all: Int, isTold: Bool) {
        for isBrowser in [false, true] {
            var desk = Desk()
            // Spread over the others, and its visitors are many: the agents differ.
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

    @Test("a proxy that has learnt to say who is behind it is no longer warned of")
    func mended() {
        var desk = Desk()
        for i in 0..<500 { desk.beacon("u=/\(i)&i=198.51.100.1&a=b", at: "09:00") }
        #expect(desk.warnings == [.proxyCollapse])
        // What wavers about nine in ten does not come and go.
        for i in 0..<80 {
            desk.beacon("u=/\(i)&i=203.0.114.\(i)&a=b", at: "09:05")
            desk.beacon("u=/\(i)&i=198.51.100.1&a=b", at: "09:05")
        }
        #expect(desk.warnings == [.proxyCollapse])
        for i in 0..<100 { desk.beacon("u=/\(i)&i=203.0.\(i / 50).\(i % 50)&a=b", at: "09:10") }
        #expect(desk.warnings == [])
    }

    @Test("a newest view from this machine's own address is told, until one comes from elsewhere or gives none")
    func ownAddress() {
        for (i, address) in ["127.0.0.1", "127.9.9.9", "::1"].enumerated() {
            var desk = Desk()
            desk.beacon("u=/\(i)&i=\(address)&a=b", at: "09:00")
            #expect(desk.warnings == [.ownAddress], "\(address)")
            desk.beacon("u=/\(i)&\(i == 0 ? "v=member" : "i=203.0.113.7&a=b")", at: "09:01")
            #expect(desk.warnings == [], "\(address)")
        }
    }

    @Test("a sender that names visitors itself, and bots from one address, are no proxy")
    func named() {
        var desk = Desk()
        for i in 0..<100 { desk.beacon("u=/&v=member-\(i)", at: "09:00") }
        for i in 0..<100 { desk.beacon("u=/\(i)&i=198.51.100.1&a=curl/8", at: "09:00") }
        // Nor is somebody who leaves a page open.
        for i in 0..<100 { desk.beacon("n=ping&i=198.51.100.1&a=b", at: "09:\(i % 60)") }
        #expect(desk.warnings == [])
    }

    @Test("visitors whose views come from two sources are noticed, and not where the site says which source counts")
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
            // Two sources for two kinds of visitors are as it should be.
            for i in 0..<40 { visit(i, by: i % 2 == 0 ? [.beacon] : [.browser]) }
            #expect(desk.warnings == [])
            // A page that is counted twice: from the second visitor on it is known that there are two sources.
            for i in 50..<53 { visit(i, by: [.beacon, .browser]) }
            #expect(desk.warnings == (source == nil ? [.twoDoors] : []))
            // A day later it is mended, or nobody has come.
            desk.pass(to: "33:00")
            #expect(desk.warnings == [])
        }
    }

    @Test(
        "a site that used to be visited at this time and is not has fallen silent; nights and Sundays are not silence")
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
            // At the end of each morning, noon, evening and night, whether there was work or not.
            for hour in [19, 23, 31] {
                desk.pass(to: "\(24 * day + hour):30")
                #expect(desk.warnings == [], "day \(day), \(hour):30")
            }
        }
        // The third Monday nobody comes: at 8:00 they should.
        desk.pass(to: "\(24 * 14 + 8):40")
        #expect(desk.warnings == [])
        desk.pass(to: "\(24 * 14 + 12):00")
        #expect(desk.warnings == [.silence])
        desk.pass(to: "\(24 * 15 + 3):00")
        #expect(desk.warnings == [.silence], "it goes on over the night")
        desk.beacon("u=/&v=1", at: "\(24 * 15 + 3):10")
        #expect(desk.warnings == [])
    }

    @Test("a clock that was set is told of for an hour, or until time has caught up with it")
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
        // Moments go at half speed until the wall clock has come three hours further.
        desk.wait(minutes: 300)
        #expect(desk.warnings == [.clock])
        desk.wait(minutes: 120)
        #expect(desk.warnings == [])
    }

    @Test("a clock that was wrong by years leaves no warning behind but its own")
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

    @Test("while the daemon is down no site is silent")
    func down() {
        var desk = Desk()
        for day in 0..<8 {
            for minute in stride(from: 8 * 60, to: 12 * 60, by: 2) {
                desk.beacon("u=/&v=\(minute)", at: "\(24 * day + minute / 60):\(minute % 60)")
            }
        }
        // It ends at noon and is back at four; in the week before the site was busy until noon.
        desk.add(.down(desk.pipeline.now))
        desk.pass(to: "200:00")
        desk.add(.up(desk.pipeline.now))
        desk.pass(to: "200:30")
        #expect(desk.warnings == [])
        desk.pass(to: "203:00")
        #expect(desk.warnings == [.silence])
    }

    @Test("what the kernel had no room for is told of for an hour, also when a socket lives on")
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
