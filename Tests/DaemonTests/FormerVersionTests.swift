import Foundation
import Testing

/// An upgrade. `Former` holds, of each release before this one, a state directory as a kill left it, with a checkpoint and
/// frames that are only in the journal, and the numbers that its daemon gave last. `Former/make.py` made them.
@Suite("States of former versions")
struct FormerVersionTests {
    private static let former = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Former").path
    private static let versions = ["0.1.0"]

    @Test("every former version has a state here, and every state here is tested")
    func all() throws {
        let states = try FileManager.default.contentsOfDirectory(atPath: Self.former).filter {
            $0.hasSuffix(".tar.gz")
        }
        #expect(states.sorted() == Self.versions.map { $0 + ".tar.gz" })
    }

    @Test("the state of a former version goes on with all numbers, days, changes, tokens and keys", arguments: versions)
    func goesOn(version: String) throws {
        let folder = try TemporaryFolder()
        let unpacked = try shell("tar -xzf '\(Self.former)/\(version).tar.gz' -C '\(folder.path)'")
        try #require(unpacked.status == 0, "\(unpacked.errors)")
        let file = try Data(contentsOf: URL(filePath: "\(Self.former)/\(version).json"))
        let former = try JSONDecoder().decode(Former.self, from: file)
        let machine = try Machine(state: folder.path + "/upgraded")
        try machine.write("footfall.toml", Self.settings(machine))

        let life = try machine.start()
        try life.becomeReady()
        #expect(try Numbers(machine, former.token) == former.numbers)
        let scrape = Scrape(try machine.ask("/metrics", former.token))
        #expect(scrape["replay_records"] > 0 && scrape["lost_frames"] == 0)
        #expect(try Self.status(machine, "Authorization: Bearer " + former.token.dropLast() + "x") == 401)
        #expect(try machine.complaints == [])

        // It goes on from there, and the next start finds no more than this version's own files.
        machine.send("f1 s=portal&v=new&u=/")
        let more = try #require(former.numbers.sites["portal"]).total.views + 1
        try eventually("the next view is counted") {
            try Numbers(machine, former.token).sites["portal"]?.total.views == more
        }
        #expect(life.stop() == 0)
        let next = try machine.start()
        try next.becomeReady()
        #expect(Scrape(try machine.ask("/metrics", former.token))["replay_records"] == 0)
        #expect(try Numbers(machine, former.token).sites["shop"] == former.numbers.sites["shop"])
        #expect(next.stop() == 0)
    }

    /// The sites as `make.py` has them.
    private static func settings(_ machine: Machine) -> String {
        let zones = ["portal": "Asia/Ho_Chi_Minh", "shop": "Asia/Tehran", "blog": "Europe/Paris"]
        return "[state]\ndirectory = \"\(machine.state)\"\nruntime = \"\(machine.runtime)\"\n"
            + zones.map { "[[site]]\nname = \"\($0)\"\ntimezone = \"\($1)\"\nduplicate = \"0s\"\n" }.joined()
    }

    private static func status(_ machine: Machine, _ field: String) throws -> Int? {
        let url = "http://127.0.0.1:\(machine.httpPort)/api/v1/audit"
        return Int(try shell("curl -s -o /dev/null -w '%{http_code}' -H '\(field)' \(url)").output)
    }
}

/// What `make.py` wrote down.
private struct Former: Decodable {
    let token: String
    let numbers: Numbers

    private enum Key: CodingKey { case token }

    init(from decoder: any Decoder) throws {
        token = try decoder.container(keyedBy: Key.self).decode(String.self, forKey: .token)
        numbers = try Numbers(from: decoder)
    }
}

/// All that must be the same after an upgrade.
private struct Numbers: Decodable, Equatable {
    struct Site: Decodable, Equatable {
        struct Total: Decodable, Equatable {
            let value: Int, visits: Int, views: Int, start_visits: Int, start_views: Int
            let of: String, since: String
        }
        let total: Total
        let bots: Int, rejected: Int
        /// Lines of `export.csv`.
        let days: [String]
        /// Of each quarter hour with a view: when it began, views, visits, the most online, bots.
        let quarters: [[Int]]
    }
    let sites: [String: Site]
    /// Site and note of each change by hand.
    let audit: [[String]]
    let tokens: [String]
    let keys: [String]
}

extension Numbers {
    /// Asks a daemon, with a token.
    init(_ machine: Machine, _ token: String) throws {
        func ask<Answer: Decodable>(_ path: String, _: Answer.Type = Answer.self) throws -> Answer {
            try JSONDecoder().decode(Answer.self, from: Data(machine.ask(path, token).utf8))
        }
        struct Snapshot: Decodable {
            struct Count: Decodable { let total: Int }
            let total: Site.Total
            let bots: Count, rejected: Count
        }
        struct Series: Decodable { let t: [Int], views: [Int?], visits: [Int?], online: [Int?], bots: [Int?] }
        struct Audit: Decodable {
            struct Entry: Decodable { let site: String, note: String }
            let audit: [Entry]
        }
        struct Tokens: Decodable {
            struct Token: Decodable { let name: String }
            let tokens: [Token]
        }
        struct Keys: Decodable {
            struct Key: Decodable { let id: String }
            let keys: [Key]
        }
        var sites: [String: Site] = [:]
        for name in ["portal", "shop", "blog"] {
            let site = "/api/v1/sites/\(name)"
            let snapshot: Snapshot = try ask(site)
            // To a fixed day: the state does not grow with the years.
            let columns = "metrics=views,visits,online,bots&from=2026-11-01&to=2026-12-01&step=15m"
            let series: Series = try ask("\(site)/series?\(columns)")
            let quarters = series.t.indices.map { i in
                [series.t[i]] + [series.views[i], series.visits[i], series.online[i], series.bots[i]].map { $0 ?? 0 }
            }
            let days = try machine.ask("\(site)/export.csv", token).split(whereSeparator: \.isNewline).map(String.init)
            sites[name] = Site(
                total: snapshot.total, bots: snapshot.bots.total, rejected: snapshot.rejected.total,
                days: days.filter { !$0.hasSuffix(",0,0,0,0,0") }, quarters: quarters.filter { $0[1] > 0 })
        }
        self.sites = sites
        audit = try ask("/api/v1/audit", Audit.self).audit.map { [$0.site, $0.note] }
        tokens = try ask("/api/v1/tokens", Tokens.self).tokens.map(\.name).sorted()
        keys = try ask("/api/v1/sites/blog/keys", Keys.self).keys.map(\.id)
    }
}

extension Machine {
    fileprivate func ask(_ path: String, _ token: String) throws -> String {
        let url = "http://127.0.0.1:\(httpPort)\(path)"
        let answer = try shell("curl -sf -H 'Authorization: Bearer \(token)' '\(url)'")
        guard answer.status == 0 else { throw Daemon.Failure(description: "\(path): \(answer)") }
        return answer.output
    }
}
