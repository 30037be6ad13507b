import Counting
import Foundation
import Glibc
import Synchronization
import Testing
import Web

@Suite("Metrics of many sites")
struct ManySitesTests {
    @Test("two hundred sites have series of their own")
    func all() async throws {
        let report = report(ofSites: 200)
        try await withServer(backend: TestBackend(report: { report })) { server async throws in
            let scrape = try await server.scrape()
            for site in 0..<200 {
                let views = scrape[#"site_views_total{site="s\#(site)"}"#]
                #expect(views == "\(viewsOfSite(site, of: 200))", "s\(site)")
            }
            #expect(scrape.series.allSatisfy { !$0.contains("_other") })
        }
    }

    @Test("of more sites the busiest two hundred have series of their own, and the others share one")
    func folded() async throws {
        let report = report(ofSites: 300)
        try await withServer(backend: TestBackend(report: { report })) { server async throws in
            let scrape = try await server.scrape()
            for site in 0..<300 {
                // With 1 to 300 views, the busiest have more than 100; millions taken over do not make a site busy.
                let views = viewsOfSite(site, of: 300)
                let expected = views > 100 ? "\(views)" : nil
                #expect(scrape[#"site_views_total{site="s\#(site)"}"#] == expected, "s\(site)")
                #expect((scrape[#"site_online_visitors{site="s\#(site)"}"#] == "2") == (views > 100), "s\(site)")
            }
            for (name, others) in [
                ("site_online_visitors", 200), ("site_visits_total", 100), ("site_views_total", 5050),
                ("site_bots_total", 300), ("site_start_visits", 400),
            ] {
                let series = scrape.series.filter { $0.hasPrefix(name + "{") }
                #expect(series.count == 201 && series.last == #"\#(name){site="_other"}"#)
                #expect(scrape[#"\#(name){site="_other"}"#] == "\(others)", "\(name)")
                let number: (SiteReport) -> Int64 =
                    switch name {
                    case "site_online_visitors": { Int64($0.online) }
                    case "site_visits_total": { $0.totalVisits - $0.baselineVisits }
                    case "site_views_total": { $0.totalViews - $0.baselineViews }
                    case "site_bots_total": { Int64($0.bots) }
                    default: { $0.baselineVisits }
                    }
                let sum = series.compactMap { scrape[$0].flatMap { Int64($0) } }.reduce(0, +)
                #expect(sum == report.sites.map(number).reduce(0, +), "\(name)")
            }
        }
    }

    @Test("no sum falls when another site becomes busier, or a site is new")
    func overtaken() async throws {
        let current = Mutex(report(ofSites: 202, views: { 300 - $0 }))
        try await withServer(backend: TestBackend(report: { current.withLock { $0 } })) { server async throws in
            let before = try await server.scrape()
            #expect(before[#"site_views_total{site="_other"}"#] == "\(100 + 99)")
            current.withLock { $0 = report(ofSites: 203, views: { $0 < 200 ? 300 - $0 : 500 }) }
            let after = try await server.scrape()
            #expect(after[#"site_views_total{site="_other"}"#] == "1500")
            #expect(
                after.series.filter { $0.hasPrefix("site_views_total") }
                    == before.series.filter { $0.hasPrefix("site_views_total") })
        }
    }

    @Test("of equally busy sites the older have series of their own, in every scrape")
    func equals() async throws {
        let report = report(ofSites: 300, views: { _ in 1 })
        try await withServer(backend: TestBackend(report: { report })) { server async throws in
            let expected = (0..<200).map { #"site_views_total{site="s\#($0)"}"# }
            for _ in 0..<2 {
                let series = try await server.scrape().series.filter { $0.hasPrefix("site_views_total") }
                #expect(series == expected + [#"site_views_total{site="_other"}"#])
            }
        }
    }

    @Test("a site with the name of all others together is one of them, or itself if it is alone")
    func nameTaken() async throws {
        for count in [200, 300] {
            let busy = (0..<count).first { viewsOfSite($0, of: count) == count } ?? 0
            let report = report(ofSites: count) { $0 == busy ? "_other" : "s\($0)" }
            try await withServer(backend: TestBackend(report: { report })) { server async throws in
                let scrape = try await server.scrape()
                let series = scrape.series.filter { $0.hasPrefix("site_views_total") }
                // The 200th place is then another's, with 100 views.
                let expected = count == 200 ? 200 : (1...99).reduce(300, +)
                #expect(series.count == (count == 200 ? 200 : 201))
                #expect(scrape[#"site_views_total{site="_other"}"#] == "\(expected)")
            }
        }
    }

    @Test("the greatest baselines of ten thousand sites are summed right")
    func greatNumbers() async throws {
        let report = report(ofSites: 10_000, views: { _ in 1 }, baselineVisits: Record.amountMax)
        try await withServer(backend: TestBackend(report: { report })) { server async throws in
            // 9800 times 2⁵⁰: more than 64 bits hold with a sign.
            #expect(try await server.scrape()[#"site_start_visits{site="_other"}"#] == "11033819087057715200")
        }
    }

    @Test("quotes, backslashes and line ends of a name stay inside its label")
    func escaping() async throws {
        let report = report(ofSites: 1) { _ in "a\"b\\c\nd\\" + "ế" }
        let backend = TestBackend(report: { report }) { $0.version = "\"} 2\n\\" }
        try await withServer(backend: backend) { server async throws in
            let scrape = try await server.scrape()
            #expect(scrape[#"site_views_total{site="a\"b\\c\nd\\ế"}"#] == "1")
            #expect(scrape[#"build_info{version="\"} 2\n\\"}"#] == "1")
        }
    }

    @Test("promtool has nothing to say", .enabled(if: hasPromtool, "needs promtool, of Debian's prometheus"))
    func promtoolIsContent() async throws {
        var numbers = DurabilityNumbers()
        numbers.checkpoints.lastSuccess = Moment(second: 1_795_417_200)
        numbers.checkpoints.longestPauseSeconds = .nan
        let reports = [report(ofSites: 300), report(ofSites: 1) { _ in "a\"b\\c\nd" }, talliedReport, emptyReport]
        for report in reports {
            let backend = TestBackend(report: { report }) { answers in
                answers.durability = { [numbers] in numbers }
                answers.version = "1\n"
            }
            try await withServer(backend: backend) { server async throws in
                let text = try await server.ask("/metrics", local: true).body
                let verdict = try promtool(reads: text)
                #expect(verdict.status == 0 && verdict.said.isEmpty, "\(verdict.said)")
            }
        }
        let wrong = try promtool(reads: "# TYPE wrong_total gauge\nwrong_total 1\n")
        #expect(wrong.status != 0 && !wrong.said.isEmpty)
    }
}

/// Whether promtool is to be had.
private let hasPromtool = unsafe system("command -v promtool >/dev/null") == 0

/// What promtool thinks of a text.
private func promtool(reads text: String) throws -> (status: Int32, said: String) {
    let place = FileManager.default.temporaryDirectory.appending(path: "footfall-metrics-\(UUID())").path
    try Data(text.utf8).write(to: URL(filePath: place))
    let status = unsafe system("promtool check metrics <'\(place)' >'\(place).said' 2>&1")
    let said = try String(contentsOfFile: place + ".said", encoding: .utf8)
    for file in [place, place + ".said"] { try FileManager.default.removeItem(atPath: file) }
    return (status, said)
}
