import ArgumentParser
import Counting
import Foundation
import History
import Ingest
import Settings
import Web
import Wire
import Zones

struct Count: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Count access logs or recorded beacons with the code of the daemon.",
        discussion: """
            Reads access logs of nginx, Apache, HAProxy and Caddy, also in syslog format or compressed by gzip; for \
            example: footfall count /var/log/nginx/access.log*. A recorded beacon is <unix seconds[.fraction]> SP <f1 \
            beacon>. The lines of several files are counted in the order of their dates; - is standard input. Without \
            -c, every site and virtual host in the lines is counted, with default settings. Nothing is sent or \
            written.
            """)

    @Argument(help: "Access logs, or files of recorded beacons.")
    var files: [String]
    @Option(help: "The format of the lines; auto detects it for each line.")
    var format = Format.auto
    @Option(help: "The site of log lines that name no site (default: site; with -c: [beacon] site).")
    var site: String?
    @Option(help: "The time of the report, as unix seconds or RFC 3339 (default: the last time in the files).")
    var at: String?
    @Option(
        help: ArgumentHelp(
            "The time zone of sites without settings, and of dates without a zone.", valueName: "zone"))
    var timezone = "UTC"
    @Flag(help: "Print for each line how it was counted; with --json on standard error.")
    var explain = false
    @Flag(help: "Print JSON.")
    var json = false
    @OptionGroup var settingsOption: SettingsOption

    /// One of the formats of logs, or each line by itself.
    struct Format: ExpressibleByArgument {
        let name: String
        var log: LogFormat? { LogFormat(rawValue: name) }

        static let auto = Format(name: "auto")
        static var allValueStrings: [String] { ["auto"] + LogFormat.allCases.map(\.rawValue) }

        init?(argument: String) {
            guard Self.allValueStrings.contains(argument) else { return nil }
            name = argument
        }

        private init(name: String) { self.name = name }

        var defaultValueDescription: String { name }
    }

    func validate() throws {
        if Zone(named: timezone) == nil {
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
        var counter = FileCounter(try configuration(settings))
        let areWhole = try count(inputs, with: &counter)
        guard let report = counter.finish(at: at.flatMap(moment)) else {
            say("--at lies before the last moment read")
            throw ExitCode.validationFailure
        }
        if counter.lines >= 200_000 { progress("") }
        json ? print(counter.json(report).text) : printText(report, counter)
        if counter.isUnreadable {
            say(
                "no line has a known format with a date\(explain ? "" : "; see footfall count --explain")"
            )
            throw Exit.data
        }
        if inputs.count < files.count { throw Exit.noInput }
        if !areWhole { throw Exit.data }
    }

    private func configuration(_ settings: Settings?) throws -> FileCounter.Configuration {
        guard let zone = Zone(named: timezone) else { throw ValidationError("\(timezone) is no time zone") }
        var rules = settings?.admissionRules ?? Admission.Rules(assets: Settings.Log().assets, logSite: "site")
        if let site { rules.logSite = site }
        return FileCounter.Configuration(
            format: format.log, profiles: settings?.sites.map(\.profile),
            limits: settings?.limits.counting ?? Limits(), rules: rules, timezone: timezone,
            calendar: LocalCalendar.day, secondOfLocal: zone.second)
    }

    /// A file that is being read, at a line that is not counted yet.
    private struct Reading {
        let name: String
        let lines: Recording.Lines
        /// The latest stamp so far.
        var stamp: Int64
    }

    /// Counts the lines of all files in the order of their stamps. Returns false if a file could not be decompressed.
    private func count(_ inputs: [Recording], with counter: inout FileCounter) throws -> Bool {
        var areWhole = true
        // A file is opened when its first line is due.
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
            let became = lines.withLine { counter.count($0, explaining: explain) }
            if counter.lines % 200_000 == 0 { progress("\(grouped(counter.lines)) lines") }
            if explain {
                let text = "\(name):\(lines.number): \(became)"
                // With --json, standard output is one JSON text.
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

    /// The files in the order of their first dates.
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
        // The names are plurals.
        let hits = counter.counted.filter { $0.count > 0 }.map { counted($0.count, String($0.name.dropLast())) }
        let sums = [hits, rejected.isEmpty ? [] : ["rejected: " + rejected.joined(separator: ", ")]]
        let parts = sums.filter { !$0.isEmpty }.map { $0.joined(separator: ", ") }
        print(counted(counter.lines, "line") + (parts.isEmpty ? "" : ": " + parts.joined(separator: "; ")))
    }

    private func moment(_ text: String) -> Moment? {
        if let milliseconds = UnixStamp(Array(text.utf8).span)?.milliseconds {
            return Moment(milliseconds: milliseconds)
        }
        for options in [
            ISO8601DateFormatter.Options.withInternetDateTime, [.withInternetDateTime, .withFractionalSeconds],
        ] {
            let formatter = ISO8601DateFormatter()
            formatter.formatOptions = options
            if let date = formatter.date(from: text), date.timeIntervalSince1970 >= 0,
                date.timeIntervalSince1970 <= Double(UnixStamp.secondsMax)
            {
                return Moment(milliseconds: Int64((date.timeIntervalSince1970 * 1000).rounded()))
            }
        }
        return nil
    }
}

extension FileCounter {
    /// The snapshots of all sites with their rankings, and counts of the input.
    fileprivate func json(_ report: Report) -> JSONObject {
        let sites = report.sites.enumerated().map { i, site in
            var object = siteJSON(site, asOf: report.asOf)
            let pages = rows(engine.topPages(of: SiteIndex(i), rows: .max))
            let referrers = rows(engine.topReferrers(of: SiteIndex(i), rows: .max))
            object.append(
                "top",
                .object([
                    "pages": .array(
                        pages.map { .object(["key": key($0), "views": JSON($0.views), "entries": JSON($0.entries)]) }),
                    "referrers": .array(referrers.map { .object(["key": key($0), "views": JSON($0.views)]) }),
                ]))
            return JSON.object(object)
        }
        let counters = engine.counters
        var refused: JSONObject = [:]
        for (reason, count) in rejected { refused.append(reason, JSON(count)) }
        return [
            "sites": .array(sites),
            "input": .object([
                "lines": JSON(lines), "views": JSON(counters[.views]), "pings": JSON(counters[.pings]),
                "bots": JSON(counters[.bots]), "duplicates": JSON(counters[.duplicates]), "rejected": .object(refused),
            ]),
        ]
    }

    /// The last row is what is not ranked by name, so that the sum is the views of the day.
    private func rows(_ top: Top) -> [RankingRow] {
        top.other == 0 ? top.rows : top.rows + [RankingRow(key: Array("(other)".utf8), views: top.other, entries: 0)]
    }

    private func key(_ row: RankingRow) -> JSON { JSON(String(decoding: row.key, as: UTF8.self)) }
}
