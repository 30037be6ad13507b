import Foundation
import Glibc
import Testing

/// `footfall demo` on this machine.
final class DemoRun {
    /// Hours east of UTC where it is the middle of the morning now: at night hardly anybody comes.
    static let hoursEast = {
        let hours = 10 - Int(Date().timeIntervalSince1970) / 3600 % 24
        return hours < -12 ? hours + 24 : hours
    }()
    /// A zone there. The names of these zones count to the west.
    private static let zone = "Etc/GMT\(hoursEast > 0 ? "-" : "+")\(abs(hoursEast))"

    /// Where its dashboard is, with a slash at the end.
    let url: String
    /// Seconds until it said so.
    let seconds: Double
    private let folder: TemporaryFolder
    private let process: Child

    init(_ arguments: [String] = []) throws {
        folder = try TemporaryFolder()
        let output = try folder.write("output", "")
        let errors = try folder.write("errors", "")
        let begun = Date()
        process = try Child(
            try footfallBinary(), ["demo"] + arguments,
            environment: ["PATH": "/usr/bin:/bin", "TMPDIR": folder.path, "TZ": Self.zone],
            input: "/dev/null", output: output.path, errors: errors.path)
        var url: String?
        try eventually("the demo says where it is") { [process] in
            guard process.isRunning else {
                throw Daemon.Failure(description: try String(contentsOf: errors, encoding: .utf8))
            }
            url = try String(contentsOf: output, encoding: .utf8).firstMatch(of: #/(http://\S+)/#).map { String($0.1) }
            return url != nil
        }
        seconds = -begun.timeIntervalSinceNow
        self.url = try #require(url)
    }

    /// An answer of its daemon.
    func get(_ path: String) throws -> String { try shell("curl -sf '\(url)\(path)'").output }

    /// What it has left in its folder for temporary files.
    var left: [String] {
        get throws {
            try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasPrefix("footfall-demo") }
        }
    }

    /// Ends it as Ctrl-C does, and gives its exit status.
    func stop() -> Int32 {
        process.signal(SIGINT)
        return process.wait()
    }

    deinit {
        process.terminate()
        process.wait()
    }
}

@Suite("The demo", .timeLimit(.minutes(2)))
struct DemoTests {
    private struct Series: Decodable {
        let t: [Int]
        let visits: [Int?], views: [Int?], visitors: [Int?], online: [Int?]
    }

    private struct Site: Decodable {
        struct Online: Decodable { let visitors: Int }
        struct Sum: Decodable { let views: Int, visits: Int }
        let online: Online
        let total: Sum, yesterday: Sum
    }

    @Test(
        "it begins with three months in which weekdays differ from weekends, the same at each start, and leaves nothing"
    )
    func past() throws {
        let query =
            "api/v1/sites/portal/series?metrics=visits,views,visitors,online&step=1d&from="
            + ISO8601DateFormatter().string(from: Date(timeIntervalSinceNow: -90 * 86_400)).prefix(10)
        var before: Series?
        for _ in 0..<2 {
            let demo = try DemoRun()
            print("figure: the demo serves after \(demo.seconds) s")
            let series = try JSONDecoder().decode(Series.self, from: Data(try demo.get(query).utf8))
            #expect(series.t.count >= 90)
            // The last day runs.
            let past = series.visits.dropLast()
            #expect(past.allSatisfy { $0 ?? 0 > 500 })
            for i in past.indices {
                #expect(
                    series.views[i] ?? 0 > series.visits[i] ?? .max && series.visitors[i] ?? 0 <= series.visits[i] ?? 0)
                #expect(series.online[i] ?? 0 > 10)
            }
            func mean(_ isWeekend: Bool) -> Int {
                let days = past.indices.filter {
                    [0, 6].contains(((series.t[$0] + DemoRun.hoursEast * 3600) / 86_400 + 4) % 7) == isWeekend
                }
                return days.reduce(0) { $0 + (past[$1] ?? 0) } / days.count
            }
            #expect(mean(false) > mean(true) * 3 / 2)
            if let before { #expect(before.visits.dropLast() == past) }
            before = series

            let site = try JSONDecoder().decode(Site.self, from: Data(try demo.get("api/v1/sites/portal").utf8))
            #expect(site.yesterday.views == series.views.dropLast().last ?? 0)
            #expect(site.total.visits > past.reduce(0) { $0 + ($1 ?? 0) })
            try eventually("somebody comes") {
                let now = try JSONDecoder().decode(Site.self, from: Data(try demo.get("api/v1/sites/portal").utf8))
                return now.total.views > site.total.views
            }
            #expect(try demo.left.count == 1)
            #expect(demo.stop() == 0)
            #expect(try demo.left == [])
        }
    }
}
