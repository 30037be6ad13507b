import Foundation
import Testing
import Zones

/// The seven zones for every calendar test: whole, half and quarter hours, both hemispheres, a skipped day.
let sevenZones = [
    "Europe/Paris", "Australia/Lord_Howe", "Asia/Kolkata", "Asia/Kathmandu", "Asia/Ho_Chi_Minh", "America/New_York",
    "Pacific/Apia",
]

private func second(_ text: String) throws -> Int64 {
    Int64(try #require(ISO8601DateFormatter().date(from: text)).timeIntervalSince1970)
}

private func zone(_ name: String) throws -> Zone { try #require(Zone(named: name)) }

@Test(
    "a local day begins and ends by its zone",
    arguments: [
        ("Europe/Paris", "2026-03-29T12:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),  // 23 hours
        ("Europe/Paris", "2026-10-25T00:30:00Z", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),  // 25 hours
        ("Australia/Lord_Howe", "2026-04-05T00:00:00Z", "2026-04-04T13:00:00Z", "2026-04-05T13:30:00Z"),  // 24½
        ("Australia/Lord_Howe", "2026-10-04T00:00:00Z", "2026-10-03T13:30:00Z", "2026-10-04T13:00:00Z"),  // 23½
        ("Asia/Kolkata", "2026-11-23T07:45:12Z", "2026-11-22T18:30:00Z", "2026-11-23T18:30:00Z"),
        ("Asia/Kathmandu", "2026-11-23T07:45:12Z", "2026-11-22T18:15:00Z", "2026-11-23T18:15:00Z"),
        ("Asia/Ho_Chi_Minh", "2026-11-23T07:45:12Z", "2026-11-22T17:00:00Z", "2026-11-23T17:00:00Z"),
        ("America/New_York", "2026-03-08T12:00:00Z", "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z"),  // 23 hours
        ("America/New_York", "2026-11-01T12:00:00Z", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"),  // 25 hours
        ("Pacific/Apia", "2011-12-30T09:59:59Z", "2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z"),
        // The 30th is skipped.
        ("Pacific/Apia", "2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z"),
        // The clock went back over midnight: after 00:00 it was 23:01 again, and the new day had begun for good.
        ("America/St_Johns", "2008-11-02T02:45:00Z", "2008-11-02T02:30:00Z", "2008-11-03T03:30:00Z"),
    ])
func day(name: String, at: String, begins: String, ends: String) throws {
    let day = try zone(name).day(at: try second(at))
    #expect(day.begins == (try second(begins)))
    #expect(day.ends == (try second(ends)))
}

@Test("the skipped day of Apia has no length, and the calendar goes from the 29th to the 31st")
func skippedDay() throws {
    let apia = try zone("Pacific/Apia")
    let before = apia.day(at: try second("2011-12-30T09:59:59Z"))
    let after = apia.day(at: try second("2011-12-30T10:00:00Z"))
    #expect(after.number == before.number + 2)
}

@Test("days follow each other without a gap and agree with the calendar of the system", arguments: sevenZones)
func partition(name: String) throws {
    let zone = try zone(name)
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = try #require(TimeZone(identifier: name))
    // From 2005 on, over every clock change of that year and the skipped day, in steps that share no factor with a day.
    var at = try second("2005-01-01T00:00:00Z")
    while at < (try second("2031-01-01T00:00:00Z")) {
        let day = zone.day(at: at)
        #expect(day.begins <= at && at < day.ends)
        #expect(zone.day(at: day.begins) == day && zone.day(at: day.ends - 1) == day)
        let next = zone.day(at: day.ends)
        #expect(next.begins == day.ends && next.number > day.number)
        let date = calendar.dateComponents([.year, .month, .day], from: Date(timeIntervalSince1970: Double(at)))
        let utc = try #require(
            DateComponents(
                calendar: Calendar(identifier: .gregorian), timeZone: .gmt, year: date.year, month: date.month,
                day: date.day
            ).date)
        #expect(Int64(day.number) == Int64(utc.timeIntervalSince1970) / 86_400)
        at += 86_400 * 3 + 7_919
    }
}

@Test("a name that is not a zone is refused", arguments: ["", "Mars/Olympus", "Asia/Ho Chi Minh"])
func unknownZone(name: String) {
    #expect(Zone(named: name) == nil)
}
