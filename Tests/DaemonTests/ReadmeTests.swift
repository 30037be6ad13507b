import Foundation
import Testing

/// What the README tells people to type is typed here, into a real shell and for a real daemon.
@Suite("The README does what it says", .timeLimit(.minutes(2)))
struct ReadmeTests {
    @Test("each one-line beacon counts one view, and typed again another view of the same visitor")
    func beacons() throws {
        try requirePrograms()
        let lines = try Self.commands(in: "sh")
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
        let typed = try Self.commands(in: "console")
        #expect(typed.count == 2)
        #expect(try typed.first == Self.commands(in: "sh").first)
        #expect(try typed.last == Self.readLine())
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

    // MARK: Reading the README

    /// The line that shows how the numbers are read.
    private static func readLine() throws -> String {
        try #require(try commands(in: "console").first { $0.hasPrefix("curl ") })
    }

    /// What people would type, out of the fenced blocks of one kind: every line of `sh`, those with a prompt of
    /// `console`.
    private static func commands(in kind: String) throws -> [String] {
        let readme = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "README.md")
        var commands: [String] = []
        var block: String?
        for line in try String(contentsOf: readme, encoding: .utf8).split(separator: "\n") {
            if line.hasPrefix("```") {
                block = block == nil ? String(line.dropFirst(3)) : nil
            } else if block == kind {
                if kind == "sh" { commands.append(String(line)) }
                if kind == "console", line.hasPrefix("$ ") { commands.append(String(line.dropFirst(2))) }
            }
        }
        return commands
    }
}
