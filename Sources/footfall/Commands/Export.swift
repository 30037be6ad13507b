import ArgumentParser
import Counting
import Foundation
import History
import Platform
import Web

struct Export: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print every day of a site as CSV: visits, views, visitors, bots, most online.",
        discussion: "Days are those of the site's zone, corrections included; footfall import reads them again.")

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
        abstract: "Take over days that another counter has counted.",
        discussion: """
            Reads CSV of day totals, with a head that names the columns day (or date) and visits or views, as footfall export writes it; \
            the export of GoatCounter, whose lines are single hits; or, of NukeViet, the rows of its table counter as CSV, of which the \
            total is taken over as footfall start would. Each day is brought to what the file says, as a correction with who, when and \
            why; so reading a file again changes nothing. Days that Footfall has counted itself are left as they are. Where the site \
            starts from a number already, in which these days may be, nothing is done without --on-top.
            """)

    @Argument(help: "The file; - is standard input.", completion: .file())
    var file: String
    @Option(help: "The site; default the one that the file names.", transform: siteName)
    var site: String?
    @Flag(help: "The number that the site starts from and the days that are taken over are not part of each other.")
    var onTop = false
    @Flag(help: "Also bring days down to what the file says.")
    var lower = false
    @Flag(help: "Say what would be done, and do nothing.")
    var dryRun = false
    @OptionGroup var settingsOption: SettingsOption

    func run() throws {
        let client = try LocalClient(settingsOption)
        // Whose zone it is, if the file does not say so itself.
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
            // As GoatCounter packs it.
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
        guard now != total else { return print("\(site.site) starts from \(grouped(total)) visits already") }
        let taken = DayImport.visitsTakenOver(kept)
        if taken > 0, !onTop {
            try refuse(
                "\(site.site) has days with \(grouped(taken)) visits that were taken over, which may be part of the number of the file"
            )
        }
        if dryRun {
            return print("\(site.site) would start from \(grouped(total)) visits, before from \(grouped(now))")
        }
        struct Body: Encodable { let visits: Int64, note: String }
        _ = try client.ask("PUT", "/api/v1/sites/\(site.site)/start", Body(visits: total, note: note))
        print("\(site.site) starts from \(grouped(total)) visits, before from \(grouped(now))")
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
            "\(site.site): \(grouped(changes.count)) days \(dryRun ? "would be " : "")brought to what the file says, "
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
                "\(site.site) starts from \(grouped(start.visits)) visits and \(grouped(start.views)) views, of which the "
                    + "days of the file may be part")
        } catch .future(let day) {
            say("\(day) is still to come where the site is (\(site.timezone)); nothing was done")
            throw Exit.data
        } catch .lower(let days, let first) {
            say(
                "\(days) days have more already than the file says, \(first) for one: give --lower if the file is right"
            )
            throw Exit.data
        }
    }

    /// Both together would be counted twice.
    private func refuse(_ why: String) throws -> Never {
        say("\(why): give --on-top if they are not, or take them out first, as with footfall start SITE 0")
        throw Exit.data
    }

    private var note: String { "footfall import " + (file == "-" ? "-" : URL(fileURLWithPath: file).lastPathComponent) }
}
