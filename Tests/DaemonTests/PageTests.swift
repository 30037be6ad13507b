import Foundation
import Testing

extension Hardship {
    /// What visitors of a site see: the example's page in a real browser, behind a real web server.
    @Suite(.serialized, .enabled(if: Nginx.isToBeHad && Chromium.isToBeHad, "needs nginx and chromium"))
    struct PageTests {
        @Test("the sidebar shows who is online and the total, in the page's language and the numbers' own")
        func sidebar() throws {
            let machine = try Machine(
                sites: ["portal"], tables: ["http": "proxies = [\"127.0.0.1\"]", "limits": "visitor_rate = \"1000/s\""])
            let life = try machine.start()
            try life.becomeReady()
            let page = try String(contentsOf: Nginx.example.appending(path: "index.html"), encoding: .utf8)
            let nginx = try Nginx(
                before: machine.httpPort,
                pages: [
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
            let seen = try Chromium.open(url + "index.html")
            #expect(seen.contains(">243</b> · Tổng truy cập: <b data-footfall=\"total\">57.998</b>"), "\(seen)")
            #expect(
                seen.contains("<div>Đang trực tuyến: 243</div><div>Tổng truy cập: 57.998</div>"), "\(seen)")
            let comma = try Chromium.open(url + "comma.html")
            #expect(comma.contains("<div>Đang trực tuyến: 243</div><div>Tổng truy cập: 57,998</div>"), "\(comma)")
            let english = try Chromium.open(url + "english.html")
            #expect(english.contains("<div>Online now: 243</div><div>Total visits: 57,998</div>"), "\(english)")

            // Pages seen are views of one visitor.
            // Online, total, visits, views.
            try eventually("everybody reads it") {
                try machine.command("stats portal --csv").output.contains(",243,57998,57998,245,")
            }

            let picture = Nginx.example.appending(path: "page.png").path
            let isWanted = ProcessInfo.processInfo.environment["FOOTFALL_SCREENSHOT"] != nil
            let folder = try TemporaryFolder()
            let place = isWanted ? picture : folder.path + "/page.png"
            _ = try Chromium.open(url + "index.html", screenshot: place)
            #expect(try Data(contentsOf: URL(filePath: place)).count > 5000)
        }

        @Test("with the daemon away the page stays as it was written, and a private number is not shown")
        func away() throws {
            let machine = try Machine(sites: ["portal"], tables: ["site": "public = [\"online\"]"])
            let life = try machine.start()
            try life.becomeReady()
            let nginx = try Nginx(before: machine.httpPort)
            let url = "http://127.0.0.1:\(nginx.port)/index.html"
            let seen = try Chromium.open(url)
            #expect(
                seen.contains("data-footfall=\"online\">1</b> · Tổng truy cập: <b data-footfall=\"total\">–</b>"),
                "\(seen)")
            #expect(seen.contains("<div>Đang trực tuyến: 1</div></div>"), "\(seen)")
        }
    }
}
