import Foundation
import Testing

/// Copies of the state, and imports from and exports to other counters.
extension Hardship {
    @Suite(.serialized)
    struct BackupTests {
        @Test("a copy made under load is complete, and a daemon continues from it")
        func underLoad() throws {
            let rounds = isSoak ? 100 : 8
            let machine = try Machine(sites: ["demo", "portal"])
            var life = try machine.start()
            try life.becomeReady()
            let folder = try TemporaryFolder()
            let flood = try Child(
                "/usr/bin/env",
                [
                    try footfallBinary() + "-load", "send", "--port", "\(machine.beaconPort)", "--datagrams",
                    "10000000",
                    "--records", "4", "--visitors", "5000", "--rate", "3000",
                ], environment: ProcessInfo.processInfo.environment, input: "/dev/null", output: "/dev/null",
                errors: folder.path + "/errors")
            defer {
                flood.terminate()
                flood.wait()
            }
            var last = 0
            for round in 1...rounds {
                let before = try machine.numbers().sites["demo"]?.views ?? 0
                let made = try machine.command("backup '\(folder.path)/copy.db'")
                #expect(made.status == 0 && made.output.contains("read back and right"), "\(made)")
                let after = try machine.numbers().sites["demo"]?.views ?? 0
                // Restore into another state: its numbers are right, and its history is their sum.
                let other = try Machine(sites: ["demo", "portal"])
                let put = try other.command("restore '\(folder.path)/copy.db'")
                #expect(put.status == 0 && put.output.contains("is as it was at"), "\(put)")
                let restored = try other.start()
                try restored.becomeReady()
                let views = try other.numbers().sites["demo"]?.views ?? -1
                #expect(
                    views >= before && views <= after && views >= last, "round \(round): \(before), \(views), \(after)")
                let series = try #require(other.get("/api/v1/sites/demo/series?step=1d&metrics=views")).body
                let sum = series.firstMatch(of: /"views":\[([^\]]*)\]/).map {
                    $0.1.split(separator: ",").compactMap { Int($0) }.reduce(0, +)
                }
                #expect(sum == views)
                // So are its pages and referrers of the day.
                let site = try #require(other.get("/api/v1/sites/demo")).body
                let today = site.firstMatch(of: /"today":\{"visits":\d+,"views":(\d+)/).flatMap { Int($0.1) }
                for ranking in ["pages", "referrers"] {
                    let top = try #require(other.get("/api/v1/sites/demo/top/\(ranking)?limit=1000")).body
                    let rows = top.matches(of: /"(?:views|other)":(\d+)/).compactMap { Int($0.1) }
                    #expect(rows.reduce(0, +) == today, "\(ranking): \(top)")
                }
                #expect(try other.numbers().sites["demo"]?.online == 0)
                let audit = try other.command("audit").output
                #expect(audit.contains("restore") && audit.contains("are missing"), "\(audit)")
                last = views
                #expect(restored.stop() == 0)
            }
            // Restore in place of the original state, whose journal and ring now belong to another incarnation.
            #expect(try machine.command("restore '\(folder.path)/copy.db'").status != 0)
            #expect(life.kill() != 0)
            let put = try machine.command("restore '\(folder.path)/copy.db'")
            #expect(put.status == 0 && put.output.contains("what was there lies in"), "\(put)")
            life = try machine.start()
            try life.becomeReady()
            #expect((try machine.numbers().sites["demo"]?.views ?? 0) >= last)
            #expect(life.stop() == 0)
        }

        @Test("a damaged copy is not restored, and a failed backup leaves the existing copy")
        func damaged() throws {
            let machine = try Machine(sites: ["demo"])
            let life = try machine.start()
            try life.becomeReady()
            #expect(httpPost(machine.httpPort, "/hit", "s=demo&u=/", ["User-Agent: Mozilla/5.0"])?.status == 200)
            let folder = try TemporaryFolder()
            let copy = folder.path + "/copy.db"
            #expect(try machine.command("backup '\(copy)'").status == 0)
            let mode = try shell("stat -c %a '\(copy)'").output
            #expect(mode == "600\n")
            // Salts, the secrets of visitor hashes, must not outlive their day.
            let salts = try shell(
                "python3 -c \"import sqlite3; print(sqlite3.connect('\(copy)').execute('SELECT count(*) FROM salt').fetchone())\""
            )
            #expect(salts.output == "(0,)\n", "\(salts)")
            let whole = try Data(contentsOf: URL(filePath: copy))
            #expect(try machine.command("backup /proc/nowhere/copy.db").status != 0)
            let own = try machine.command("backup '\(machine.state)/footfall.db'")
            #expect(own.status == 69 && own.errors.contains("is the state itself"), "\(own)")
            let missing = try machine.command("restore '\(folder.path)/none.db'")
            #expect(missing.status == 66 && missing.errors.contains("none.db: No such file"), "\(missing)")
            #expect(life.stop() == 0)
            let before = try shell("cd '\(machine.state)' && sha256sum footfall.db").output
            var refused = 0
            // Unwritten parts are not read.
            let written = whole.indices.filter { whole[$0] != 0 }
            for place in stride(from: 0, to: written.count, by: written.count / 23).map({ written[$0] }) {
                var bytes = whole
                bytes[place] ^= 0x5a
                try bytes.write(to: URL(filePath: copy))
                let put = try machine.command("restore '\(copy)'")
                let after = try shell("cd '\(machine.state)' && sha256sum footfall.db").output
                if put.status == 0 {
                    // A byte that nothing reads may differ.
                    #expect(put.output.contains("demo: 1 visit, 1 view"), "byte \(place): \(put)")
                    let aside = try #require(put.output.firstMatch(of: /what was there lies in (.+)/)?.1)
                    _ = try shell("mv '\(aside)'/* '\(machine.state)/' && rmdir '\(aside)'")
                } else {
                    refused += 1
                    #expect(put.errors.contains("damaged") && after == before, "byte \(place): \(put)")
                }
            }
            #expect(refused >= 18)
            // Half a copy is refused, and an attempt leaves no files.
            try whole.prefix(whole.count / 2).write(to: URL(filePath: copy))
            #expect(try machine.command("restore '\(copy)'").status != 0)
            try whole.write(to: URL(filePath: copy))
            #expect(try machine.command("restore '\(copy)'").output.contains("demo: 1 visit, 1 view"))
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["copy.db"])
        }

        @Test(
            "exports of other counters are imported once, however often they are read, and our own days stay unchanged"
        )
        func imports() throws {
            let machine = try Machine(sites: ["demo"], timezone: "Asia/Ho_Chi_Minh")
            let life = try machine.start()
            try life.becomeReady()
            #expect(httpPost(machine.httpPort, "/hit", "s=demo&u=/", ["User-Agent: Mozilla/5.0"])?.status == 200)
            let today = try shell("TZ=Asia/Ho_Chi_Minh date +%F").output.trimmingCharacters(in: .whitespacesAndNewlines)
            let folder = try TemporaryFolder()
            func totals() throws -> [Int] {
                let site = try machine.numbers().sites["demo"]
                return [site?.visits ?? -1, site?.views ?? -1]
            }
            func read(_ text: String, _ options: String = "--site demo") throws -> (
                status: Int32, output: String, errors: String
            ) {
                let file = try folder.write("days.csv", text)
                return try machine.command("import '\(file.path)' \(options)")
            }
            let days = "day,visits,views\n2026-01-01,100,250\n2026-01-02,\"1,000\",3000\n\(today),77,77\n"
            let tried = try read(days, "--site demo --dry-run")
            #expect(tried.output.contains("2 days would be brought"), "\(tried)")
            try eventually("the hit is published") { try totals() == [1, 1] }
            for round in 0..<3 {
                let done = try read(days)
                #expect(done.status == 0 && done.output.contains("\(round == 0 ? 2 : 0) days brought"), "\(done)")
                #expect(done.output.contains("1 that Footfall counted itself are left"))
                #expect(try totals() == [1101, 3251])
            }
            // Our own export into another daemon, and the export of that.
            let export = try machine.command("export demo").output
            #expect(
                export.hasPrefix("site,day,visits,views,visitors,bots,peak_online\n\"demo\",2026-01-01,100,250,,0,0\n"),
                "\(export)")
            let other = try Machine(sites: ["demo"], timezone: "Asia/Ho_Chi_Minh")
            let otherLife = try other.start()
            try otherLife.becomeReady()
            let exported = try folder.write("export.csv", export)
            for _ in 0..<2 {
                #expect(try other.command("import '\(exported.path)'").status == 0)
                let site = try other.numbers().sites["demo"]
                #expect(site?.visits == 1101 && site?.views == 3251)
                // A day without visitors stays the same day.
                func days(_ table: String) -> [String] {
                    table.split(separator: "\n").map { $0.split(separator: ",").prefix(4).joined(separator: ",") }
                }
                #expect(try days(other.command("export demo").output) == days(export))
            }
            #expect(otherLife.stop() == 0)
            // GoatCounter: each line is a hit at a moment in UTC.
            let goat = """
                2Path,Title,Event,UserAgent,Browser,System,Session,Bot,Referrer,Referrer scheme,Screen size,Location,FirstVisit,Date
                /,"A ""title"", with
                all",false,x,,,1,0,,,,VN,true,2026-02-01T10:00:00Z
                /a,,false,x,,,1,0,,,,VN,true,2026-02-01T16:59:59Z
                /,,false,x,,,2,0,,,,VN,true,2026-02-01T17:00:00Z
                /,,false,x,,,3,7,,,,VN,true,2026-02-02T00:00:00Z
                click,,true,x,,,2,0,,,,VN,false,2026-02-02T00:00:00Z

                """
            for _ in 0..<2 {
                #expect(try read(goat).status == 0)
                #expect(try totals() == [1103, 3254])
            }
            #expect(try machine.command("export demo").output.contains("\"demo\",2026-02-02,1,1,"))
            // It compresses its export, and may continue from the last one. Then it has less of a day than we have.
            let part = try folder.write(
                "part.csv", goat.split(separator: "\n")[0] + "\n/b,,false,x,,,1,0,,,,VN,true,2026-02-01T16:59:59Z\n")
            #expect(try shell("gzip '\(part.path)'").status == 0)
            let fallen = try machine.command("import '\(part.path).gz' --site demo")
            #expect(fallen.status == 65 && fallen.errors.contains("1 day has more already"), "\(fallen)")
            // An import is all or nothing.
            let coming = try read("day,visits,views\n2026-02-05,5,5\n2099-01-01,7,7\n")
            #expect(coming.status == 65 && coming.errors.contains("2099-01-01 is still to come"), "\(coming)")
            #expect(try totals() == [1103, 3254])
            // NukeViet: one number, which may include the imported days.
            let nuke =
                "c_type,c_val,last_update,c_count,vi_count\nyear,2026,1,500,400\ntotal,hits,1795420183,57998,57000\n"
            let refused = try read(nuke)
            #expect(refused.status == 65 && refused.errors.contains("1,102 visits that were taken over"), "\(refused)")
            #expect(try totals() == [1103, 3254])
            for _ in 0..<2 {
                #expect(try read(nuke, "--site demo --on-top").output.contains("57,998 visits"))
                #expect(try totals() == [1103 + 57998, 3254])
            }
            // And the other way round.
            let more = "day,visits,views\n2026-01-03,5,5\n"
            #expect(try read(more).status == 65 && totals() == [1103 + 57998, 3254])
            #expect(try read(more, "--site demo --on-top").status == 0)
            #expect(try totals() == [1108 + 57998, 3259])
            // Importing the same again changes nothing.
            #expect(try read(more).output.contains("1 were so already"))
            for (text, words) in [
                ("", "nothing in it"), ("a,b\n1,2\n", "no column day"), ("day,visits\nx,1\n", "line 2 has no day"),
                ("day,visits\n2026-02-30,1\n", "line 2 has no day"),
                ("day,visits\n2026-01-01,x\n", "x is no number"),
                ("day,visits\n2026-01-01,\"12,5\"\n", "12,5 is no number"),
                ("day,visits\n2026-01-01,1\n2026-01-01,2\n", "there twice"),
                ("day,note\n2026-01-01,1\n", "neither visits nor views"),
            ] {
                let refused = try read(text)
                #expect(refused.status == 65 && refused.errors.contains(words), "\(refused)")
            }
            #expect(try totals() == [1108 + 57998, 3259])
        }
    }
}
