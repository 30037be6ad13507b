import Foundation
import Testing

/// What the README and the documentation tell people to type is typed here, into a real shell and for a real daemon.
@Suite("The README and the documentation do what they say", .timeLimit(.minutes(2)))
struct ReadmeTests {
    @Test("each one-line beacon counts one view, and typed again another view of the same visitor")
    func beacons() throws {
        try requirePrograms()
        let lines = try Page.all().flatMap { $0.commands(in: "sh") }
        #expect(lines.count == 5)
        #expect(Set(lines.map { String($0.prefix { $0 != " " }) }) == ["printf", "php", "python3", "node"])

        // So that a line typed again at once is a view and not a duplicate.
        let daemon = try Daemon(sites: "[[site]]\nname = \"demo\"\ntimezone = \"UTC\"\nduplicate = \"0s\"")
        var expected = Numbers(views: 0, visits: 0, online: 0)
        #expect(try read(daemon) == expected)
        for line in lines {
            expected = Numbers(views: expected.views + 1, visits: expected.visits + 1, online: expected.online + 1)
            try send(line, to: daemon)
            #expect(try read(daemon, after: expected.views) == expected, "\(line)")

            expected.views += 1
            try send(line, to: daemon)
            #expect(try read(daemon, after: expected.views) == expected, "again: \(line)")
        }

        // Whatever else the lines may have sent came before this one.
        let last = try footfall(
            ["hit", "demo", "/last", "--to", "127.0.0.1:\(daemon.beaconPort)", "--wait", "-c", daemon.settings.path])
        #expect(last.status == 0, "\(last.errors)")
        expected = Numbers(views: expected.views + 1, visits: expected.visits + 1, online: expected.online + 1)
        #expect(try read(daemon, after: expected.views) == expected)

        let status = daemon.stop()
        let said = try daemon.said
        #expect(status == 0, "\(said)")
    }

    @Test("the first minute is told with lines that are executed elsewhere in this test")
    func firstMinute() throws {
        let typed = try Page.readme().commands(in: "console")
        #expect(typed.count == 2)
        #expect(try typed.first == Page.documentation("Sending").commands(in: "sh").first)
        #expect(try typed.last == Self.readLine())
    }

    @Test("the README is read in three minutes")
    func length() throws {
        #expect(try Page.readme().text.split(whereSeparator: \.isWhitespace).count <= 750)
    }

    @Test("every line with a prompt in the pages of the documentation runs")
    func prompts() throws {
        let daemon = try Daemon(sites: "[[site]]\nname = \"demo\"\n[[site]]\nname = \"portal\"")
        let folder = try TemporaryFolder()
        let log = try folder.write(
            "access.log",
            "203.0.113.9 - - [23/Nov/2026:07:00:00 +0000] \"GET /tin-tuc HTTP/1.1\" 200 5 \"-\" \"Mozilla/5.0 (X11)\"\n"
        )
        let lines = try Page.all().dropFirst().flatMap { $0.commands(in: "console") }
        #expect(lines.count == 4)
        let program = "'\(try footfallBinary())' "
        for line in lines {
            let typed = line.replacing("footfall ", with: program).replacing("curl -s ", with: "curl -sf ")
                .replacing("7374", with: "\(daemon.httpPort)")
                .replacing("/var/log/nginx/access.log*", with: "'\(log.path)'")
                .replacing("tail -F access.log", with: "cat '\(log.path)'")
                .replacing("send --log", with: "send --to 127.0.0.1:\(daemon.beaconPort) --log")
            let ran = try shell(typed)
            #expect(ran.status == 0, "\(line)\n\(ran.errors)")
            if line.hasPrefix("curl") {
                #expect(try JSONSerialization.jsonObject(with: Data(ran.output.utf8)) is [String: Any], "\(line)")
            }
            if line.hasPrefix("footfall count") { #expect(ran.output.contains("1 line"), "\(ran.output)") }
        }
        try eventually("the piped line is counted") {
            try shell("curl -s http://127.0.0.1:\(daemon.httpPort)/api/v1/sites/portal").output.contains("\"views\":1")
        }
        #expect(daemon.stop() == 0)
    }

    @Test("settings in the pages are settings")
    func settings() throws {
        let folder = try TemporaryFolder()
        var seen = 0
        for page in try Page.all() {
            for block in page.blocks(of: "toml") {
                seen += 1
                let file = try folder.write("footfall.toml", block)
                let check = try footfall(["check", "-c", file.path])
                #expect(check.status == 0, "\(page.path): \(check.errors)")
            }
        }
        #expect(seen >= 3)
    }

    @Test("what the pages show to be pasted is what footfall snippet prints")
    func pasted() throws {
        let (readme, widget) = (try Page.readme(), try Page.documentation("Widget"))
        #expect(readme.blocks(of: "html").first == widget.blocks(of: "html").first)
        // The example, which a browser opens in another test.
        func lines(_ text: String) -> [String] {
            text.split(separator: "\n").map {
                $0.prefix { $0 != "#" }.trimmingCharacters(in: .whitespaces)
            }
        }
        let example = lines(
            try String(contentsOf: Page.root.appending(path: "Tests/Example/nginx.conf"), encoding: .utf8))
        for page in [readme, widget] {
            let block = lines(try #require(page.blocks(of: "nginx").first))
            #expect(block.count > 4 && example.contains(block), "\(page.path)")
        }
        let printed = try footfall(["snippet", "portal"])
        let script = try #require(readme.blocks(of: "html").first?.split(separator: "\n").first)
        #expect(printed.output.contains(script), "\(printed.output)")
        let log = try footfall(["snippet", "portal", "--nginx"]).output
        for line in try Page.documentation("Logs").blocks(of: "nginx").joined().split(separator: "\n") {
            #expect(log.contains(line), "\(log)")
        }
    }

    @Test("every route of the page about the API is in /openapi.json, and the other way round")
    func routes() throws {
        let page = try Page.documentation("API").text
        let written = page.matches(of: #/`(?:(?:GET|POST|PUT|DELETE) )?(/[^ `?]*)/#)
            .map { String($0.1).replacing("{number}", with: "{metric}") }
        let daemon = try Daemon(sites: "[[site]]\nname = \"demo\"")
        let served = try #require(httpGet(daemon.httpPort, "/openapi.json"))
        let description = try JSONSerialization.jsonObject(with: Data(served.body.utf8)) as? [String: Any]
        let paths = try #require(description?["paths"] as? [String: Any]).keys
        // The parts of the dashboard and of its form are nobody's to ask for; the ranking is written out.
        let parts: Set = [
            "/dashboard.css", "/dashboard.js", "/sign-in", "/sign-out", "/footfall-{hash}.js", "/busuanzi.js",
            "/api/v1/sites/{site}/top/{ranking}",
        ]
        let rankings: Set = ["/api/v1/sites/{site}/top/pages", "/top/referrers"]
        #expect(Set(written).subtracting(rankings) == Set(paths).subtracting(parts))
    }

    // MARK: Typing

    private func send(_ line: String, to daemon: Daemon) throws {
        let ran = try shell(line.replacing("7373", with: "\(daemon.beaconPort)"))
        #expect(ran.status == 0, "\(line)\n\(ran.errors)")
        #expect(ran.output == "" && ran.errors == "", "a beacon is silent: \(line)")
    }

    /// The numbers by the README's own line, once there are as many views.
    private func read(_ daemon: Daemon, after views: Int = 0) throws -> Numbers {
        let line = try Self.readLine().replacing("7374", with: "\(daemon.httpPort)")
        var numbers: Numbers?
        try eventually("\(views) views are counted") {
            let ran = try shell(line)
            guard ran.status == 0 else { throw Daemon.Failure(description: "\(line)\n\(ran.errors)") }
            let site = try JSONDecoder().decode(Site.self, from: Data(ran.output.utf8))
            numbers = Numbers(views: site.total.views, visits: site.total.visits, online: site.online.visitors)
            return site.total.views >= views
        }
        return try #require(numbers)
    }

    private struct Numbers: Equatable {
        var views: Int, visits: Int, online: Int
    }

    private struct Site: Decodable {
        struct Total: Decodable {
            let views: Int, visits: Int
        }
        struct Online: Decodable {
            let visitors: Int
        }
        let total: Total
        let online: Online
    }

    /// Says which package to install where a program is missing; `make test` installs them all.
    private func requirePrograms() throws {
        let packages = ["php": "php-cli", "python3": "python3", "node": "nodejs", "curl": "curl"]
        for (program, package) in packages.sorted(by: { $0.key < $1.key }) {
            try #require(
                try shell("command -v \(program)").status == 0,
                "\(program) is missing: apt-get install \(package), or run make test, which does")
        }
    }

    /// The line of the README that shows how the numbers are read.
    private static func readLine() throws -> String {
        try #require(try Page.readme().commands(in: "console").first { $0.hasPrefix("curl ") })
    }
}
