import Foundation
import Testing

/// The history of a site, as it can be requested.
@Suite("History")
struct HistoryTests {
    private static let zones = [
        "Europe/Paris", "Australia/Lord_Howe", "Asia/Kolkata", "Asia/Kathmandu", "Asia/Ho_Chi_Minh", "America/New_York",
        "Pacific/Apia",
    ]
    private static let script =
        URL(filePath: #filePath).deletingLastPathComponent().appending(path: "History/history.py").path

    private static func numbers(_ machine: Machine, _ path: String) throws -> [String: Any] {
        let answer = try #require(machine.get("/api/v1/sites/\(path)"))
        #expect(answer.status == 200, "\(answer.body)")
        return try #require(try JSONSerialization.jsonObject(with: Data(answer.body.utf8)) as? [String: Any])
    }

    @Test(
        "five years follow each zone's own clocks and calendar, and missing times are not zeros")
    func zones() throws {
        let sites = Self.zones.indices.map { "s\($0)" }
        let machine = try Machine(sites: sites, tables: ["http": "local_admin = true"])
        var settings = try String(contentsOf: machine.settings, encoding: .utf8)
        for (site, zone) in zip(sites, Self.zones) {
            settings = settings.replacing(
                "name = \"\(site)\"\ntimezone = \"UTC\"", with: "name = \"\(site)\"\ntimezone = \"\(zone)\"")
        }
        try machine.write("footfall.toml", settings)
        let first = try machine.start()
        try first.becomeReady()
        #expect(first.stop() == 0)
        let database = machine.state + "/footfall.db"
        for site in sites.indices {
            #expect(try shell("python3 '\(Self.script)' fill '\(database)' \(site)").status == 0)
        }
        let life = try machine.start()
        try life.becomeReady()
        for (site, zone) in zip(sites, Self.zones) {
            let url = "http://127.0.0.1:\(machine.httpPort)"
            let check = try shell("python3 '\(Self.script)' check \(url) \(site) \(zone)")
            #expect(check.status == 0, "\(check.output)\(check.errors)")
        }
    }

    @Test("a series, a ranking and an export have each hit once, before and after a checkpoint and a kill")
    func once() throws {
        let machine = try Machine(
            sites: ["demo"], tables: ["http": "local_admin = true", "site": "duplicate = \"0s\""])
        var life = try machine.start()
        try life.becomeReady()
        func sum(_ column: String, _ step: String) throws -> Int {
            let series = try Self.numbers(machine, "demo/series?step=\(step)&metrics=\(column)")
            return (series[column] as? [Any] ?? []).compactMap { $0 as? Int }.reduce(0, +)
        }
        func send(_ count: Int, _ page: String) throws {
            for i in 0..<count {
                #expect(
                    httpPost(
                        machine.httpPort, "/hit", "s=demo&u=\(page)&r=https://a.example/",
                        ["User-Agent: Mozilla/5.0 (\(page) \(i))"])?.status == 200)
            }
        }
        try send(30, "/a")
        let day = try shell("date -u +%F").output.trimmingCharacters(in: .whitespacesAndNewlines)
        #expect(try machine.command("correct demo --day \(day) --views 5 --note test").status == 0)
        #expect(
            try machine.command("correct demo --day 2026-01-02 --views 7 --visits 3 --note 'an old counter'").status
                == 0)
        /// Everything once, wherever it is: 60 reads over two checkpoints find no other sum.
        func check(_ views: Int) throws {
            #expect(try sum("views", "15m") == views && sum("views", "1h") == views)
            #expect(
                try sum("views", "1d") == views + 5 && sum("visits", "1d") == views && sum("visitors", "1d") == views)
            #expect(try sum("views", "1mo&from=2026-01-01") == views + 12)
            let top = try #require(machine.get("/api/v1/sites/demo/top/pages")).body
            #expect(top.contains("\"rows\":[{\"key\":\"/a\",\"views\":30,\"entries\":30}"), "\(top)")
            let export = try #require(machine.get("/api/v1/sites/demo/export.csv")).body
            #expect(
                export == "site,day,visits,views,visitors,bots,peak_online\n\"demo\",2026-01-02,3,7,,0,0\n"
                    + "\"demo\",\(day),\(views),\(views + 5),\(views),0,\(views)\n", "\(export)")
        }
        try check(30)
        func checkpoints() throws -> Double {
            try machine.scrape().seconds("checkpoint_last_success_timestamp_seconds")
        }
        let before = try checkpoints()
        try eventually("a checkpoint comes") {
            try check(30)
            return try checkpoints() != before
        }
        try check(30)
        try send(20, "/b")
        try check(50)
        #expect(life.kill() != 0)
        life = try machine.start()
        try life.becomeReady()
        try check(50)
        #expect(life.stop() == 0)
        life = try machine.start()
        try life.becomeReady()
        try check(50)
    }

    @Test("an invalid request is refused with a helpful message")
    func refused() throws {
        let machine = try Machine(sites: ["demo"])
        let life = try machine.start()
        try life.becomeReady()
        for (path, status, words) in [
            ("series?metrics=foo", 400, "views,visits,online,pings,bots,visitors"),
            ("series?metrics=views,views", 400, "once"), ("series?metrics=", 400, "views"),
            ("series?step=2h", 400, "15m, 1h, 1d or 1mo"), ("series?from=yesterday", 400, "RFC 3339"),
            ("series?from=2026-11-02&to=2026-11-01", 400, "ends after it begins"),
            ("series?from=1999-01-01&step=15m", 400, "10000 buckets"), ("series?from=2026-02-30", 400, "RFC 3339"),
            ("top/pages?limit=0", 400, "1 to 1000"), ("top/pages?limit=x", 400, "1 to 1000"),
            ("top/pages?day=2999-01-01", 400, "up to today"), ("top/pages?day=", 400, "up to today"),
            ("top/browsers", 404, "pages or of referrers"),
        ] {
            let answer = try #require(machine.get("/api/v1/sites/demo/\(path)"))
            #expect(answer.status == status && answer.body.contains(words), "\(answer)")
        }
    }
}
