import Counting
import Testing
import Wire

/// The hit of a browser: the page says what it is, and the connection shows the visitor.
@Suite("Hits over HTTP")
struct BrowserTests {
    static let agent = "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"
    static let address = NetworkAddress.v4(0xc000_0201)

    @Test("a form is counted like the beacon of the same page, and both sources know the visitor")
    func sameVisitor() throws {
        var house = try CountingHouse()
        #expect(try house.send("s=demo&u=https://demo.example/tin%20tuc?a=1%23b&r=https://www.google.com/") == nil)
        try house.receive("f1 s=demo&u=/khac&i=192.0.2.1&a=\(Self.agent)")
        let site = house.engine.report().sites[0]
        #expect(site.online == 1 && site.totalViews == 2 && site.totalVisits == 1)
        let pages = house.engine.topPages(of: SiteIndex(0), rows: 10).rows
        #expect(pages.map { String(decoding: $0.key, as: UTF8.self) }.sorted() == ["/khac", "/tin tuc"])
        #expect(
            house.engine.topReferrers(of: SiteIndex(0), rows: 10).rows.contains {
                String(decoding: $0.key, as: UTF8.self) == "google.com"
            })
    }

    @Test("a browser is not trusted: it cannot name its visitor or another request")
    func beliefs() throws {
        var house = try CountingHouse()
        for claim in ["i=198.51.100.7", "v=somebody", "a=curl/8", "m=POST", "c=500", "t=1", "i=1&v=2&a=3&m=4&c=5"] {
            #expect(try house.send("s=demo&u=/&\(claim)") == nil, "\(claim)")
        }
        let site = house.engine.report().sites[0]
        #expect(site.online == 1 && site.totalViews == 7 && site.bots == 0)
    }

    @Test(
        "a hit without an agent, of a declared bot or of a prefetch is a bot, and no other hit is",
        arguments: [("", false), ("-", false), ("Googlebot/2.1", false), (agent, true)])
    func bots(agent: String, isPrefetch: Bool) throws {
        var house = try CountingHouse()
        #expect(try house.send("s=demo&u=/", agent: agent, isPrefetch: isPrefetch) == nil)
        #expect(house.outcome == [.bots: 1] && house.engine.report().sites[0].online == 0)
    }

    @Test(
        "a form that is not a hit is refused with its reason",
        arguments: [
            ("", .syntax), ("s=demo", .syntax), ("s=demo&n=view", .syntax), ("junk", .syntax),
            ("s=demo&u=/\ns=demo&u=/2", .syntax), ("u=/", .siteMissing), ("s=De%20mo&u=/", .siteMissing),
            ("s=nobody&u=/", .siteUnknown),
        ] as [(String, BeaconRejection)])
    func refused(form: String, reason: BeaconRejection) throws {
        var house = try CountingHouse()
        #expect(try house.send(form) == reason)
        #expect(house[reason.counter] == 1 && house[.records] == 1 && house.engine.report().sites[0].totalViews == 0)
    }

    @Test(
        "if a site names its hosts, only their pages count",
        arguments: [
            ("https://demo.example", nil), ("https://www.demo.example:8443", nil), ("http://DEMO.example/page", nil),
            ("https://evil.example", .origin), ("null", .origin), ("", .origin), ("https://demo.example.evil", .origin),
            ("https://demo.example@evil.example/", .origin),
        ] as [(String, BeaconRejection?)])
    func origins(page: String, reason: BeaconRejection?) throws {
        var house = try CountingHouse(hosts: ["demo.example"])
        #expect(try house.send("s=demo&u=/", page: page) == reason)
        #expect(house.outcome == [reason?.counter ?? .views: 1])
    }

    @Test(
        "a visitor has a burst of three seconds and then the rate, whatever the site, and is counted in what is refused"
    )
    func visitorRate() throws {
        var house = try CountingHouse(
            visitorPerSecond: 20, sitePerSecond: 10_000)
        for i in 0..<60 { #expect(try house.send("s=\(i % 2 == 0 ? "demo" : "other")&u=/") == nil) }
        #expect(try house.send("s=demo&u=/") == .rate)
        // Another visitor is not delayed.
        #expect(try house.send("s=demo&u=/", address: .v4(1)) == nil)
        house.moment = house.moment + 49
        #expect(try house.send("s=demo&u=/") == .rate)
        house.moment = house.moment + 1
        #expect(try house.send("s=demo&u=/") == nil)
        #expect(try house.send("s=demo&u=/") == .rate)
        #expect(house[.beaconsRate] == 3 && house[.views] == 62)
    }

    @Test("one IPv6 network has the bucket of one visitor")
    func networks() throws {
        var house = try CountingHouse(
            visitorPerSecond: 1, sitePerSecond: 10_000)
        for i in 0..<3 { #expect(try house.send("s=demo&u=/", address: .v6(7, UInt64(i))) == nil) }
        #expect(try house.send("s=demo&u=/", address: .v6(7, 99)) == .rate)
        #expect(try house.send("s=demo&u=/", address: .v6(8, 99)) == nil)
    }

    @Test("each site has a rate of its own")
    func siteRate() throws {
        var house = try CountingHouse(visitorPerSecond: 1000, sitePerSecond: 10)
        for i in 0..<30 { #expect(try house.send("s=demo&u=/", address: .v4(UInt32(i))) == nil) }
        #expect(try house.send("s=demo&u=/", address: .v4(99)) == .rate)
        #expect(try house.send("s=other&u=/", address: .v4(99)) == nil)
    }

    @Test(
        "an office behind one address: its open pages ping, its people read, and a flood from there is stopped")
    func office() throws {
        var house = try CountingHouse(visitorPerSecond: 20, sitePerSecond: 10_000)
        // 5,000 pages are opened in five minutes of the morning. Each pings once a minute from then on.
        for second in 0..<420 {
            house.moment = CountingHouse.noon + Int64(second) * 1000
            for i in 0..<17 where second < 300 {
                #expect(try house.send("s=demo&u=/\(i)", agent: "Mozilla/5.0 (\(second) \(i))") == nil)
            }
            for opened in stride(from: second - 60, through: 0, by: -60) where opened < 300 {
                for i in 0..<17 {
                    #expect(try house.send("s=demo&n=ping", agent: "Mozilla/5.0 (\(opened) \(i))") == nil)
                }
            }
        }
        #expect(house[.views] == 5100 && house[.beaconsRate] == 0 && house.engine.report().sites[0].online == 5100)
        // A flood from there is stopped: views of anybody, and pings of people who never viewed a page.
        for flood in ["u=/", "n=ping"] {
            let taken = try (0..<1000).count {
                try house.send("s=demo&\(flood)", agent: "Mozilla/5.0 (\(flood) \($0))") == nil
            }
            #expect(taken <= 60, "\(flood)")
        }
        #expect(try house.send("s=demo&n=ping", agent: "Mozilla/5.0 (299 0)") == nil)
    }

    @Test("if the site says so, visitors who do not want to be recognised are counted without a visitor")
    func signals() throws {
        for (anonymous, visitors) in [([], 3), ([.dnt], 2), ([.gpc], 2), ([.dnt, .gpc], 1)] as [([PrivacySignal], Int)]
        {
            var house = try CountingHouse(anonymous: anonymous)
            for (i, signals) in ([[], [.dnt], [.gpc]] as [Set<PrivacySignal>]).enumerated() {
                let address = NetworkAddress.v4(UInt32(i))
                #expect(try house.send("s=demo&u=/", address: address, signals: signals) == nil)
                #expect(try house.send("s=demo&n=ping", address: address, signals: signals) == nil)
            }
            #expect(house.outcome == [.views: 3, .pings: 3] && house.engine.trackedVisitors == visitors)
        }
    }

    @Test("a busy address stays limited among a hundred thousand others")
    func manyAddresses() throws {
        var house = try CountingHouse(
            visitorPerSecond: 1, sitePerSecond: 10_000_000)
        for _ in 0..<3 { #expect(try house.send("s=demo&u=/") == nil) }
        var refused = 0
        for i in 0..<100_000 {
            #expect(try house.send("s=demo&u=/", address: .v4(UInt32(i))) == nil)
            if i % 1000 == 0, try house.send("s=demo&u=/") == .rate { refused += 1 }
        }
        #expect(refused > 90)
    }
}

extension CountingHouse {
    /// A browser's hit. Returns why it was refused, if it was.
    mutating func send(
        _ form: String, address: NetworkAddress = BrowserTests.address, agent: String = BrowserTests.agent,
        page: String = "", isPrefetch: Bool = false, signals: Set<PrivacySignal> = []
    ) throws -> BeaconRejection? {
        let hit = BrowserHit(
            form: Array(form.utf8), address: address, agent: agent, page: page, isPrefetch: isPrefetch,
            signals: signals)
        var frame = Frame()
        var reason: BeaconRejection?
        do throws(BeaconRejection) {
            _ = try admission.admit(hit, at: moment, steady: moment.milliseconds, into: &frame)
        } catch {
            reason = error
        }
        try engine.apply(frame.span)
        if !isConserved { Issue.record("a record was lost or counted twice: \(form)") }
        return reason
    }
}
