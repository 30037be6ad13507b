import Counting
import Foundation
import History
import Testing

/// What other counters export, read.
@Suite("Tables of other counters")
struct DayTableTests {
    /// A day as `2026-11-23 visits views`; `-` where the table says nothing.
    private func days(_ text: String, _ timezone: String = "UTC") throws -> [String] {
        var rows = CSV(Data(text.utf8))
        return try DayTable(&rows, timezone: timezone).days.map { day in
            ([day.visits, day.views] as [Int64?]).reduce("\(day.day)") { $0 + " " + ($1.map { "\($0)" } ?? "-") }
        }
    }

    @Test(
        "totals by day are read by the names of their columns, in any order, and days come out in theirs",
        arguments: [
            ("day,visits,views\n2026-01-02,3,4\n2026-01-01,1,2\n", ["2026-01-01 1 2", "2026-01-02 3 4"]),
            ("Views , DATE\r\n10,2026-01-01\r\n", ["2026-01-01 - 10"]),
            ("date,sessions,pageviews\n2026-01-01,1,2", ["2026-01-01 1 2"]),
            (
                "day,visits,note\n2026-01-01,1,\"a, \"\"b\"\"\nc\"\n\n2026-01-02,2,\n",
                ["2026-01-01 1 -", "2026-01-02 2 -"]
            ),
            ("\u{FEFF}day,visits\n2026-01-01,1\n", ["2026-01-01 1 -"]),
            ("day,visits,views\n2026-01-01,,7\n2026-01-02,5\n", ["2026-01-01 - 7", "2026-01-02 5 -"]),
            ("day,visits\n2026-01-01,'-5\n", ["2026-01-01 -5 -"]),
            ("day,visits\n", []),
        ])
    func totals(text: String, expected: [String]) throws {
        #expect(try days(text) == expected)
    }

    @Test(
        "a number may have something at every thousand, and nothing that could be a fraction",
        arguments: [
            ("1234", 1234), ("1,234", 1234), ("1.234.567", 1_234_567), ("1 234", 1234), (" 12 ", 12), ("-1,234", -1234),
            ("12,5", nil), ("1,2345", nil), ("1234,567", nil), ("1,234.567", nil), ("1e3", nil), ("x", nil),
            ("1125899906842624", nil), ("1125899906842623", 1_125_899_906_842_623),
        ] as [(String, Int64?)])
    func numbers(text: String, expected: Int64?) throws {
        var rows = CSV(Data("day,visits\n2026-01-01,\"\(text)\"\n".utf8))
        guard let expected else {
            let error = #expect(throws: UnreadableTable.self) { try DayTable(&rows, timezone: "UTC") }
            #expect(error?.reason == "line 2: \(text) is no number")
            return
        }
        #expect(try DayTable(&rows, timezone: "UTC").days.map(\.visits) == [expected])
    }

    @Test("our own export says of which site it is, and which days were counted here")
    func export() throws {
        let text = """
            site,day,visits,views,visitors,bots,peak_online
            "de""mo",2026-01-01,100,250,,0,0
            "de""mo",2026-01-02,7,9,5,0,0
            "de""mo",2026-01-03,7,9,,0,2

            """
        var rows = CSV(Data(text.utf8))
        let table = try DayTable(&rows, timezone: "UTC")
        #expect(table.site == "de\"mo" && table.total == nil)
        #expect(table.days.map(\.isCounted) == [false, true, true])
        let kept = try DayTable.kept(Data(text.utf8))
        #expect(kept.count == 3 && kept[table.days[1].day] == table.days[1])
        #expect(try DayTable.kept(Data()) == [:])
    }

    @Test("hits of GoatCounter lie in the days of the site's zone; a session is a visit, bots and events are nothing")
    func goatCounter() throws {
        let text = """
            2Path,Title,Event,UserAgent,Browser,System,Session,Bot,Referrer,Referrer scheme,Screen size,Location,FirstVisit,Date
            /,"A ""title"", with
            all",false,x,,,1,0,,,,VN,true,2026-02-01T10:00:00Z
            /a,,false,x,,,1,0,,,,VN,true,2026-02-01T16:59:59Z
            /,,false,x,,,2,0,,,,VN,true,2026-02-01T17:00:00Z
            /,,false,x,,,3,7,,,,VN,true,2026-02-02T00:00:00Z
            click,,true,x,,,2,0,,,,VN,false,2026-02-02T00:00:00Z
            /,,false,x,,,,0,,,,VN,true,2026-02-02T01:00:00Z
            /,,false,x,,,,0,,,,VN,false,2026-02-02T01:00:01Z

            """
        #expect(try days(text, "Asia/Ho_Chi_Minh") == ["2026-02-01 1 2", "2026-02-02 2 3"])
        #expect(try days(text) == ["2026-02-01 2 3", "2026-02-02 1 2"])
        // As for a site whose zone is gone from this machine.
        #expect(try days(text, "No/Where") == days(text))
    }

    @Test("of NukeViet's table the one number is taken, and the first of its rows")
    func nukeViet() throws {
        let text =
            "c_type,c_val,last_update,c_count,vi_count\nyear,2026,1,500,400\ntotal,hits,1795420183,57998,57000\n"
            + "total,hits,1,1,1\n"
        var rows = CSV(Data(text.utf8))
        let table = try DayTable(&rows, timezone: "UTC")
        #expect(table.total == 57998 && table.days == [] && table.site == nil)
    }

    @Test(
        "what is no such table is refused with its reason",
        arguments: [
            ("", "there is nothing in it"), ("a,b\n1,2\n", "its first line names no column day"),
            ("day,note\n2026-01-01,1\n", "its first line names neither visits nor views"),
            ("day,visits\nx,1\n", "line 2 has no day such as 2026-11-23"),
            ("day,visits\n\n\n2026-02-30,1\n", "line 4 has no day such as 2026-11-23"),
            ("day,visits\n\"2026-01-01\n\",1\n", "line 2 has no day such as 2026-11-23"),
            ("day,visits\n2026-01-01,1\n2026-01-01,2\n", "line 3: 2026-01-01 is there twice"),
            (
                "site,day,visits\na,2026-01-01,1\nb,2026-01-02,1\n",
                "it has days of a and of b; one site at a time, please"
            ),
            ("path,firstvisit,date\n/,true,2026-02-01\n", "line 2 has no date such as 2026-11-23T07:00:00Z"),
            ("path,firstvisit,date\n/,true,2026-02-01T24:00:00Z\n", "line 2 has no date such as 2026-11-23T07:00:00Z"),
            ("path,firstvisit,date\n/,true\n", "line 2 is cut"),
            ("c_type,c_val\ntotal,hits\n", "it has no columns c_type, c_val and c_count"),
            ("c_type,c_val,c_count\ntotal,hits,x\n", "it has no row of the type total with a number"),
            ("day,visits\n2026-01-01,\"" + String(repeating: "1", count: 1 << 20) + "\n", "line 2 does not end"),
        ])
    func refused(text: String, reason: String) throws {
        var rows = CSV(Data(text.utf8))
        #expect(throws: UnreadableTable(reason: reason)) { try DayTable(&rows, timezone: "UTC") }
    }

    @Test("a text is the same table in whatever pieces it comes", arguments: [1, 2, 3, 7])
    func pieces(count: Int) throws {
        let text = "day,visits,note\r\n2026-01-01,\"1,234\",\"a \"\"quote\"\", and\r\na line\"\r\n2026-01-02,5,\r\n"
        var rest = Data(text.utf8)[...]
        var rows = CSV {
            defer { rest = rest.dropFirst(count) }
            return Data(rest.prefix(count))
        }
        let table = try DayTable(&rows, timezone: "UTC")
        #expect(table.days.map(\.visits) == [1234, 5])
        struct Broken: Error {}
        var broken = CSV { throw Broken() }
        #expect(throws: UnreadableTable.self) { try DayTable(&broken, timezone: "UTC") }
    }
}
