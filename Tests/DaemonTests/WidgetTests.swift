import Foundation
import Testing

extension Hardship {
    /// The widget in a real browser, driven like a visitor's.
    @Suite(.serialized, .enabled(if: Nginx.isToBeHad && Driver.isToBeHad, "needs nginx, chromium and chromedriver"))
    struct WidgetTests {
        /// A site whose daemon runs behind nginx, with pages of the test.
        private final class Stage {
            let machine: Machine
            let life: Life
            let nginx: Nginx
            var url: String { "http://127.0.0.1:\(nginx.port)/" }

            init(
                _ pages: [String: String], sites: [String] = ["portal"],
                numbers: [String] = ["online", "total", "views", "visits"], logging: Bool = false
            ) throws {
                machine = try Machine(
                    sites: sites,
                    tables: [
                        "http": "proxies = [\"127.0.0.1\"]",
                        "site": "duplicate = \"0s\"\npublic = \(numbers)",
                    ])
                life = try machine.start()
                try life.becomeReady()
                let log = "access_log syslog:server=127.0.0.1:\(machine.beaconPort),tag=ff_portal combined;"
                nginx = try Nginx(before: machine.httpPort, pages: pages, lines: logging ? log : "")
            }

            /// Requests of `/hit` with status 200.
            func hits() throws -> Int {
                let token = try machine.command("token create t\(Int.random(in: 0...99_999))").output.split(
                    separator: "\n")[0]
                let metrics = httpAsk(machine.httpPort, "/metrics", ["Authorization: Bearer \(token)"])?.body ?? ""
                let found = metrics.firstMatch(of: /footfall_http_requests_total\{route="\/hit",code="200"\} (\d+)/)
                return found.flatMap { Int($0.1) } ?? 0
            }

            func stats() throws -> String { try machine.command("stats portal --json").output }
        }

        private static func page(
            _ body: String = "<b data-footfall=\"views\">–</b>", lang: String = "en", head: String = "",
            script: String = "data-site=\"portal\""
        ) -> String {
            """
            <!doctype html><html lang="\(lang)"><head><meta charset="utf-8"><link rel="icon" href="data:,"><title>t</title>\(head)
            <script async src="/thong-ke/footfall.js" \(script)></script></head><body>\(body)</body></html>
            """
        }

        private static let views = "document.querySelector('[data-footfall=views]').innerText"

        @Test("an application that never loads another page has a view for each path, none for a fragment or a query")
        func application() throws {
            let stage = try Stage(["app.html": Self.page()])
            let seen = try Driver.run(
                [
                    "open \(stage.url)app.html?a=1#b", "until \(Self.views) == '1'",
                    "run location.hash = 'c'", "run history.replaceState({}, '', '?a=2')",
                    "run history.pushState({}, '', '/app/news')", "until \(Self.views) == '2'",
                    "run history.pushState({}, '', '/app/news')", "run history.pushState({}, '', '/app/about')",
                    "until \(Self.views) == '3'", "back", "back", "until \(Self.views) == '4'",
                    "errors",
                ])
            #expect(seen == ["[]"])
            let state = try stage.machine.command("stats portal --json").output
            #expect(state.contains("\"visits\":1,\"views\":4,"), "\(state)")
        }

        @Test("a page that returns from the browser's memory is viewed once more")
        func memory() throws {
            let stage = try Stage([
                "a.html": Self.page(
                    head: "<script>onpageshow = e => document.title = 'persisted ' + e.persisted</script>"),
                "other.html": "<!doctype html><title>other</title>",
            ])
            let seen = try Driver.run([
                "open \(stage.url)a.html", "until \(Self.views) == '1'", "open \(stage.url)other.html", "back",
                "until \(Self.views) == '2'", "get document.title",
            ])
            #expect(seen == ["\"persisted true\""])
            // One request for each view.
            #expect(try stage.hits() == 2)
        }

        @Test("in a browser that does not report page changes, the application is checked every second")
        func olderBrowser() throws {
            let stage = try Stage(["app.html": Self.page()])
            let without = "Object.defineProperty(window, 'navigation', { value: undefined })"
            let seen = try Driver.run([
                "cdp Page.addScriptToEvaluateOnNewDocument {\"source\":\"\(without)\"}", "open \(stage.url)app.html",
                "until \(Self.views) == '1'", "run history.pushState({}, '', '/deep/er/page')",
                "until \(Self.views) == '2'", "errors",
            ])
            #expect(seen.last == "[]")
        }

        @Test(
            "a place without a number keeps its content, and so do all places while nothing can be stored",
            .enabled(if: Fault.isToBeHad, "needs strace and the right to trace"))
        func untouched() throws {
            let written =
                "<b data-footfall='peak'><i>not <u>yet</u></i></b><div data-footfall><i>–</i></div>"
            let stage = try Stage(["page.html": Self.page(written + "<b data-footfall='views'>–</b>")])
            let markup = "get document.querySelector('[data-footfall=peak]').innerHTML"
            #expect(
                try Driver.run(["open \(stage.url)page.html", "until \(Self.views) == '1'", markup])
                    == ["\"<i>not <u>yet</u></i>\""])
            let fault = try Fault("pwritev", "error=ENOSPC", of: stage.life)
            let seen = try Driver.run([
                "open \(stage.url)page.html",
                "until performance.getEntriesByType('resource').some(e => e.name.endsWith('/hit') && e.responseStatus == 503)",
                // Any reaction of the script happens before another response arrives.
                "run fetch('/style.css').then(() => window.later = 1)", "until window.later",
                "get document.body.innerHTML",
                "errors",
            ])
            #expect(
                seen[0].replacing("\\\"", with: "'").contains(
                    written.replacing("data-footfall>", with: "data-footfall=''>")), "\(seen)")
            // The browser's own message, and nothing else.
            #expect(seen[1].contains("503") && seen[1].count { $0 == "," } == 0, "\(seen[1])")
            fault.end()
            // It was not counted.
            _ = try Driver.run(["open \(stage.url)page.html", "until \(Self.views) == '2'"])
        }

        @Test(
            "the lines of footfall snippet count a page under the policy that it prints for them",
            arguments: [["--csp"], ["--csp", "--sri"], ["--csp", "--lang", "vi_VN"]])
        func snippet(flags: [String]) throws {
            let machine = try Machine(sites: ["portal"])
            let life = try machine.start()
            try life.becomeReady()
            // The script is on another origin than the page.
            let url = "http://127.0.0.1:\(machine.httpPort)/"
            let printed = try machine.command("snippet portal --url \(url) " + flags.joined(separator: " ")).output
            let policy = try #require(printed.firstMatch(of: /Content-Security-Policy: (.*)\n/)?.1)
            let head =
                "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \(policy) data:\"><link rel=icon href=data:,>"
            let nginx = try Nginx(
                before: machine.httpPort,
                pages: [
                    "page.html": "<!doctype html><html lang=en><meta charset=utf-8>\(head)<title>t</title>\(printed)"
                ])
            let seen = try Driver.run([
                "open http://127.0.0.1:\(nginx.port)/page.html", "until document.querySelector('div').innerText",
                "errors",
                "get document.querySelector('div').innerText",
            ])
            #expect(seen == ["[]", "\"Online now: 1\\nTotal visits: 1\""], "\(seen)")
        }

        @Test(
            "a page that is also in the log has each visitor once, a warning, and views of one source when that is set"
        )
        func logAndScript() throws {
            let stage = try Stage(["page.html": Self.page()], logging: true)
            for _ in 0..<2 { _ = try Driver.run(["open \(stage.url)page.html", "until +\(Self.views) > 0"]) }
            try eventually("one visitor, views twice, and a word about it: \(try stage.stats())") {
                try stage.stats().contains("\"visits\":1,\"views\":4,") && stage.stats().contains("two_doors")
            }
            #expect(try stage.stats().contains("\"today\":{\"visits\":1,\"views\":4,\"visitors\":1}"))
            #expect(try stage.stats().contains("\"online\":{\"visitors\":1,"))
        }

        @Test("a prerendered page counts when it is shown, and not before")
        func renderedAhead() throws {
            let rules =
                #"<script type="speculationrules">{"prerender":[{"urls":["/next.html"],"eagerness":"immediate"}]}</script>"#
            let note = "<script>document.onprerenderingchange = () => document.title = 'was prerendered'</script>"
            let stage = try Stage([
                "first.html": Self.page(head: rules), "next.html": Self.page(head: note),
                "image.html": "<!doctype html><title>x</title>",
            ])
            let seen = try Driver.run([
                "open \(stage.url)first.html", "until \(Self.views) == '1'",
                // Enough time to render: another request of the page gets its response in the meantime.
                "run window.ready = 0; setTimeout(() => ready = 1, 1500)", "until window.ready",
                "run fetch('/thong-ke/api/v1/sites/portal').then(a => a.json()).then(a => window.before = a.total.views)",
                "until window.before", "get before",
                "run location.href = '/next.html'", "until document.URL.endsWith('next.html') && \(Self.views) == '2'",
                "get document.title",
            ])
            #expect(seen == ["1", "\"was prerendered\""])
        }

        @Test(
            "a viewer is online: a ping a minute, none from a tab behind another, and one when it is in front again"
        )
        func pings() throws {
            let stage = try Stage(["index2.html": Self.page(), "other.html": "<!doctype html><title>other</title>"])
            // The page's own clock is moved by hand, from the other tab too. That tab receives the state of the page
            // then, and the number of its requests.
            let clock =
                "window.now = 0; Date.now = () => 1e12 + now; const tick = []; "
                + "setInterval = f => tick.push(f); window.pass = ms => { now += ms; tick.forEach(f => f()) }; "
                + "window.asked = 0; const ask = fetch; window.fetch = (...what) => { asked++; return ask(...what) }; "
                + "window.clock = new BroadcastChannel('clock'); "
                + "clock.onmessage = e => { pass(e.data); localStorage.passed = document.visibilityState + asked }"
            _ = try Driver.run([
                "cdp Page.addScriptToEvaluateOnNewDocument {\"source\":\"\(clock)\"}",
                "open \(stage.url)index2.html", "until \(Self.views) == '1'", "run pass(60000)", "run pass(60000)",
                "run pass(1000)", "tab \(stage.url)other.html",
                "run new BroadcastChannel('clock').postMessage(60000)", "until localStorage.passed == 'hidden3'",
                "first", "until document.visibilityState == 'visible' && asked == 4",
            ])
            // One view, and three pings besides.
            try eventually("four hits: \(try stage.hits())") { try stage.hits() == 4 }
            #expect(try stage.stats().contains("\"visits\":1,\"views\":1,"))
        }

        @Test("under the strictest policy, in the numbers of each language, readable by a screen reader")
        func languages() throws {
            let policy =
                "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; script-src 'self'; "
                + "connect-src 'self'; require-trusted-types-for 'script'; trusted-types 'none'\">"
            let languages = [
                ("vi", "Tổng truy cập: 1.234.567"), ("en", "Total visits: 1,234,567"),
                ("fr", "Total des visites: 1\u{202f}234\u{202f}567"), ("hi", "Total visits: 12,34,567"),
                ("ar-EG", "Total visits: ١٬٢٣٤٬٥٦٧"), ("vi_VN", "Tổng truy cập: 1.234.567"),
            ]
            let stage = try Stage(
                Dictionary(
                    uniqueKeysWithValues: languages.map {
                        ("\($0.0).html", Self.page("<div data-footfall></div>", lang: $0.0, head: policy))
                    }))
            #expect(try stage.machine.command("start portal 1234566").status == 0)
            for (language, text) in languages {
                let seen = try Driver.run([
                    "open \(stage.url)\(language).html", "until document.querySelector('div').innerText",
                    "get document.querySelector('div').innerText", "errors", "cdp Accessibility.getFullAXTree {}",
                ])
                #expect(seen[0].contains(text), "\(seen[0])")
                #expect(seen[1] == "[]")
                #expect(seen[2].contains("StaticText") && !seen[2].contains("\"live\""), "\(language)")
            }
        }

        @Test("two sites on a page each fill their own places")
        func twoSites() throws {
            let page = Self.page(
                "<i data-footfall=\"views\">–</i><b data-footfall=\"views\">–</b>",
                head: "<script async src=\"/thong-ke/footfall.js\" data-site=\"second\" data-places=\"i\"></script>",
                script: "data-site=\"portal\" data-places=\"b\"")
            let stage = try Stage(["both.html": page], sites: ["portal", "second"])
            #expect(try stage.machine.command("start second 0 --views 41").status == 0)
            let seen = try Driver.run([
                "open \(stage.url)both.html", "until document.querySelector('b').innerText == '1'",
                "until document.querySelector('i').innerText == '42'", "errors",
            ])
            #expect(seen == ["[]"])
        }

        @Test("a theme made for busuanzi works after a change of its script's address")
        func busuanzi() throws {
            let page = """
                <!doctype html><html lang="zh-CN"><meta charset="utf-8"><script async src="/thong-ke/busuanzi.js?site=portal"></script>
                <span id="busuanzi_container_site_pv" style="display:none">本站总访问量<span id="busuanzi_value_site_pv"></span>次</span>
                <span id="busuanzi_container_site_uv" style="display:none">访客<span id="busuanzi_value_site_uv"></span>人</span>
                <span id="busuanzi_container_page_pv" style="display:none"><span id="busuanzi_value_page_pv"></span></span>
                """
            // By default, and with a public number of views. No sentence is shown without its number.
            for (numbers, text) in [
                (["online", "total"], "访客1人"), (["total", "views"], "本站总访问量2次 访客1人"),
            ] {
                let stage = try Stage(["theme.html": page], numbers: numbers)
                if numbers.contains("views") {
                    #expect(try stage.machine.command("start portal 0 --views 1").status == 0)
                }
                let seen = try Driver.run([
                    "open \(stage.url)theme.html", "until document.body.innerText.includes('访客')",
                    "get document.body.innerText.trim()",
                ])
                #expect(seen == ["\"\(text)\""])
            }
            let away = try Nginx(before: try freePort(), pages: ["theme.html": page])
            let seen = try Driver.run([
                "open http://127.0.0.1:\(away.port)/theme.html", "get document.body.innerText.trim()",
            ])
            #expect(seen == ["\"\""])
        }
    }
}

/// Chromium by WebDriver.
enum Driver {
    static let isToBeHad: Bool = {
        do { return try shell("command -v chromedriver").status == 0 && Chromium.isToBeHad } catch { return false }
    }()

    /// Runs steps (listed in `Widget/drive.py`) and returns their output, one line each.
    static func run(_ steps: [String]) throws -> [String] {
        let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Widget/drive.py").path
        let folder = try TemporaryFolder()
        let file = try folder.write("steps", steps.joined(separator: "\n") + "\n")
        let run = try shell("python3 '\(script)' <'\(file.path)'")
        guard run.status == 0 else { throw Daemon.Failure(description: run.errors) }
        return run.output.split(separator: "\n").map(String.init)
    }
}
