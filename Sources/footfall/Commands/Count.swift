import ArgumentParser
import Counting
import Foundation
import Glibc
import Ingest
import Web
import Wire

struct Count: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Count access logs or recorded beacons by the very code the daemon runs.",
        discussion: """
            Takes access logs of nginx, Apache, HAProxy and Caddy as they are, in syslog form or not, packed by gzip or \
            not, as in: footfall count /var/log/nginx/access.log*. Recorded beacons are <unix seconds[.fraction]> SP <f1 \
            beacon>. Several files are taken in the order of their first dates; - is standard input. Without -c every \
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
        let inputs = try files.map { try Recording($0) }
        let settings = try settingsOption.config.map { _ in try settingsOption.load() }
        if let site, let settings, !settings.sites.contains(where: { $0.name == site }) {
            throw ValidationError("the settings name no site \(site)")
        }
        let showsProgress = isatty(STDERR_FILENO) == 1 && !explain
        var counter = FileCounter(
            settings: settings,
            format: RecordedLine.Format(rawValue: format.rawValue), site: site, timezone: timezone)
        for input in try inTheirOrder(inputs, counter) {
            try input.forEachLine { number, line in
                let became = counter.take(line, explaining: explain)
                if showsProgress, counter.lines % 200_000 == 0 { progress("\(grouped(counter.lines)) lines") }
                guard explain else { return true }
                let line = "\(input.name):\(number): \(became)"
                // Standard output is one JSON text, or lines.
                json ? say(line) : print(line)
                return true
            }
        }
        let end = at.flatMap(moment)
        guard let report = counter.finish(at: end) else {
            throw ValidationError("--at lies before the last moment read")
        }
        if showsProgress, counter.lines >= 200_000 { progress("") }
        json ? print(counter.json(report).text) : printText(report, counter)
        if counter.isUnreadable {
            say("no line has a format that is known, or a date; footfall count --explain says it of each")
            throw Exit.data
        }
    }

    /// Files of which the first date is earliest come first.
    private func inTheirOrder(_ inputs: [Recording], _ counter: FileCounter) throws -> [Recording] {
        guard inputs.count > 1 else { return inputs }
        let begun = try inputs.map { input in
            var first: Int64?
            try input.forEachLine { _, line in
                first = counter.stamp(of: line)?.milliseconds
                return first == nil
            }
            return (input: input, first: first ?? .max)
        }
        return begun.sorted { $0.first < $1.first }.map(\.input)
    }

    private func printText(_ report: Report, _ counter: FileCounter) {
        for site in report.sites {
            let text = siteJSON(site, asOf: report.asOf).text
            if let snapshot = try? JSONDecoder().decode(SiteSnapshot.self, from: Data(text.utf8)) {
                print(snapshot.text + "\n")
            }
        }
        let rejected = counter.rejected.map { "\($0.reason) \($0.count)" }
        print(
            "\(grouped(counter.lines)) lines"
                + (rejected.isEmpty ? "" : "; rejected: " + rejected.joined(separator: ", ")))
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
