import Counting
import Ingest
import Testing

/// A worked example of the definitions: one visitor, what they do, and what is counted.
private struct Vector: CustomTestStringConvertible, Sendable {
    let name: String
    /// Fields of a beacon and the local clock time it arrives at.
    let beacons: [(fields: String, at: String)]
    let views: Int64
    let visits: Int64
    var bots: UInt64 = 0
    var testDescription: String { name }
}

/// Clock times from `first` to `last`, `seconds` apart.
private func every(_ seconds: Int, from first: String, to last: String) -> [String] {
    stride(from: Desk.milliseconds(first), through: Desk.milliseconds(last), by: seconds * 1000).map {
        "\($0 / 3_600_000):\($0 / 60_000 % 60):\($0 / 1000 % 60)"
    }
}

private func pages(_ times: [String]) -> [(fields: String, at: String)] { times.map { ("v=me&u=/\($0)", $0) } }
private let agent = "a=Mozilla/5.0+(compatible;+Googlebot/2.1)"

private let vectors = [
    Vector(
        name: "five pages from 09:50 to 10:20 are one visit, across the hour",
        beacons: pages(["09:50", "09:58", "10:05", "10:12", "10:20"]), views: 5, visits: 1),
    Vector(
        name: "one page reloaded ten times, 12 s apart, is ten views",
        beacons: every(12, from: "10:00", to: "10:01:48").map { ("v=me&u=/", $0) }, views: 10, visits: 1),
    Vector(
        name: "a page every ten minutes for two hours is one visit",
        beacons: pages(every(600, from: "09:00", to: "11:00")), views: 13, visits: 1),
    Vector(
        name: "a page every five minutes over midnight is one visit",
        beacons: pages(every(300, from: "23:50", to: "24:10")), views: 5, visits: 1),
    Vector(
        name: "a pause of exactly 30 minutes continues the visit",
        beacons: [("v=me&u=/", "09:00"), ("v=me&u=/", "09:30")], views: 2, visits: 1),
    Vector(
        name: "a pause of 30 minutes and a second begins another",
        beacons: [("v=me&u=/", "09:00"), ("v=me&u=/", "09:30:01")], views: 2, visits: 2),
    Vector(
        name: "pings prolong a visit",
        beacons: [("v=me&u=/", "09:00")] + every(60, from: "09:01", to: "09:40").map { ("v=me&n=ping", $0) }
            + [("v=me&u=/", "09:45")], views: 2, visits: 1),
    Vector(
        name: "a ping begins no visit, the first view after it does",
        beacons: [("v=me&n=ping", "09:00"), ("v=me&u=/", "09:10"), ("v=me&u=/", "09:20")], views: 2, visits: 1),
    Vector(name: "a single ping is neither", beacons: [("v=me&n=ping", "09:00")], views: 0, visits: 0),
    Vector(
        name: "a declared bot on 200 pages is 200 bot hits and nothing else",
        beacons: (0..<200).map { ("i=203.0.113.9&u=/\($0)&\(agent)", "09:00:00.\($0 % 1000)") }, views: 0, visits: 0,
        bots: 200),
    Vector(
        name: "the same page after 999 ms is a duplicate, after 1000 ms a view",
        beacons: [("v=me&u=/", "09:00:00.0"), ("v=me&u=/", "09:00:00.999"), ("v=me&u=/", "09:00:01.0")], views: 2,
        visits: 1),
    Vector(name: "a view without a visitor is a view and no visit", beacons: [("u=/", "09:00")], views: 1, visits: 0),
]

@Test("the worked examples hold in every zone", arguments: vectors, sevenZones)
private func workedVector(_ vector: Vector, zone: String) {
    var desk = Desk(zone)
    for (fields, at) in vector.beacons { desk.beacon(fields, at: at) }
    let site = desk.report()
    #expect(site.totalViews == vector.views)
    #expect(site.totalVisits == vector.visits)
    #expect(site.bots == vector.bots)
    let counters = desk.pipeline.engine.counters
    #expect(counters[.records] == counters[.views] + counters[.pings] + counters[.duplicates] + counters[.bots])
}

@Test("a visitor is online for 300 seconds after the last hit and not for one more", arguments: sevenZones)
func online(zone: String) {
    for hit in ["v=me&u=/", "v=me&n=ping"] {
        var desk = Desk(zone)
        desk.beacon(hit, at: "12:00:00.700")
        #expect(desk.report(at: "12:04:59.999").online == 1)
        #expect(desk.report(at: "12:05:00").online == 0)
        #expect(desk.online(within: 301) == 1)
        #expect(desk.report(at: "12:29:59").online == 0)
        #expect(desk.online(within: 1800) == 1)
        #expect(desk.report(at: "12:30:00").online == 0)
        #expect(desk.online(within: 1800) == 0)
    }
}

@Test("a bot is never online")
func botIsNotOnline() {
    var desk = Desk()
    desk.beacon("i=203.0.113.9&n=ping&\(agent)", at: "12:00")
    #expect(desk.report().online == 0)
    #expect(desk.report().bots == 1)
}

@Test("over midnight one visitor stays one visitor online, and is a unique visitor of both days", arguments: sevenZones)
func midnightVisitor(zone: String) {
    var desk = Desk(zone)
    for at in every(300, from: "23:50", to: "24:10") {
        desk.beacon("v=me&u=/", at: at)
        #expect(desk.report().online == 1)
    }
    let site = desk.report()
    #expect(site.yesterday.visitors == 1 && site.today.visitors == 1)
    // The visit belongs to the day on which it began.
    #expect(site.yesterday.visits == 1 && site.today.visits == 0)
    #expect(site.yesterday.views == 2 && site.today.views == 3)
    #expect(site.month.visitors == 2)
}

@Test(
    "a thousand people with a page a minute are a thousand online every second around midnight", arguments: sevenZones)
func midnightCrowd(zone: String) {
    var desk = Desk(zone, from: "23:50")
    for minute in 0..<20 {
        for person in 0..<1000 {
            let clock = "23:\(50 + minute):\(person * 60 / 1000).\(person)"
            desk.beacon("v=\(person)&u=/\(minute)", stamp: desk.midnight + Desk.milliseconds(clock))
            if minute > 0, person % 97 == 0 { #expect(desk.report().online == 1000) }
        }
    }
    let site = desk.report()
    #expect(site.totalVisits == 1000)
    #expect(site.peakToday.visitors == 1000 && site.peak.visitors == 1000)
}

@Test("a visit continues over midnight after a pause of up to 30 minutes, to the second", arguments: sevenZones)
func midnightGap(zone: String) {
    for (second, visits) in [("24:29:59", Int64(1)), ("24:30:00", 2)] {
        var desk = Desk(zone, from: "23:00")
        desk.beacon("i=203.0.113.9&a=Mozilla&u=/", at: "23:59:59")
        desk.beacon("i=203.0.113.9&a=Mozilla&u=/", at: second)
        #expect(desk.report().totalVisits == visits)
        #expect(desk.report().online == 1)
    }
}

@Test(
    "a reload within a second of midnight is a duplicate although the visitor's key has changed", arguments: sevenZones)
func midnightDuplicate(zone: String) {
    var desk = Desk(zone, from: "23:00")
    desk.beacon("v=me&u=/", at: "23:59:59.600")
    desk.beacon("v=me&u=/", at: "24:00:00.100")
    desk.beacon("v=me&u=/", at: "24:00:00.599")
    #expect(desk.report().totalViews == 1)
    desk.beacon("v=me&u=/", at: "24:00:00.600")
    #expect(desk.report().totalViews == 2)
}
