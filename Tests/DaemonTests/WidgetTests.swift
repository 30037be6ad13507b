import Foundation
import Testing

extension Hardship {
    /// The widget in a real browser that is driven like a visitor drives it.
    @Suite(.serialized, .enabled(if: Nginx.isToBeHad && Driver.isToBeHad, "needs nginx, chromium and chromedriver"))
    struct WidgetTests {
        /// A site whose daemon runs behind nginx, with pages of the test.
        private final class Stage {
            let machine: Machine
            let life: Life
            let nginx: Nginx
            var url: String { "http://127.0.0.1:\(nginx.port)/" }

            init(_ pages: [String: String], sites: [String] = ["portal"], hosts: String = "") throws {
                machine = try Machine(
                    sites: sites,
                    tables: [
                        "http": "proxies = [\"127.0.0.1\"]",
                        "site": "duplicate = \"0s\"\npublic = [\"online\", \"total\", \"views\", \"visits\"]",
                    ])
                life = try machine.start()
                try life.becomeReady()
                nginx = try Nginx(before: machine.httpPort, pages: pages)
            }
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

        @Test("an application that never loads another page: a view for each path, none for a fragment or a query")
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

        @Test("a page that comes back out of the browser's memory is seen once more")
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
        }

        @Test("a page that is rendered ahead counts when it is shown, and not before")
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
                // Time enough to render: another request of the page is answered meanwhile.
                "run window.ready = 0; setTimeout(() => ready = 1, 1500)", "until window.ready",
                "run location.href = '/next.html'", "until document.URL.endsWith('next.html') && \(Self.views) == '2'",
                "get document.title",
            ])
            #expect(seen == ["\"was prerendered\""])
        }

        @Test("who looks is online: a ping a minute, and none from a tab in the background")
        func pings() throws {
            let stage = try Stage(["index2.html": Self.page()])
            // The page's own clock is moved by hand.
            let clock =
                "window.now = 0; Date.now = () => 1e12 + now; const tick = []; "
                + "setInterval = f => tick.push(f); window.pass = ms => { now += ms; tick.forEach(f => f()) }"
            _ = try Driver.run([
                "cdp Page.addScriptToEvaluateOnNewDocument {\"source\":\"\(clock)\"}",
                "open \(stage.url)index2.html", "until \(Self.views) == '1'", "run pass(60000)", "run pass(60000)",
                "run pass(1000)",
                "run Object.defineProperty(document, 'hidden', { value: true, configurable: true }); pass(60000)",
            ])
            // The view and two pings.
            let token = try stage.machine.command("token create panel").output.trimmingCharacters(
                in: .whitespacesAndNewlines)
            try eventually("two pings and no more") {
                httpAsk(stage.machine.httpPort, "/metrics", ["Authorization: Bearer \(token)"])?.body
                    .contains(#"footfall_http_requests_total{route="/hit",code="200"} 3"#) ?? false
            }
        }

        @Test("under the strictest policy, in the numbers of each language, readable by a screen reader")
        func languages() throws {
            let policy =
                "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; script-src 'self'; "
                + "connect-src 'self'; require-trusted-types-for 'script'; trusted-types 'none'\">"
            let languages = [
                ("vi", "Tổng truy cập: 1.234.567"), ("en", "Total visits: 1,234,567"),
                ("fr", "Total des visites: 1\u{202f}234\u{202f}567"), ("hi", "Total visits: 12,34,567"),
                ("ar-EG", "Total visits: ١٬٢٣٤٬٥٦٧"),
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

        @Test("two sites on a page each fill the places that are theirs")
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

        @Test("a theme made for busuanzi is filled by changing its script's address")
        func busuanzi() throws {
            let page = """
                <!doctype html><html lang="zh-CN"><meta charset="utf-8"><script async src="/thong-ke/busuanzi.js?site=portal"></script>
                <span id="busuanzi_container_site_pv" style="display:none">本站总访问量<span id="busuanzi_value_site_pv"></span>次</span>
                <span id="busuanzi_container_page_pv" style="display:none"><span id="busuanzi_value_page_pv"></span></span>
                """
            let stage = try Stage(["theme.html": page])
            let seen = try Driver.run([
                "open \(stage.url)theme.html", "until document.body.innerText.includes('本站总访问量1次')",
                "get document.body.innerText.trim()",
            ])
            #expect(seen == ["\"本站总访问量1次\""])
        }
    }
}

/// Chromium by WebDriver.
enum Driver {
    static let isToBeHad: Bool = {
        do { return try shell("command -v chromedriver").status == 0 && Chromium.isToBeHad } catch { return false }
    }()

    /// Runs steps (`Widget/drive.py` says which there are) and gives what they print, a line each.
    static func run(_ steps: [String]) throws -> [String] {
        let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Widget/drive.py").path
        let folder = try TemporaryFolder()
        let file = try folder.write("steps", steps.joined(separator: "\n") + "\n")
        let run = try shell("python3 '\(script)' <'\(file.path)'")
        guard run.status == 0 else { throw Daemon.Failure(description: run.errors) }
        return run.output.split(separator: "\n").map(String.init)
    }
}
