import Foundation
import Glibc
import Testing

/// The numbers of a site that `footfall count` and the daemon must agree on.
private struct Numbers: Decodable, Equatable {
    struct Online: Decodable, Equatable {
        struct Peak: Decodable, Equatable { let visitors: Int }
        let visitors: Int
        let peak: Peak
        let peak_today: Peak
    }
    struct Total: Decodable, Equatable {
        let visits: Int
        let views: Int
    }
    struct Span: Decodable, Equatable {
        let visits: Int
        let views: Int
        let visitors: Int
    }
    struct Bots: Decodable, Equatable { let total: Int }
    struct Rejected: Decodable, Equatable { let total: Int }
    struct Window: Decodable, Equatable {
        let visits: Int
        let views: Int
    }
    let site: String
    let online: Online
    let total: Total
    let today: Span
    let bots: Bots
    let rejected: Rejected
    let windows: [String: Window]
}

private struct Sites: Decodable { let sites: [Numbers] }

/// Beacons that use every rule: visitors of three kinds, reloads, pings, bots, junk, batches, other sites.
private func beacons() -> [String] {
    var beacons: [String] = []
    for i in 0..<400 {
        switch i % 8 {
        case 0:
            beacons.append(
                "f1 s=demo&i=203.0.113.\(i % 50)&u=/tin-tuc/\(i % 11)&r=https://www.google.com/&a=Mozilla/5.0")
        case 1: beacons.append("f1 s=demo&v=reader\(i % 23)&u=https%3A%2F%2Fdemo.example%2F%C4%91%E1%BA%A1i?x=1")
        case 2: beacons.append("f1 s=shop&v=reader\(i % 23)&n=ping")
        case 3: beacons.append("f1 s=demo&u=/&i=2001:db8::\(i)&a=Googlebot/2.1")
        case 4: beacons.append("f1 s=nobody&u=/")
        case 5: beacons.append("f1 s=shop\nv=a\(i)&u=/\nv=b\(i % 16)&u=/x\nv=c&u=/x&n=click")
        case 6: beacons.append(i % 16 == 6 ? "f2 s=demo&u=/" : "no beacon at all")
        default: beacons.append("f1 s=demo&u=/without-visitor&r=https%3A%2F%2Fdemo.example%2F")
        }
    }
    return beacons
}

@Test("footfall count and the daemon give the same numbers for the same beacons")
func countAgreesWithDaemon() throws {
    let sites =
        "[[site]]\nname = \"demo\"\nhosts = [\"demo.example\"]\ntimezone = \"UTC\"\nduplicate = \"0s\"\n"
        + "[[site]]\nname = \"shop\"\ntimezone = \"UTC\"\nduplicate = \"0s\""
    let daemon = try Daemon(sites: sites)
    let socket = try Sender(port: daemon.beaconPort)
    let sent = beacons()
    for beacon in sent { try socket.send(beacon) }

    // A recording has one record a line, so a batch becomes several lines.
    let now = Date().timeIntervalSince1970
    let lines = sent.flatMap { beacon -> [String] in
        let records = beacon.split(separator: "\n").map(String.init)
        return records.count == 1 ? records : records.dropFirst().map { "\(records[0])&\($0)" }
    }
    let recording = lines.map { "\(String(format: "%.3f", now)) \($0)" }.joined(separator: "\n")
    let folder = try TemporaryFolder()
    let file = try folder.write("beacons", recording)
    let counted = try footfall(["count", file.path, "-c", daemon.settings.path, "--json"])
    #expect(counted.status == 0, "\(counted.errors)")
    let expected = try JSONDecoder().decode(Sites.self, from: Data(counted.output.utf8)).sites
    #expect(expected.map(\.total.views).allSatisfy { $0 > 50 })

    var live: [Numbers] = []
    try eventually("the daemon has counted them all") {
        let answer = try footfall(["stats", "--json", "-c", daemon.settings.path])
        live = try JSONDecoder().decode(Sites.self, from: Data(answer.output.utf8)).sites
        return live.map(\.total) == expected.map(\.total) && live.map(\.rejected) == expected.map(\.rejected)
    }
    #expect(live == expected)
    #expect(daemon.stop() == 0)
}

@Test("footfall count explains every line and adds up")
func explain() throws {
    let folder = try TemporaryFolder()
    let recording = try folder.write(
        "beacons",
        """
        1795420000 f1 s=demo&v=a&u=/
        1795420000.5 f1 s=demo&v=a&u=/
        1795420001 f1 s=demo&v=a&u=/&a=Googlebot
        1795420002 f1 s=demo&v=a&n=ping
        1795420003 f1 u=/
        1795420004 f1 s=demo
        1795420005 f2 s=demo
        yesterday f1 s=demo&u=/
        999999999999 f1 s=demo&u=/
        1795420006 hello
        """)
    let explained = try footfall(["count", recording.path, "--explain"])
    let became = explained.output.split(separator: "\n").prefix(10).map { $0.split(separator: ": ", maxSplits: 1)[1] }
    #expect(
        became == [
            "view", "duplicate", "bot", "ping", "rejected: site_missing", "rejected: empty", "rejected: version",
            "rejected: syntax (no line of a known format with a date)",
            "rejected: syntax (no line of a known format with a date)",
            "rejected: syntax",
        ])
    let json = try footfall(["count", recording.path, "--json"]).output
    #expect(
        json.contains(
            #""input":{"lines":10,"views":1,"pings":1,"bots":1,"duplicates":1,"#
                + #""rejected":{"empty":1,"version":1,"syntax":3,"site_missing":1}}"#))
}

@Test("a line longer than a datagram is refused as oversize, wherever its fields are")
func longLine() throws {
    let folder = try TemporaryFolder()
    let padding = String(repeating: "a", count: 65_512)
    let long = try folder.write("long", "1795420000 f1 u=/\(padding)&s=demodemodemo\n")
    let counted = try footfall(["count", long.path, "--json"])
    #expect(counted.status == 0 && counted.output.contains(#""rejected":{"oversize":1}"#), "\(counted.errors)")
}

@Test("several files count in the order of their first stamps, and a report may be for a later moment only")
func filesInOrder() throws {
    let folder = try TemporaryFolder()
    let late = try folder.write("late", "1795420300 f1 s=demo&v=a&u=/2\n")
    let early = try folder.write("early", "1795420000 f1 s=demo&v=a&u=/1\n")
    let both = try footfall(["count", late.path, early.path, "--json"]).output
    #expect(both.contains(#""visits":1,"views":2"#) && both.contains(#""as_of":"2026-11-23T07:51:40Z""#))
    let ahead = try footfall(["count", early.path, "--at", "2026-11-23T07:51:40Z", "--json"]).output
    #expect(ahead.contains(#""online":{"visitors":0,"#))
    let back = try footfall(["count", early.path, "--at", "1795419999"])
    #expect(back.status == 64 && back.errors.contains("--at lies before the last moment read"))
    let missing = try footfall(["count", folder.path + "/nowhere"])
    #expect(missing.status == 66 && missing.errors.contains("nowhere"))
}

@Test("footfall hit waits until its view is counted")
func hitWaits() throws {
    let daemon = try Daemon()
    let to = "127.0.0.1:\(daemon.beaconPort)"
    let hit = try footfall(["hit", "demo", "/tin tức?a&b", "--to", to, "--wait", "-c", daemon.settings.path])
    #expect(hit.status == 0, "\(hit.errors)")
    #expect(hit.output.contains("online now      1"))
    let unknown = try footfall(["stats", "nobody", "-c", daemon.settings.path])
    #expect(unknown.status == 65 && unknown.errors.contains("No site has this name"), "\(unknown.errors)")
    let csv = try footfall(["stats", "demo", "--csv", "-c", daemon.settings.path]).output.split(separator: "\n")
    #expect(csv.count == 2 && csv[1].hasPrefix("demo,"))
    #expect(try footfall(["sites", "-c", daemon.settings.path]).output == "demo\n")
}

@Test("without a daemon the commands say how to start one")
func noDaemon() throws {
    let folder = try TemporaryFolder()
    let stats = try footfall(["stats"], environment: ["FOOTFALL_STATE_RUNTIME": folder.path])
    #expect(stats.status == 69)
    #expect(stats.errors == "no daemon answers at \(folder.path)/footfall.sock; start one with `footfall serve`\n")
}

/// A connected UDP socket.
private final class Sender {
    private let descriptor: CInt

    init(port: Int) throws {
        descriptor = socket(AF_INET, CInt(SOCK_DGRAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let status = unsafe withUnsafePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(descriptor >= 0 && status == 0)
    }

    func send(_ text: String) throws {
        let bytes = Array(text.utf8)
        let sent = unsafe Glibc.send(descriptor, bytes, bytes.count, 0)
        try #require(sent == bytes.count)
    }

    deinit { close(descriptor) }
}

@Test("logs of several days are counted together, compressed or not, in any order, with a file of beacons among them")
func countLogs() throws {
    let folder = try TemporaryFolder()
    func line(_ day: Int, _ address: Int, _ request: String = "GET / HTTP/1.1", _ status: Int = 200) -> String {
        "10.0.0.\(address) - - [\(day)/Nov/2026:10:00:0\(address) +0000] \"\(request)\" \(status) 5 \"-\" \"Mozilla/5.0 (X11)\"\n"
    }
    let today = try folder.write(
        "access.log", line(23, 1) + line(23, 2) + line(23, 3, "GET /a.css HTTP/1.1") + "junk\n")
    let yesterday = try folder.write("access.log.1", line(22, 1) + line(22, 2) + line(22, 3, "POST / HTTP/1.1"))
    let before = try folder.write("access.log.2", line(21, 1) + line(21, 4, "GET /gone HTTP/1.1", 404))
    #expect(try shell("gzip '\(before.path)'").status == 0)
    let beacons = try folder.write("beacons", "1795429000 f1 s=site&i=10.0.0.1&a=Mozilla/5.0 (X11)&u=/\n")
    let haproxy = try folder.write(
        "haproxy.log",
        "Nov 23 12:00:00 edge haproxy[1]: 10.0.0.9:5 [23/Nov/2026:12:00:00.250] f b/s 0/0/0/0/0 200 2 - - ---- 1/1/0/0/0 0/0 "
            + "\"GET / HTTP/1.1\"\n")
    let files = [haproxy.path, today.path, beacons.path, yesterday.path, before.path + ".gz"]
    let counted = try footfall(["count", "--json"] + files)
    #expect(counted.status == 0 && counted.errors.isEmpty, "\(counted)")
    #expect(
        counted.output.contains(
            #""input":{"lines":11,"views":7,"pings":0,"bots":0,"duplicates":0,"#
                + #""rejected":{"syntax":1,"method":1,"status":1,"asset":1}}"#), "\(counted.output)")
    // HAProxy's clock has no zone, so the given one applies.
    let zoned = try footfall(["count", haproxy.path, "--timezone", "Asia/Ho_Chi_Minh", "--site", "portal"])
    #expect(zoned.output.hasPrefix("portal at 2026-11-23T05:00:00Z (Asia/Ho_Chi_Minh)"), "\(zoned.output)")
    #expect(try footfall(["count", today.path, "--format", "json"]).output.contains("rejected: syntax 4"))
    // A cut file is reported.
    let packed = try Data(contentsOf: URL(filePath: before.path + ".gz"))
    try packed.prefix(packed.count - 12).write(to: URL(filePath: folder.path + "/cut.gz"))
    let cut = try footfall(["count", folder.path + "/cut.gz", today.path, folder.path, folder.path + "/none"])
    #expect(cut.status == 66 && cut.errors.contains("cut.gz is damaged"), "\(cut)")
    // Everything else is counted.
    #expect(cut.output.contains("6 lines: 3 views; rejected: syntax 1, truncated 1, asset 1\n"), "\(cut)")
    #expect(cut.errors.contains("it is a folder") && cut.errors.contains("none: there is no such file"), "\(cut)")
    #expect(try footfall(["count", folder.path + "/cut.gz", today.path]).status == 65)
    try Data([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]).write(to: URL(filePath: folder.path + "/log.xz"))
    let xz = try footfall(["count", folder.path + "/log.xz"])
    #expect(xz.status == 66 && xz.errors.contains("it is packed by xz; unpack it first"), "\(xz)")
}

@Test("logs of the same hours are counted like one log, line by line in the order of their stamps")
func countLogsOfTheSameHours() throws {
    let folder = try TemporaryFolder()
    func log(_ server: Int, _ minutes: some Sequence<Int>) -> [String] {
        minutes.map { minute in
            let clock = "\(10 + minute / 60):\(String(minute % 60 + 100).dropFirst())"
            return
                "10.0.\(server).\(minute % 100) - - [23/Nov/2026:\(clock):0\(server) +0000] \"GET / HTTP/1.1\" 200 5 \"-\" \"Mozilla/5.0 (X11)\""
        }
    }
    let logs = [log(1, 0..<300), log(2, stride(from: 7, to: 300, by: 3)), log(3, 200..<400)]
    let names = try logs.enumerated().map { i, lines in
        try folder.write("log\(i)", lines.joined(separator: "\n")).path
    }
    #expect(try shell("gzip '\(names[1])'").status == 0)
    let together = try footfall(["count", "--json", names[2], names[1] + ".gz", names[0]])
    func time(_ line: String) -> Substring { line.split(separator: "[")[1] }
    let sorted = try folder.write(
        "sorted", logs.joined().sorted { time($0) < time($1) }.joined(separator: "\n"))
    let one = try footfall(["count", "--json", sorted.path])
    #expect(one.status == 0 && one.output == together.output, "\(together)")
    #expect(one.output.contains(#""input":{"lines":598,"views":598,"#), "\(one.output)")
    // An invalid address is reported.
    let docker = try folder.write("docker", "web-1  | " + logs[0][0] + "\n")
    #expect(try footfall(["count", docker.path]).output.contains("1 line: 1 view, 1 unreadable field\n"))
    #expect(
        try footfall(["count", "--explain", docker.path]).output.hasPrefix(
            "\(docker.path):1: view (1 unreadable field)\n"))
}

@Test("broken lines are counted or refused, and cost no more than their length")
func countOddFiles() throws {
    let folder = try TemporaryFolder()
    func view(_ address: Int, _ host: String = "", _ rest: String = "200 5 \"-\" \"Mozilla/5.0 (X11)\"") -> String {
        "\(host)10.0.0.\(address) - - [23/Nov/2026:10:00:00 +0000] \"GET / HTTP/1.1\" \(rest)\n"
    }
    func count(_ bytes: Data, _ arguments: String...) throws -> (status: Int32, output: String, errors: String) {
        let url = URL(filePath: folder.path + "/log")
        try bytes.write(to: url)
        return try footfall(["count", url.path] + arguments)
    }
    // A byte order mark that editors put in front.
    let marked = try count(Data([0xef, 0xbb, 0xbf]) + view(1).utf8 + view(2).utf8, "--json")
    #expect(marked.output.contains(#""visits":2,"views":2,"#) && marked.output.contains(#""rejected":{}"#))
    // The time of an overlong line, at each of the places where 16 bits end.
    for length in [65_500, 65_527, 65_530, 65_534, 131_066] {
        let long = "{\"u\":\"/\(String(repeating: "a", count: length))\",\"t\":1795420183}\n"
        let counted = try count(Data((long + view(1)).utf8), "--json")
        #expect(counted.status == 0 && counted.output.contains(#""views":1,"#), "\(length): \(counted)")
    }
    // 64 MiB without a line end, compressed to 64 KiB: read once, and not stored.
    let packed = folder.path + "/long.gz"
    #expect(
        try shell("(head -c 67108864 /dev/zero; printf '\\n%s' '\(view(1).dropLast())') | gzip -1 >'\(packed)'").status
            == 0)
    let long = try shell("ulimit -v 1500000; timeout 60 '\(try footfallBinary())' count --json '\(packed)'")
    #expect(long.status == 0 && long.output.contains(#""lines":2,"views":1,"#), "\(long)")
    // A request for a missing page adds no site, and neither does an invalid host.
    let hosts = try count(
        Data(
            (view(1, "www.demo.example:443 ") + view(2, "made.up ", "404 5 \"-\" \"x\"") + view(3, "- ") + view(4)).utf8
        ), "--json")
    #expect(
        hosts.output.matches(of: /"site":"([^"]*)"/).map(\.1).sorted() == ["demo.example", "site"], "\(hosts.output)")
    // An unreadable file is reported.
    let none = try count(Data("what is this\nand this\n".utf8))
    #expect(none.status == 65 && none.errors.contains("no line has a known format with a date"), "\(none)")
    let settings = try folder.write("footfall.toml", "[[site]]\nname = \"demo\"\n")
    let unknown = try count(Data(view(1).utf8), "--site", "nobody", "-c", settings.path)
    #expect(unknown.status == 64 && unknown.errors.contains("the settings name no site nobody"), "\(unknown)")
}

@Test("every byte of a line is sent, and one more than allowed, so that the daemon can refuse it")
func sendsBytes() throws {
    let daemon = try Daemon(sites: "[[site]]\nname = \"demo\"\ntimezone = \"UTC\"\nduplicate = \"0s\"")
    let folder = try TemporaryFolder()
    let long = "f1 s=demo&i=203.0.113.9&u=/a&a=" + String(repeating: "U", count: 9000) + "&n=ping\n"
    let odd = Data("f1 s=demo&i=203.0.113.9&u=/b&a=Mozilla/5.0 ".utf8) + [0xff, 0xfe, 0xe1, 0x0a]
    try (Data(long.utf8) + odd + Data("f1 s=demo&i=203.0.113.9&u=/b&a=Mozilla/5.0+%FF%FE%E1".utf8)).write(
        to: URL(filePath: folder.path + "/beacons"))
    let to = "127.0.0.1:\(daemon.beaconPort)"
    #expect(try shell("'\(try footfallBinary())' send --to \(to) <'\(folder.path)/beacons'").status == 0)
    func numbers() throws -> String {
        try shell("curl -sf http://127.0.0.1:\(daemon.httpPort)/api/v1/sites/demo").output
    }
    try eventually("two views of one visitor: \(try numbers())") { try numbers().contains("\"visits\":1,\"views\":2,") }
    let metrics = try shell("curl -sf http://127.0.0.1:\(daemon.httpPort)/metrics").output
    #expect(metrics.contains(#"rejected_datagrams_total{reason="oversize"} 1"#))
}
