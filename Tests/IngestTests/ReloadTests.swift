import Counting
import Ingest
import Testing
import Wire

/// Other settings while the daemon runs.
@Suite("Other settings")
struct ReloadTests {
    private static func sites(_ names: String...) -> [SiteProfile] { names.map { SiteProfile(SiteSettings(name: $0)) } }

    @Test("a new site is counted from then on, a removed one no more, and one that returns continues")
    func sites() {
        var desk = Desk()
        desk.beacon("u=/&v=1", at: "09:00")
        #expect(desk.reload(Self.sites("demo", "shop")) == .done)
        desk.receive(site: "shop", "u=/&v=1", at: "09:01")
        #expect(desk.reload(Self.sites("shop")) == .done)
        desk.beacon("u=/&v=2", at: "09:02")
        #expect(desk.pipeline.engine.counters[.beaconsSiteUnknown] == 1)
        #expect(desk.reload(Self.sites("shop", "demo")) == .done)
        desk.beacon("u=/2&v=1", at: "09:03")
        let sites = desk.sites()
        #expect(sites.map(\.name) == ["demo", "shop"])
        // The visitor of nine o'clock is still in the same visit.
        #expect(sites[0].totalViews == 2 && sites[0].totalVisits == 1 && sites[0].online == 1)
        #expect(sites[1].totalViews == 1)
    }

    @Test("unchanged settings write nothing, and changed ones are a record in the journal")
    func records() {
        var desk = Desk()
        desk.beacon("u=/&v=1", at: "09:00")
        let before = desk.snapshot()
        #expect(desk.reload(Self.sites("demo")) == .done)
        #expect(desk.snapshot() == before)
        let other = SiteProfile(SiteSettings(name: "demo", onlineWindowSeconds: 60))
        #expect(desk.reload([other]) == .done && desk.snapshot() != before)
        desk.pass(to: "09:01")
        #expect(desk.report().online == 0)
    }

    @Test("the trusted networks change at once")
    func trusted() throws {
        var desk = Desk()
        let elsewhere = Admission.Sender.address(.v4(0xc000_0201))
        desk.receive("u=/&v=1", from: elsewhere, at: "09:00")
        #expect(desk.pipeline.engine.counters[.datagramsUntrusted] == 1)
        #expect(desk.reload(Self.sites("demo"), trusted: try #require(Networks(["192.0.2.0/24"]))) == .done)
        desk.receive("u=/&v=1", from: elsewhere, at: "09:01")
        #expect(desk.report().totalViews == 1)
    }

    @Test("too many sites are refused, and nothing is changed")
    func tooMany() {
        var limits = Limits()
        limits.sites = 2
        var desk = Desk(limits: limits)
        #expect(desk.reload(Self.sites("shop", "other")) == .tooMany)
        desk.beacon("u=/&v=1", at: "09:00")
        #expect(desk.report().totalViews == 1)
        #expect(desk.reload(Self.sites("shop")) == .done)
    }

    @Test(
        "after the clock was set back by days, a page's hit counts as before, and buckets fill with real time"
    )
    func buckets() {
        var desk = Desk(from: "240:00")
        func send(_ count: Int) -> Int {
            (0..<count).count { _ in
                desk.hit("s=demo&u=/", from: .v4(0xc000_0201), agent: "Mozilla/5.0") == nil
            }
        }
        // Twenty a second, and three seconds' worth at once.
        #expect(desk.reload(Self.sites("demo"), visitorPerSecond: 20) == .done)
        #expect(send(100) == 60)
        for step in [-240 * 3_600_000, 3_600_000, -3_600_000] as [Int64] {
            desk.step(by: step)
            #expect(send(10) == 0, "\(step)")
            desk.wait(minutes: 1)
            #expect(send(100) == 60, "\(step)")
        }
    }
}
