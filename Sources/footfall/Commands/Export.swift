import ArgumentParser
import Counting
import Foundation
import History
import Platform
import Web

struct Export: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print all days of a site as CSV: visits, views, visitors, bots and the most visitors online.",
        discussion: "Days are in the site's time zone and include corrections. footfall import can read the output.")

    @Argument(help: "The site.", transform: siteName)
    var site: String
    @OptionGroup var settingsOption: SettingsOption

    func run() throws {
        let csv = try LocalClient(settingsOption).get("/api/v1/sites/\(site)/export.csv")
        print(String(decoding: csv, as: UTF8.self), terminator: "")
    }
}

struct Import: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Import the days of another counter.",
        discussion: """
            Reads daily totals as CSV with the columns day (or date) and visits or views, as footfall export writes \
            them; the export of GoatCounter, whose lines are single hits; or the table counter of NukeViet as CSV, \
            whose total is set as by footfall start. Each day is corrected to what the file says, with who, when and \
            why, so importing a file twice changes nothing. Days that Footfall counted itself stay as they are. If the \
            site has a baseline, which may contain these days, nothing is imported without --on-top.
            """)

    @Argument(help: "The file to read; - is standard input.", completion: .file())
    var file: String
    @Option(help: "The site (default: the site in the file).", transform: siteName)
    var site: String?
    @Flag(help: "The baseline of the site does not contain the imported days, nor they the baseline.")
    var onTop = false
    @Flag(help: "Also lower days to what the file says.")
    var lower = false
    @Flag(help: "Print what would be done, but do nothing.")
    var dryRun = false
    @OptionGroup var settingsOption: SettingsOption

    func run() throws {
        let client = try LocalClient(settingsOption)
        // The zone of the site, for files that do not name it.
        let zone = try site.map { try decode(SiteSnapshot.self, client.get("/api/v1/sites/" + $0)).timezone }
        let table = try read(in: zone ?? "UTC")
        guard let name = site ?? table.site else {
            throw ValidationError("the file names no site: say which one with --site")
        }
        let snapshot = try decode(SiteSnapshot.self, client.get("/api/v1/sites/" + siteName(name)))
        let kept = try DayTable.kept(client.get("/api/v1/sites/\(name)/export.csv"))
        if let total = table.total { return try takeOver(total, snapshot, kept, client) }
        try bring(table.days, to: snapshot, kept, client)
    }

    private func read(in timezone: String) throws -> DayTable {
        do {
            let url = URL(fileURLWithPath: file)
            var input = try file == "-" ? FileHandle.standardInput : FileHandle(forReadingFrom: url)
            // GoatCounter compresses its export.
            var packer: Process?
            if file != "-", try input.read(upToCount: 2) == Data([0x1f, 0x8b]) {
                (packer, input) = try Recording.unpacked(url)
            } else if file != "-" {
                try input.seek(toOffset: 0)
            }
            var read = 0
            var rows = CSV {
                let data = try input.read(upToCount: 1 << 16)
                read += data?.count ?? 0
                progress("\(read >> 20) MiB read")
                return data
            }
            defer { progress("") }
            let table = try DayTable(&rows, timezone: timezone)
            packer?.waitUntilExit()
            guard packer?.terminationStatus ?? 0 == 0 else {
                throw UnreadableTable(reason: "it is damaged: gzip could not unpack all of it")
            }
            return table
        } catch let error as UnreadableTable {
            say("\(file): \(error.reason)")
            throw Exit.data
        } catch {
            say("cannot read \(file): \(error.localizedDescription)")
            throw Exit.noInput
        }
    }

    private func takeOver(
        _ total: Int64, _ site: SiteSnapshot, _ kept: [LocalDay: DayTable.Day], _ client: LocalClient
    ) throws {
        let now = site.total.start_visits
        guard now != total else { return print("\(site.site) already starts from \(counted(total, "visit"))") }
        let taken = DayImport.visitsTakenOver(kept)
        if taken > 0, !onTop {
            try refuse(
                "\(site.site) has days with \(counted(taken, "visit")) that were taken over, which may be part of the number of the file"
            )
        }
        if dryRun {
            return print("\(site.site) would start from \(counted(total, "visit")), before from \(grouped(now))")
        }
        struct Body: Encodable { let visits: Int64, note: String }
        _ = try client.ask("PUT", "/api/v1/sites/\(site.site)/start", Body(visits: total, note: note))
        print("\(site.site) starts from \(counted(total, "visit")), before from \(grouped(now))")
    }

    private struct Correction: Encodable { let day: String, visits: Int64, views: Int64, note: String }

    private func bring(
        _ days: [DayTable.Day], to site: SiteSnapshot, _ kept: [LocalDay: DayTable.Day], _ client: LocalClient
    ) throws {
        let plan = try plan(days, to: site, kept)
        let changes = plan.corrections
        if !dryRun {
            for (i, change) in changes.enumerated() {
                if i % 50 == 0 { progress("\(i) of \(changes.count) days") }
                let body = Correction(day: "\(change.day)", visits: change.visits, views: change.views, note: note)
                _ = try client.ask("POST", "/api/v1/sites/\(site.site)/corrections", body)
            }
            progress("")
        }
        print(
            "\(site.site): \(counted(changes.count, "day")) \(dryRun ? "would be " : "")brought to what the file says, "
                + "\(grouped(plan.unchanged)) were so already"
                + (plan.own > 0 ? ", \(grouped(plan.own)) that Footfall counted itself are left as they are" : ""))
    }

    private func plan(
        _ days: [DayTable.Day], to site: SiteSnapshot, _ kept: [LocalDay: DayTable.Day]
    ) throws -> DayImport {
        let start = (visits: site.total.start_visits, views: site.total.start_views)
        do throws(DayImport.Refusal) {
            return try DayImport(
                days, to: kept, start: start, timezone: site.timezone, now: Moment(milliseconds: Clocks.wall),
                onTop: onTop, lower: lower)
        } catch .mayBeInStart {
            try refuse(
                "\(site.site) starts from \(counted(start.visits, "visit")) and \(counted(start.views, "view")), of which the "
                    + "days of the file may be part")
        } catch .future(let day) {
            say("\(day) is still to come where the site is (\(site.timezone)); nothing was done")
            throw Exit.data
        } catch .lower(let days, let first) {
            say(
                "\(days == 1 ? "1 day has" : "\(grouped(days)) days have") more already than the file says, \(first) for one: give --lower if the file is right"
            )
            throw Exit.data
        }
    }

    /// Refuses to import what may be counted twice.
    private func refuse(_ why: String) throws -> Never {
        say("\(why): give --on-top if they are not, or take them out first, as with footfall start SITE 0")
        throw Exit.data
    }

    private var note: String { "footfall import " + (file == "-" ? "-" : URL(fileURLWithPath: file).lastPathComponent) }
}
