import Counting
import Foundation
import Testing
import Web

@Suite("What a site shows")
struct NumbersTests {
    /// Line by line as the interface is documented.
    static let everything = """
        {"site":"portal","as_of":"2026-11-23T07:12:00Z","timezone":"Asia/Ho_Chi_Minh",\
        "online":{"visitors":2,"window_seconds":300,\
        "peak_today":{"visitors":2,"at":"2026-11-23T07:10:30Z"},"peak":{"visitors":2,"at":"2026-11-23T07:10:30Z"}},\
        "total":{"value":50002,"of":"visits","visits":50002,"views":3,"start_visits":50000,"start_views":0,\
        "since":"2026-11-23T07:00:00Z"},\
        "today":{"visits":2,"views":3,"visitors":2},"yesterday":{"visits":0,"views":0,"visitors":0},\
        "month":{"visits":2,"views":3,"visitor_days":2},\
        "windows":{"1m":{"visits":0,"views":0},"5m":{"visits":1,"views":2},"1h":{"visits":2,"views":3},\
        "24h":{"visits":2,"views":3},"7d":{"visits":2,"views":3},"30d":{"visits":2,"views":3}},\
        "bots":{"today":1,"total":1},"rejected":{"total":3},\
        "exact":{"online":true,"visitors_today":true,"visitors_error":0},"warnings":[]}
        """

    @Test("the owner sees every number, in the documented order")
    func owner() async throws {
        try await withServer { server async throws in
            let response = try await server.ask("/api/v1/sites/portal", local: true)
            #expect(response.status == 200)
            #expect(response.body == Self.everything)
            #expect(response.fields["content-type"] == "application/json; charset=utf-8")
            #expect(response.fields["cache-control"] == "private, max-age=1")
            #expect(response.fields["access-control-allow-origin"] == nil)
            let total = try #require(try response.json["total"] as? [String: Any])
            #expect(total["value"] as? Int == 50_002)
        }
    }

    @Test("anybody sees online and total, and so do pages of every origin")
    func anybody() async throws {
        try await withServer { server async throws in
            let response = try await server.ask("/api/v1/sites/portal")
            #expect(response.status == 200)
            #expect(
                response.body == """
                    {"site":"portal","as_of":"2026-11-23T07:12:00Z","timezone":"Asia/Ho_Chi_Minh",\
                    "online":{"visitors":2,"window_seconds":300},\
                    "total":{"value":50002,"of":"visits","since":"2026-11-23T07:00:00Z"},\
                    "exact":{"online":true},"warnings":[]}
                    """)
            #expect(response.fields["cache-control"] == "max-age=1")
            #expect(response.fields["access-control-allow-origin"] == "*")
        }
    }

    @Test(
        "each public name shows its own fields and no other",
        arguments: [
            (.online, #""online":{"visitors":2,"window_seconds":300},"exact":{"online":true}"#),
            (
                .peak,
                #""online":{"peak_today":{"visitors":2,"at":"2026-11-23T07:10:30Z"},"#
                    + #""peak":{"visitors":2,"at":"2026-11-23T07:10:30Z"}},"exact":{}"#
            ),
            (.total, #""total":{"value":50002,"of":"visits","since":"2026-11-23T07:00:00Z"},"exact":{}"#),
            (.visits, #""total":{"visits":50002,"start_visits":50000},"exact":{}"#),
            (.views, #""total":{"views":3,"start_views":0},"exact":{}"#),
            (.today, #""today":{"visits":2,"views":3},"exact":{}"#),
            (.yesterday, #""yesterday":{"visits":0,"views":0},"exact":{}"#),
            (.month, #""month":{"visits":2,"views":3},"exact":{}"#),
            (
                .visitors,
                #""today":{"visitors":2},"yesterday":{"visitors":0},"month":{"visitor_days":2},"#
                    + #""exact":{"visitors_today":true,"visitors_error":0}"#
            ),
            (.bots, #""bots":{"today":1,"total":1},"exact":{}"#),
            (.rejected, #""rejected":{"total":3},"exact":{}"#),
            (.top, #""exact":{}"#),
            (.series, #""exact":{}"#),
        ] as [(PublicNumber, String)])
    func names(number: PublicNumber, shown: String) throws {
        let site = try #require(knownReport.site("portal"))
        let text = siteJSON(site, asOf: knownReport.asOf, visible: [number]).text
        let head = #"{"site":"portal","as_of":"2026-11-23T07:12:00Z","timezone":"Asia/Ho_Chi_Minh","#
        #expect(text == head + shown + #","warnings":[]}"#)
    }

    @Test("all names together show what the owner sees")
    func allNames() throws {
        let site = try #require(knownReport.site("portal"))
        #expect(siteJSON(site, asOf: knownReport.asOf, visible: Set(PublicNumber.allCases)).text == Self.everything)
    }

    @Test("a site with nothing public answers with what is left")
    func nothingPublic() async throws {
        let backend = TestBackend(report: { knownReport }) {
            $0.publicNumbers = { $0 == "portal" ? [] : PublicNumber.counter }
        }
        try await withServer(backend: backend) { server async throws in
            let response = try await server.ask("/api/v1/sites/portal")
            #expect(response.status == 200)
            #expect(
                response.body == """
                    {"site":"portal","as_of":"2026-11-23T07:12:00Z","timezone":"Asia/Ho_Chi_Minh",\
                    "exact":{},"warnings":[]}
                    """)
            #expect(try await server.ask("/api/v1/sites/shop").json["online"] != nil)
        }
    }

    @Test("what the owner saw a moment ago is not shown to anybody, nor the other way round")
    func answersKeptApart() async throws {
        try await withServer { server async throws in
            for _ in 0..<2 {
                #expect(try await server.ask("/api/v1/sites/portal", local: true).json["today"] != nil)
                #expect(try await server.ask("/api/v1/sites/portal").json["today"] == nil)
            }
        }
    }

    @Test("an estimated number of visitors says so, with its error")
    func estimated() throws {
        let site = try #require(crowdedReport.site("portal"))
        let text = siteJSON(site, asOf: crowdedReport.asOf).text
        #expect(text.contains(#""exact":{"online":true,"visitors_today":false,"visitors_error":0.0081}"#))
    }

    @Test("the list of sites holds the same snapshots, for the owner only")
    func list() async throws {
        try await withServer { server async throws in
            let response = try await server.ask("/api/v1/sites", local: true)
            #expect(response.body.hasPrefix(#"{"sites":["# + Self.everything + #",{"site":"shop","#))
            #expect(response.body.hasSuffix(#"}],"removed":[]}"#))
            let refused = try await server.ask("/api/v1/sites")
            #expect(refused.status == 401)
            #expect(refused.fields["www-authenticate"] == "Bearer")
            #expect(refused.fields["access-control-allow-origin"] == nil)
            #expect(try refused.problem.contains("unix socket"))
        }
    }

    @Test("the list names the sites that are no longer in the settings")
    func removed() async throws {
        let backend = TestBackend(report: { knownReport }) { $0.isServed = { $0 != "shop" } }
        try await withServer(backend: backend) { server async throws in
            let body = try await server.ask("/api/v1/sites", local: true).body
            #expect(body.contains(#"{"site":"shop","#) && body.hasSuffix(#"}],"removed":["shop"]}"#))
        }
    }

    @Test("more can be appended to a site's object")
    func appended() throws {
        let site = try #require(knownReport.site("portal"))
        var object = siteJSON(site, asOf: knownReport.asOf)
        object.append("top", .object(["pages": .array([])]))
        #expect(object.text == Self.everything.dropLast() + #","top":{"pages":[]}}"#)
    }

    @Test("any text comes through JSON unharmed")
    func escapes() throws {
        let text =
            (0..<0x80).compactMap { Unicode.Scalar($0).map { String($0) } }.joined() + "Đang trực tuyến \u{2028}🏛"
        let json = JSON.object(["a\"b": JSON(text), "n": .null, "f": .decimal(0.0081), "x": .decimal(.infinity)]).text
        let read = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
        #expect(read["a\"b"] as? String == text)
        #expect(read["n"] is NSNull && read["x"] is NSNull)
        #expect(json.hasSuffix(#""f":0.0081,"x":null}"#))
        #expect(json.contains(#"\u0001"#) && json.contains(#"\u001f"#) && json.contains(#"\n"#))
        #expect(JSON(UInt64.max).text == "9223372036854775807")
    }

    @Test("the definitions name every word and every reason of refusal")
    func meanings() async throws {
        try await withServer { server async throws in
            let response = try await server.ask("/api/v1/definitions")
            #expect(response.status == 200)
            let words = try #require(try response.json["definitions"] as? [[String: String]])
            #expect(words.map { $0["term"] } == definitions.map { $0.term })
            for term in [
                "hit", "view", "ping", "duplicate", "visitor", "visit", "online now", "peak", "total",
                "unique visitors", "visitor-days", "windows", "bot", "rejected",
            ] {
                #expect(words.contains { $0["term"] == term && $0["definition"]?.isEmpty == false }, "\(term)")
            }
            let reasons = DatagramRejection.allCases.map(\.rawValue) + BeaconRejection.allCases.map(\.rawValue)
            let rejected = try #require(words.first { $0["term"] == "rejected" }?["definition"])
            #expect(reasons.allSatisfy { rejected.contains($0) })
        }
    }
}
