import Foundation
import Glibc
import Testing

/// Other settings for the real daemon while it runs.
@Suite(.serialized)
struct ReloadTests {
    @Test("a site is added and removed by command, and counted in between")
    func command() throws {
        let machine = try Machine()
        let life = try machine.start()
        try life.becomeReady()
        func views(_ site: String) throws -> Int? { try machine.numbers().sites[site]?.views }

        var said = try machine.command("site add shop --timezone Asia/Ho_Chi_Minh --public online --public today")
        #expect(said.status == 0 && said.output.contains("the daemon has read it"), "\(said)")
        machine.send("f1 s=shop&v=1&u=/")
        try eventually("it is counted") { try views("shop") == 1 }
        // Behind a proxy, a request comes from anybody.
        let seen = httpAsk(machine.httpPort, "/api/v1/sites/shop", ["Via: 1.1 proxy"])?.body ?? ""
        #expect(seen.contains("\"today\":{\"visits\":1") && !seen.contains("\"total\""), "\(seen)")
        #expect(seen.contains("Asia/Ho_Chi_Minh"))

        said = try machine.command("site add shop")
        #expect(said.status == 78 && said.errors.contains("is there already"), "\(said)")
        said = try machine.command("site add other --timezone Mars/Olympus")
        #expect(said.status == 78 && said.errors.contains("sites.d/other.toml:3:12"), "\(said)")
        #expect(try machine.command("check").status == 0, "a file with a mistake does not stay")
        #expect(try machine.command("site add .shop").status == 64)
        // A file without the site stays unchanged.
        try machine.write("sites.d/two.toml", "[[site]]\nname = \"two\"\n[[site]]\nname = \"three\"\n")
        #expect(try machine.command("site remove two").errors.contains("by hand"))
        #expect(try machine.command("check").output.contains("name = \"three\""))
        try machine.write("sites.d/two.toml", "")

        #expect(try machine.command("site remove shop").output.contains("its numbers are kept"))
        machine.send("f1 s=shop&v=2&u=/")
        try eventually("it is refused") {
            try machine.scrape()[#"ingest_rejected_beacons_total{reason="site_unknown"}"#] == 1
        }
        #expect(try views("shop") == 1)
        said = try machine.command("sites")
        #expect(said.output == (machine.sites + ["shop\tremoved\n"]).joined(separator: "\n"), "\(said)")
        #expect(try machine.command("site remove shop").status == 65)
        said = try machine.command("site remove demo")
        #expect(said.status == 78 && said.errors.contains("by hand"), "\(said)")

        // After a kill it has the same numbers, and continues when it is added again.
        life.kill()
        let next = try machine.start()
        try next.becomeReady()
        #expect(try machine.command("site add shop").status == 0)
        machine.send("f1 s=shop&v=3&u=/")
        try eventually("it continues") { try views("shop") == 2 }
        #expect(next.stop() == 0)
        #expect(try machine.complaints == [])
    }

    @Test("a site is added to the running daemon's settings, and not to others that its commands happen to name")
    func otherSettings() throws {
        let machine = try Machine()
        let life = try machine.start()
        try life.becomeReady()
        let folder = try TemporaryFolder()
        let other = try folder.write(
            "footfall.toml", "[state]\nruntime = \"\(machine.runtime)\"\n[[site]]\nname = \"demo\"\n")
        for line in ["site add shop", "setup shop --wait 0"] {
            let said = try shell("'\(try footfallBinary())' \(line) -c '\(other.path)'")
            #expect(said.status == 78 && said.output == "", "\(said)")
            #expect(said.errors.contains("was started with other settings than \(other.path), so nothing was changed"))
            #expect(said.errors.contains("name the file of that daemon with -c, or end that daemon first"))
        }
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/sites.d"))
        #expect(life.stop() == 0)
    }

    @Test("the daemon logs entries of its level from the start on, and of another level after a reload")
    func logLevel() throws {
        let machine = try Machine(sites: ["demo"], tables: ["log": "level = \"error\""])
        let quiet = try String(contentsOf: machine.settings, encoding: .utf8)
        let life = try machine.start()
        try life.becomeReady()
        #expect(try machine.said == "", "nothing of this level happened")
        func reload(to level: String) throws {
            try machine.write("footfall.toml", quiet.replacing("\"error\"", with: "\"\(level)\""))
            let answer = httpPost(machine.httpPort, "/api/v1/reload", "", [])
            #expect(answer?.status == 200 && answer?.body.contains("restart") == false, "\(String(describing: answer))")
        }
        try reload(to: "notice")
        #expect(try machine.said.matches(of: /Reloaded the settings/).count == 1)
        try reload(to: "critical")
        #expect(life.stop() == 0)
        let said = try machine.said
        #expect(said.matches(of: /Reloaded the settings/).count == 1 && !said.contains("Stopped"), "\(said)")
    }

    @Test("a mistake in any file keeps the old settings and is reported with its place, until the file is removed")
    func mistake() throws {
        let machine = try Machine()
        let life = try machine.start()
        try life.becomeReady()
        try machine.write("sites.d/good.toml", "[[site]]\nname = \"good\"\n")
        try machine.write("sites.d/wrong.toml", "[[site]]\nname = \"wrong\"\ncolour = \"red\"\n")
        life.process.signal(SIGHUP)
        try eventually("it is refused") { try machine.said.contains("wrong.toml:3:1") }
        #expect(try machine.scrape()["config_last_reload_successful"] == 0)
        #expect(try machine.numbers().sites["good"] == nil)
        machine.send("f1 s=demo&v=1&u=/")
        try eventually("it counts as before") { try machine.numbers().sites["demo"]?.views == 1 }

        try machine.write("sites.d/wrong.toml", "[[site]]\nname = \"wrong\"\n")
        life.process.signal(SIGHUP)
        try eventually("both are served") {
            let sites = try machine.numbers().sites
            return sites["good"] != nil && sites["wrong"] != nil
        }
        #expect(try machine.scrape()["config_last_reload_successful"] == 1)
        #expect(life.process.isRunning && life.stop() == 0)
    }

    @Test("missing settings and simultaneous changes leave no site that nobody named")
    func together() throws {
        let machine = try Machine()
        let life = try machine.start()
        try life.becomeReady()
        let binary = try footfallBinary()
        let both = try shell(
            "for i in 1 2 3 4; do '\(binary)' site add site-$i -c '\(machine.settings.path)' & done; wait")
        #expect(both.output.split(separator: "\n").count { $0.hasSuffix("the daemon has read it") } == 4, "\(both)")
        #expect(try (1...4).allSatisfy { try machine.numbers().sites["site-\($0)"] != nil })
        let text = try String(contentsOf: machine.settings, encoding: .utf8)
        try FileManager.default.removeItem(at: machine.settings)
        for i in 1...4 {
            #expect(
                try shell("rm '\(machine.settings.path.replacing("footfall.toml", with: ""))sites.d/site-\(i).toml'")
                    .status == 0)
        }
        life.process.signal(SIGHUP)
        try eventually("it is refused") { try machine.said.contains("The settings are not reloaded") }
        try machine.write("footfall.toml", text)
        machine.send("f1 s=site-1&v=1&u=/")
        try eventually("the old ones are in force") { try machine.numbers().sites["site-1"]?.views == 1 }
    }

    @Test("hosts, proxies, rates and the owner's rights change at once; settings that cannot are named")
    func keys() throws {
        let machine = try Machine()
        let life = try machine.start()
        try life.becomeReady()
        #expect(httpAsk(machine.httpPort, "/healthz", ["Host: stats.example"])?.status == 421)
        try machine.write(
            "footfall.toml",
            """
            [beacon]
            trusted = ["192.0.2.1"]
            [http]
            hosts = ["stats.example"]
            proxies = ["127.0.0.1"]
            [state]
            directory = "\(machine.state)"
            runtime = "\(machine.runtime)"
            sync = "100ms"
            [limits]
            visitor_rate = "1/s"
            [[site]]
            name = "demo"
            timezone = "UTC"
            """)
        let answer = try shell(
            "curl -s -X POST --unix-socket \(machine.runtime)/footfall.sock http://localhost/api/v1/reload")
        #expect(answer.output == "{\"notes\":[\"[state] sync waits for a restart\"],\"served\":null}", "\(answer)")
        #expect(httpAsk(machine.httpPort, "/healthz", ["Host: stats.example"])?.status == 200)
        #expect(machine.get("/api/v1/sites")?.status == 401, "local_admin is off")
        let hits = (1...9).map { _ in
            httpPost(
                machine.httpPort, "/hit", "s=demo&u=/", ["X-Forwarded-For: 192.0.2.9", "User-Agent: Mozilla/5.0"])?
                .status
        }
        #expect(hits.prefix(3) == [200, 200, 200] && hits.last == 429, "\(hits)")
        machine.send("f1 s=demo&v=1&u=/")
        try eventually("no proxy is trusted") {
            try machine.command("stats demo --json").output.contains("\"views\":1,")
                && shell("curl -s --unix-socket \(machine.runtime)/footfall.sock http://localhost/metrics")
                    .output.contains("datagrams_total{reason=\"untrusted\"} 1")
        }
        #expect(life.stop() == 0)
    }

    @Test("under load settings are reloaded again and again, and nothing is lost or counted twice")
    func load() throws {
        let machine = try Machine()
        let life = try machine.start()
        try life.becomeReady()
        let traffic = try KnownTraffic(to: machine, seed: 5, seconds: 4)
        for round in 1...10 {
            try machine.write("sites.d/more.toml", "[[site]]\nname = \"more-\(round)\"\n")
            life.process.signal(SIGHUP)
            try eventually("it is reloaded") { try machine.numbers().sites["more-\(round)"] != nil }
        }
        let complaints = try traffic.finish().complaints
        #expect(complaints == [], "\(complaints)")
        let before = try machine.numbers()
        life.kill()
        let next = try machine.start()
        try next.becomeReady()
        #expect(try machine.numbers() == before)
    }

    @Test("a site is added while pages are counted without pause")
    func pages() throws {
        let machine = try Machine()
        let life = try machine.start()
        try life.becomeReady()
        #expect(try machine.command("site add page-0").status == 0)
        let pages = try Child(
            "/bin/bash",
            [
                "-c",
                "while curl -s -o /dev/null -A Mozilla/5.0 -d 's=page-0&u=/' http://127.0.0.1:\(machine.httpPort)/hit; do :; done",
            ], environment: ["PATH": "/usr/bin:/bin"], input: "/dev/null", output: "/dev/null", errors: "/dev/null")
        defer {
            pages.signal(SIGKILL)
            pages.wait()
        }
        for round in 1...5 {
            #expect(try machine.command("site add page-\(round)").status == 0)
        }
        #expect(try (1...5).allSatisfy { try machine.numbers().sites["page-\($0)"] != nil })
    }

    @Test(
        "settings that cannot be written to the disk apply only when they can",
        .enabled(if: Fault.isToBeHad, "needs strace and the right to trace"))
    func unwritten() throws {
        let machine = try Machine()
        let life = try machine.start()
        try life.becomeReady()
        let fault = try Fault("pwritev", "error=ENOSPC", of: life)
        let said = try machine.command("site add shop")
        #expect(said.status == 78 && said.errors.contains("nothing was changed"), "\(said)")
        #expect(try machine.numbers().sites["shop"] == nil)
        fault.end()
        #expect(try machine.command("site add shop").status == 0)
        machine.send("f1 s=shop&v=1&u=/")
        try eventually("it is counted") { try machine.numbers().sites["shop"]?.views == 1 }
    }

    @Test("the whole audit is exported, at once and after a kill, as text, table and JSON")
    func audit() throws {
        let machine = try Machine()
        let life = try machine.start()
        try life.becomeReady()
        #expect(try machine.command("start demo 50000 --note 'the \"old\" one, 2019'").status == 0)
        #expect(
            try machine.command("correct second.site --day 2026-01-01 --visits -3 --note '=HYPERLINK(1)'").status == 0)
        let table = try machine.command("audit --csv").output
        let lines = table.split(separator: "\n")
        try #require(lines.count == 3)
        #expect(lines[0] == "at,kind,site,day,visits,views,former_visits,former_views,by,note")
        #expect(lines[1].hasSuffix(#",start,demo,,50000,0,0,0,"local","the ""old"" one, 2019""#), "\(table)")
        #expect(
            lines[2].hasSuffix(#",correction,second.site,2026-01-01,-3,0,0,0,"local","'=HYPERLINK(1)""#), "\(table)")
        #expect(try machine.command("audit demo").output.contains("demo  starts from 50,000 visits (before: 0)"))
        life.kill()
        let next = try machine.start()
        try next.becomeReady()
        #expect(try machine.command("audit --csv").output == table)
        #expect(try machine.command("start demo 57998").status == 0)
        let json = try machine.command("audit --json").output
        #expect(json.contains(#""visits":57998,"views":0,"former_visits":50000,"former_views":0"#), "\(json)")
        // Only the owner can read who changed what.
        #expect(httpAsk(machine.httpPort, "/api/v1/audit", ["X-Forwarded-For: 192.0.2.1"])?.status == 401)
    }

    @Test("without a terminal, top shows every site once, the busiest first, with its warnings")
    func top() throws {
        let machine = try Machine()
        let life = try machine.start()
        try life.becomeReady()
        for i in 1...60 { machine.send("f1 s=second.site&i=192.0.2.1&a=Mozilla/5.0+\(i)&u=/") }
        machine.send("f1 s=demo&v=1&u=/")
        try eventually("they are counted") { try machine.numbers().sites["second.site"]?.views == 60 }
        let said = try machine.command("top")
        // After the warning.
        let lines = said.output.split(separator: "\n", omittingEmptySubsequences: false).dropFirst(2).map(String.init)
        #expect(said.status == 0 && lines[0].hasPrefix("site ") && lines[1].hasPrefix("second.site "), "\(said)")
        #expect(lines[2].hasPrefix("demo ") && lines[3].hasPrefix("third_site "))
        #expect(said.output.contains("second.site: More than nine in ten views come from one address"))
        #expect(try machine.command("top demo").output.contains("online now      1"))
        #expect(try machine.command("top nobody").status == 65)
        // On a terminal it runs until it is ended, and leaves the screen as it was.
        let binary = try footfallBinary()
        let screen = try shell(
            "timeout 40 script -qec \"timeout -s INT 8 '\(binary)' top -c '\(machine.settings.path)'\" /dev/null < /dev/null"
        )
        #expect(screen.output.hasPrefix("\u{1b}[?1049h") && screen.output.contains("second.site"), "\(screen)")
        #expect(screen.output.hasSuffix("\u{1b}[?25h\u{1b}[?1049l"), "\(screen)")
    }
}
