import Counting
import Foundation
import History
import Testing

/// What is done with the days of another counter.
@Suite("Imports")
struct DayImportTests {
    /// 2026-11-23T18:00:00Z, which is the 24th in Vietnam.
    private static let now = Moment(second: 1_795_456_800)

    private func table(_ text: String) throws -> [DayTable.Day] {
        var rows = CSV(Data(text.utf8))
        return try DayTable(&rows, timezone: "UTC").days
    }

    private func plan(
        _ days: String, to kept: String = "", start: (Int64, Int64) = (0, 0), _ timezone: String = "Asia/Ho_Chi_Minh",
        onTop: Bool = false, lower: Bool = false
    ) throws -> DayImport {
        try DayImport(
            table("day,visits,views\n" + days), to: DayTable.kept(Data(kept.utf8)), start: start, timezone: timezone,
            now: Self.now, onTop: onTop, lower: lower)
    }

    private static let export = """
        site,day,visits,views,visitors,bots,peak_online
        "demo",2026-01-01,100,250,,0,0
        "demo",2026-01-02,7,9,5,0,1

        """

    @Test("each day is brought to what the table says, and a day that was counted here is left as it is")
    func corrections() throws {
        let made = try plan("2026-01-01,110,250\n2026-01-02,70,90\n2026-01-03,3,\n2026-01-04,0,0\n", to: Self.export)
        #expect(made.corrections.map { "\($0.day) \($0.visits) \($0.views)" } == ["2026-01-01 10 0", "2026-01-03 3 0"])
        #expect(made.unchanged == 1 && made.own == 1)
    }

    @Test("a table that is read again changes nothing, and says nothing against itself")
    func again() throws {
        let made = try plan("2026-01-01,100,250\n", to: Self.export, start: (57_998, 0))
        #expect(made.corrections == [] && made.unchanged == 1 && made.own == 0)
    }

    @Test("where the site starts from a number, its days may be in it already", arguments: [(1, 0), (0, 1)])
    func start(visits: Int64, views: Int64) throws {
        #expect(throws: DayImport.Refusal.mayBeInStart) { try plan("2026-01-01,5,5\n", start: (visits, views)) }
        #expect(try plan("2026-01-01,5,5\n", start: (visits, views), onTop: true).corrections.count == 1)
        #expect(DayImport.visitsTakenOver(try DayTable.kept(Data(Self.export.utf8))) == 100)
    }

    @Test("a day that is still to come where the site is takes nothing with it")
    func future() throws {
        let tomorrow = try #require(LocalDay("2026-11-24"))
        #expect(throws: DayImport.Refusal.future(tomorrow)) { try plan("2026-01-01,5,5\n2026-11-24,1,1\n", "UTC") }
        #expect(try plan("2026-01-01,5,5\n2026-11-24,1,1\n").corrections.count == 2)
    }

    @Test("no day loses what another part of a table has brought, unless that is meant")
    func lower() throws {
        let days = "2025-12-31,5,5\n2026-01-01,99,250\n"
        let first = try #require(LocalDay("2026-01-01"))
        #expect(throws: DayImport.Refusal.lower(days: 1, first: first)) { try plan(days, to: Self.export) }
        let made = try plan(days, to: Self.export, lower: true)
        #expect(made.corrections.map { "\($0.day) \($0.visits) \($0.views)" } == ["2025-12-31 5 5", "2026-01-01 -1 0"])
    }
}
