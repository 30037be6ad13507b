import ArgumentParser
import Foundation
import Glibc
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
            why; so reading a file again changes nothing. Days that Footfall has counted itself are left as they are.
            """)

    @Argument(help: "The file; - is standard input.", completion: .file())
    var file: String
    @Option(help: "The site; default the one that the file names.", transform: siteName)
    var site: String?
    @Flag(help: "Say what would be done, and do nothing.")
    var dryRun = false
    @OptionGroup var settingsOption: SettingsOption

    func run() throws {
        let text: String
        do {
            let data =
                file == "-"
                ? try FileHandle.standardInput.readToEnd() ?? Data() : try Data(contentsOf: URL(fileURLWithPath: file))
            text = String(decoding: data, as: UTF8.self)
        } catch {
            say("cannot read \(file): \(error.localizedDescription)")
            throw Exit.noInput
        }
        let table: DayTable
        do throws(DayTable.Unreadable) {
            table = try DayTable(text)
        } catch {
            say("\(file): \(error.reason)")
            throw Exit.data
        }
        guard let name = site ?? table.site else {
            throw ValidationError("the file names no site: say which one with --site")
        }
        let client = try LocalClient(settingsOption)
        if let total = table.total { return try takeOver(total, name, client) }
        try bring(table.days, to: name, client)
    }

    private func takeOver(_ total: Int64, _ site: String, _ client: LocalClient) throws {
        let now = try decode(SiteSnapshot.self, client.get("/api/v1/sites/" + site)).total.start_visits
        guard now != total else { return print("\(site) starts from \(grouped(total)) visits already") }
        if dryRun { return print("\(site) would start from \(grouped(total)) visits, before from \(grouped(now))") }
        struct Body: Encodable { let visits: Int64, note: String }
        _ = try client.ask(
            "PUT", "/api/v1/sites/\(site)/start", Body(visits: total, note: "footfall import \(name(of: file))"))
        print("\(site) starts from \(grouped(total)) visits, before from \(grouped(now))")
    }

    private struct Body: Encodable { let day: String, visits: Int64, views: Int64, note: String }

    private func bring(_ days: [DayTable.Day], to site: String, _ client: LocalClient) throws {
        let kept = try DayTable.kept(String(decoding: client.get("/api/v1/sites/\(site)/export.csv"), as: UTF8.self))
        let isTerminal = isatty(STDERR_FILENO) == 1
        var (changed, same, own) = (0, 0, 0)
        for (i, day) in days.enumerated() {
            let there = kept[day.day]
            // It has visitors or a peak of its own: it was counted here.
            if there?.isCounted ?? false {
                own += 1
                continue
            }
            let body = Body(
                day: day.day, visits: day.visits.map { $0 - (there?.visits ?? 0) } ?? 0,
                views: day.views.map { $0 - (there?.views ?? 0) } ?? 0, note: "footfall import \(name(of: file))")
            if body.visits == 0, body.views == 0 {
                same += 1
                continue
            }
            changed += 1
            if !dryRun { _ = try client.ask("POST", "/api/v1/sites/\(site)/corrections", body) }
            if isTerminal, i % 50 == 0 {
                FileHandle.standardError.write(Data("\r\u{1b}[K\(i + 1) of \(days.count) days".utf8))
            }
        }
        if isTerminal { FileHandle.standardError.write(Data("\r\u{1b}[K".utf8)) }
        print(
            "\(site): \(grouped(changed)) days \(dryRun ? "would be " : "")brought to what the file says, \(grouped(same)) were so already"
                + (own > 0 ? ", \(grouped(own)) that Footfall counted itself are left as they are" : ""))
    }

    private func name(of file: String) -> String { file == "-" ? "-" : URL(fileURLWithPath: file).lastPathComponent }
}
