import Foundation
import Glibc
import Testing

extension Hardship {
    /// What visitors of a site see: the example's page in a real browser, behind a real web server.
    @Suite(.serialized, .enabled(if: Nginx.isToBeHad && Chromium.isToBeHad, "needs nginx and chromium"))
    struct PageTests {
        @Test("the sidebar shows the visitors online and the total, in the page's language and number format")
        func sidebar() throws {
            let machine = try Machine(
                sites: ["portal"], tables: ["http": "proxies = [\"127.0.0.1\"]", "limits": "visitor_rate = \"1000/s\""])
            let life = try machine.start()
            try life.becomeReady()
            let page = try Self.page()
            let nginx = try Nginx(
                before: machine.httpPort,
                pages: [
                    "named.html": try Self.namedPage(),
                    "comma.html": page.replacing("data-site=", with: "data-lang=\"en\" data-site="),
                    "english.html": page.replacing("lang=\"vi\"", with: "lang=\"en\""),
                ])
            #expect(try machine.command("start portal 57755 --note 'the old counter'").status == 0)
            for number in 1...242 {
                let address = "X-Forwarded-For: 203.0.\(113 + number / 200).\(1 + number % 200)"
                let answer = httpPost(
                    nginx.port, "/thong-ke/hit", "s=portal&u=/", [address, "User-Agent: Mozilla/5.0 (Windows NT 10.0)"])
                #expect(answer?.status == 200)
            }

            // The browser itself is the last visitor.
            let url = "http://127.0.0.1:\(nginx.port)/"
            let named = try Chromium.open(url + "named.html")
            #expect(named.contains(">243</b> · Tổng truy cập: <b data-footfall=\"total\">57.998</b>"), "\(named)")
            let seen = try Chromium.open(url + "index.html")
            #expect(
                seen.contains("Đang trực tuyến: 243<br>Tổng truy cập: 57.998"), "\(seen)")
            let comma = try Chromium.open(url + "comma.html")
            #expect(comma.contains("Đang trực tuyến: 243<br>Tổng truy cập: 57,998"), "\(comma)")
            let english = try Chromium.open(url + "english.html")
            #expect(english.contains("Online now: 243<br>Total visits: 57,998"), "\(english)")

            // A page that is viewed again is a view, and nothing else: online, total, visits, views.
            try eventually("all numbers show it") {
                try machine.command("stats portal --csv").output.contains(",243,57998,57998,246,")
            }

            // A correction of the owner is visible on the page. A private number is not.
            let day = try Self.today()
            #expect(try machine.command("correct portal --day \(day) --visits -998 --note 'a crawler'").status == 0)
            let corrected = try Chromium.open(url + "index.html")
            #expect(corrected.contains("Đang trực tuyến: 243<br>Tổng truy cập: 57.000"))
            try machine.write(
                "footfall.toml",
                try String(contentsOf: machine.settings, encoding: .utf8) + "\npublic = [\"total\", \"peak\"]\n")
            life.process.signal(SIGHUP)
            try eventually("it is private") {
                machine.get("/api/v1/sites/portal").map { !$0.body.contains("window_seconds") } ?? false
            }
            let hidden = try Chromium.open(url + "named.html")
            #expect(hidden.contains("<b data-footfall=\"online\">–</b>"), "\(hidden)")
            let other = try Chromium.open(url + "index.html")
            #expect(other.contains("Trực tuyến nhiều nhất: 243<br>Tổng truy cập: 57.000"), "\(other)")

            try machine.write(
                "footfall.toml",
                try String(contentsOf: machine.settings, encoding: .utf8).replacing(
                    "public = [\"total\", \"peak\"]", with: ""))
            life.process.signal(SIGHUP)
            #expect(try machine.command("correct portal --day \(day) --visits 998 --note 'it was none'").status == 0)
            try eventually("it is public") {
                machine.get("/api/v1/sites/portal").map { $0.body.contains("window_seconds") } ?? false
            }
            let picture = Nginx.example.appending(path: "page.png").path
            let isWanted = ProcessInfo.processInfo.environment["FOOTFALL_SCREENSHOT"] != nil
            let folder = try TemporaryFolder()
            let place = isWanted ? picture : folder.path + "/page.png"
            _ = try Chromium.open(url + "index.html", screenshot: place)
            #expect(try Data(contentsOf: URL(filePath: place)).count > 5000)
        }

        private static func page() throws -> String {
            try String(contentsOf: Nginx.example.appending(path: "index.html"), encoding: .utf8)
        }

        /// The page with a place for each number, in place of one for all of them.
        private static func namedPage() throws -> String {
            try page().replacing(
                "<div data-footfall></div>",
                with:
                    "<p>Đang trực tuyến: <b data-footfall=\"online\">–</b> · Tổng truy cập: <b data-footfall=\"total\">–</b></p>"
            )
        }

        private static func today() throws -> String {
            try shell("date -u +%F").output.trimmingCharacters(in: .whitespacesAndNewlines)
        }

        @Test(
            "in a language that no browser knows, numbers lose only their separators",
            arguments: ["zh_Hant_TW", "vi_VN.UTF-8", "{{lang}}"])
        func oddLanguage(language: String) throws {
            let machine = try Machine(sites: ["portal"])
            let life = try machine.start()
            try life.becomeReady()
            let nginx = try Nginx(
                before: machine.httpPort,
                pages: ["odd.html": try Self.namedPage().replacing("\"vi\"", with: "\"\(language)\"")])
            let seen = try Chromium.open("http://127.0.0.1:\(nginx.port)/odd.html#access=secret")
            #expect(seen.contains("data-footfall=\"online\">1</b>"), "\(seen)")
        }

        @Test("without the daemon the page stays as it was written, without a message")
        func away() throws {
            let nginx = try Nginx(before: try freePort(), pages: ["named.html": try Self.namedPage()])
            let seen = try Chromium.open("http://127.0.0.1:\(nginx.port)/named.html")
            #expect(
                seen.contains("data-footfall=\"online\">–</b> · Tổng truy cập: <b data-footfall=\"total\">–</b>"),
                "\(seen)")
        }

        @Test(
            "a PHP page counts itself with a datagram and shows the numbers without a script",
            .enabled(if: PHP.isToBeHad))
        func php() throws {
            let machine = try Machine(sites: ["portal"])
            let life = try machine.start()
            try life.becomeReady()
            let page = try String(contentsOf: Nginx.example.appending(path: "index.php"), encoding: .utf8)
            let php = try PHP(["index.php": page], for: machine)
            #expect(try machine.command("start portal 57755").status == 0)
            // Each visitor has an address of this machine.
            let visits = try shell(
                """
                for i in {1..243}; do
                    curl -sf --interface 127.0.$((1 + i / 200)).$((1 + i % 200)) -A 'Mozilla/5.0 (X11)' \
                        http://127.0.0.1:\(php.port)/index.php > /dev/null || echo "no page $i"
                done
                """)
            #expect(visits.output == "", "\(visits)")
            try eventually("all are counted") { try machine.numbers().sites["portal"]?.views == 243 }
            let seen = try shell(
                "curl -sf --interface 127.0.1.2 -A 'Mozilla/5.0 (X11)' http://127.0.0.1:\(php.port)/index.php")
            #expect(seen.output.contains("Đang trực tuyến: <b>243</b> · Tổng truy cập: <b>57.998</b>"), "\(seen)")
            // Without the daemon it is still a page.
            #expect(life.stop() == 0)
            let page2 = try shell("curl -sf http://127.0.0.1:\(php.port)/index.php")
            #expect(page2.status == 0 && page2.output.contains("<b>–</b>"), "\(page2)")
        }

        @Test(
            "a page counted from two sources has each visitor once and its views twice, gets a warning, and is fixed",
            .enabled(if: PHP.isToBeHad))
        func both() throws {
            let machine = try Machine(
                sites: ["portal"], tables: ["http": "proxies = [\"127.0.0.1\"]", "site": "duplicate = \"0s\""])
            let life = try machine.start()
            try life.becomeReady()
            let page = try String(contentsOf: Nginx.example.appending(path: "index.php"), encoding: .utf8)
                .replacing(
                    "</head>", with: "<script async src=\"/thong-ke/footfall.js\" data-site=\"portal\"></script></head>"
                )
            let php = try PHP(["both.php": page], for: machine)
            let nginx = try Nginx(before: machine.httpPort, php: php)
            let url = "http://127.0.0.1:\(nginx.port)/both.php"
            func stats() throws -> String { try machine.command("stats portal --json").output }
            for _ in 0..<2 { _ = try Chromium.open(url) }
            try eventually("both sources are seen") {
                try stats().contains("\"visits\":1,\"views\":4,") && stats().contains("two_doors")
            }
            #expect(try stats().contains("\"visitors\":1,\"window_seconds\""))
            try machine.write(
                "footfall.toml",
                try String(contentsOf: machine.settings, encoding: .utf8) + "\nviews_from = \"browser\"\n")
            life.process.signal(SIGHUP)
            try eventually("it is fixed") { try !stats().contains("two_doors") }
            _ = try Chromium.open(url)
            try eventually("one view more") {
                try stats().contains("\"visits\":1,\"views\":5,")
            }
        }

        @Test("five commands lead from nothing to a right number on a page behind nginx")
        func fiveCommands() throws {
            let block = try #require(try Page.readme().blocks(of: "bash").first)
            let lines = block.split(separator: "\n").map(String.init)
            #expect(lines.count <= 5)
            // What the first one installs and builds exists: it runs this test.
            #expect(lines[0].hasPrefix("sudo apt-get install -y nginx-light && make build"))

            let folder = try TemporaryFolder()
            try FileManager.default.copyItem(atPath: Nginx.example.path, toPath: folder.path + "/Tests/Example")
            let (beacons, http, pages) = (try freePort(), try freePort(), try freePort())
            let file = folder.path + "/Tests/Example/nginx.conf"
            let configuration = try String(contentsOfFile: file, encoding: .utf8)
                .replacing("127.0.0.1:8080", with: "127.0.0.1:\(pages)").replacing(":7374", with: ":\(http)")
                .replacing("/tmp/footfall-example", with: folder.path + "/nginx")
            try Data(configuration.utf8).write(to: URL(filePath: file))
            // Its own state, ports and home. Everything else is as in the README.
            var script = """
                export HOME='\(folder.path)' XDG_RUNTIME_DIR='\(folder.path)/run' TZ=UTC; unset XDG_STATE_HOME STATE_DIRECTORY
                export FOOTFALL_BEACON_LISTEN=127.0.0.1:\(beacons) FOOTFALL_HTTP_LISTEN=127.0.0.1:\(http); cd '\(folder.path)'
                trap '/usr/sbin/nginx -p "$PWD/Tests/Example" -c nginx.conf -s stop; kill $(jobs -p); wait' EXIT
                wait_for() { for i in {1..200}; do curl -sf -o /dev/null "$1" && return; sleep 0.05; done; echo "no $1"; }

                """
            for line in lines.dropFirst() {
                script += line.replacing(".build/release/footfall", with: "'\(try footfallBinary())'") + "\n"
                // By hand, typing the next one takes longer.
                if line.hasSuffix("&") { script += "wait_for http://127.0.0.1:\(http)/readyz\n" }
                if line.hasPrefix("nginx") { script += "wait_for http://127.0.0.1:\(pages)/style.css\n" }
            }
            script += "echo ready; while [ ! -e over ]; do sleep 0.1; done\n"
            let process = try Child(
                "/bin/bash", ["-c", script], environment: ProcessInfo.processInfo.environment, input: "/dev/null",
                output: folder.path + "/output", errors: folder.path + "/errors")
            defer {
                _ = FileManager.default.createFile(atPath: folder.path + "/over", contents: nil)
                process.wait()
            }
            func said() throws -> String { try String(contentsOfFile: folder.path + "/output", encoding: .utf8) }
            try eventually("all is up") {
                guard process.isRunning else { throw Daemon.Failure(description: try said()) }
                return try said().contains("ready\n")
            }
            let output = try said()
            #expect(!output.contains("no http"), "\(output)")
            let seen = try Chromium.open("http://127.0.0.1:\(pages)/")
            #expect(seen.contains("Đang trực tuyến: 1<br>Tổng truy cập: 57.999</div>"), "\(seen)\n\(output)")
        }
    }
}
