import ArgumentParser
import Counting
import Foundation
import Ingest
import Settings
import Web
import Wire

struct Count: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Count access logs or recorded beacons by the very code the daemon runs.",
        discussion: """
            Takes access logs of nginx, Apache, HAProxy and Caddy as they are, in syslog form or not, packed by gzip or \
            not, as in: footfall count /var/log/nginx/access.log*. Recorded beacons are <unix seconds[.fraction]> SP <f1 \
            beacon>. The lines of several files are taken in the order of their dates; - is standard input. Without -c every \
            site and virtual host that is named is accepted, with defaults. Nothing is sent and nothing is written.
            """)

    @Argument(help: "Logs or files of recorded beacons.")
    var files: [String]
    @Option(help: "How the lines are written; auto tells each line by itself.")
    var format = Format.auto
    @Option(help: "Site of log lines that name none; default site, or [beacon] site with -c.")
    var site: String?
    @Option(help: "Moment of the report: unix seconds or RFC 3339; default the last moment read.")
    var at: String?
    @Option(
        help: ArgumentHelp(
            "Time zone of sites that are not configured, and of dates that name none.", valueName: "zone"))
    var timezone = "UTC"
    @Flag(help: "Say line by line what became of it; with --json on standard error.")
    var explain = false
    @Flag(help: "Print JSON.")
    var json = false
    @OptionGroup var settingsOption: SettingsOption

    enum Format: String, ExpressibleByArgument, CaseIterable { case auto, f1, combined, haproxy, json }

    func validate() throws {
        if TimeZone(identifier: timezone) == nil {
            throw ValidationError("\(timezone) is no time zone of this machine")
        }
        if let site, !isSiteName(Array(site.utf8).span) {
            throw ValidationError("\(site) is no site's name: 1 to 64 of a-z 0-9 . _ -")
        }
        if let at, moment(at) == nil {
            throw ValidationError("--at takes unix seconds or RFC 3339, such as 2026-11-23T07:45:12Z")
        }
    }

    func run() throws {
        let inputs = files.compactMap { Recording($0) }
        guard !inputs.isEmpty else { throw Exit.noInput }
        let settings = try settingsOption.config.map { _ in try settingsOption.load() }
        if let site, let settings, !settings.sites.contains(where: { $0.name == site }) {
            throw ValidationError("the settings name no site \(site)")
        }
        var counter = FileCounter(
            settings: settings,
            format: LogFormat(rawValue: format.rawValue), site: site, timezone: timezone)
        let areWhole = try take(inputs, &counter)
        guard let report = counter.finish(at: at.flatMap(moment)) else {
            say("--at lies before the last moment read")
            throw ExitCode.validationFailure
        }
        if counter.lines >= 200_000 { progress("") }
        json ? print(counter.json(report).text) : printText(report, counter)
        if counter.isUnreadable {
            say(
                "no line has a format that is known, or a date\(explain ? "" : "; footfall count --explain says it of each")"
            )
            throw Exit.data
        }
        if inputs.count < files.count { throw Exit.noInput }
        if !areWhole { throw Exit.data }
    }

    /// A file that is being read, at a line that is not taken yet.
    private struct Reading {
        let name: String
        let lines: Recording.Lines
        /// The latest stamp up to this line.
        var stamp: Int64
    }

    /// Takes the lines of all files in the order of their stamps; false where something could not be unpacked.
    private func take(_ inputs: [Recording], _ counter: inout FileCounter) throws -> Bool {
        var areWhole = true
        // Each is opened when its first line is due.
        var waiting = try inTheirOrder(inputs, counter)[...]
        var open: [Reading] = []
        while true {
            while let next = waiting.first, open.allSatisfy({ next.first < $0.stamp }) {
                let lines = try next.input.lines()
                waiting.removeFirst()
                if lines.advance() { open.append(Reading(name: next.input.name, lines: lines, stamp: next.first)) }
            }
            guard let i = open.indices.min(by: { open[$0].stamp < open[$1].stamp }) else { return areWhole }
            let (name, lines) = (open[i].name, open[i].lines)
            let became = lines.withLine { counter.take($0, explaining: explain) }
            if counter.lines % 200_000 == 0 { progress("\(grouped(counter.lines)) lines") }
            if explain {
                let text = "\(name):\(lines.number): \(became)"
                // Standard output is one JSON text, or lines.
                json ? say(text) : print(text)
            }
            if !lines.advance() {
                if !lines.isWhole {
                    say("\(name) is damaged: gzip could not unpack all of it, and what is missing is not counted")
                    areWhole = false
                }
                open.remove(at: i)
            } else if open.count > 1 || !waiting.isEmpty, let stamp = lines.withLine({ counter.stamp(of: $0) }) {
                open[i].stamp = max(open[i].stamp, stamp.milliseconds)
            }
        }
    }

    /// Files of which the first date is earliest come first.
    private func inTheirOrder(
        _ inputs: [Recording], _ counter: FileCounter
    ) throws -> [(input: Recording, first: Int64)] {
        guard inputs.count > 1 else { return inputs.map { ($0, 0) } }
        let begun = try inputs.map { input in
            var first: Int64?
            let lines = try input.lines()
            while first == nil, lines.advance() { first = lines.withLine { counter.stamp(of: $0)?.milliseconds } }
            return (input: input, first: first ?? .max)
        }
        return begun.sorted { $0.first < $1.first }
    }

    private func printText(_ report: Report, _ counter: FileCounter) {
        for site in report.sites {
            let text = siteJSON(site, asOf: report.asOf).text
            if let snapshot = try? JSONDecoder().decode(SiteSnapshot.self, from: Data(text.utf8)) {
                print(snapshot.text + "\n")
            }
        }
        let rejected = counter.rejected.map { "\($0.reason) \(grouped(Int($0.count)))" }
        let counted = counter.counted.filter { $0.count > 0 }.map { "\(grouped(Int($0.count))) \($0.name)" }
        let sums = [counted, rejected.isEmpty ? [] : ["rejected: " + rejected.joined(separator: ", ")]]
        let parts = sums.filter { !$0.isEmpty }.map { $0.joined(separator: ", ") }
        print("\(grouped(counter.lines)) lines" + (parts.isEmpty ? "" : ": " + parts.joined(separator: "; ")))
    }

    private func moment(_ text: String) -> Moment? {
        if let milliseconds = Recording.stamp(Array(text.utf8).span)?.milliseconds {
            return Moment(milliseconds: milliseconds)
        }
        for options in [
            ISO8601DateFormatter.Options.withInternetDateTime, [.withInternetDateTime, .withFractionalSeconds],
        ] {
            let formatter = ISO8601DateFormatter()
            formatter.formatOptions = options
            if let date = formatter.date(from: text), date.timeIntervalSince1970 >= 0,
                date.timeIntervalSince1970 <= Double(Recording.secondsMax)
            {
                return Moment(milliseconds: Int64((date.timeIntervalSince1970 * 1000).rounded()))
            }
        }
        return nil
    }
}
