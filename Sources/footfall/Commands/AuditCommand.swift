import ArgumentParser
import Web

struct AuditCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Show what was changed by hand, and what was lost or damaged.",
        discussion:
            "Baselines, corrections, losses and damaged files, oldest first: when, what, the old and the new number, who, and why."
    )

    @Argument(help: "The site (default: all sites, and entries about no site).", transform: siteName)
    var site: String?
    @Flag(help: "Print the JSON of the API, for all sites.")
    var json = false
    @Flag(help: "Print CSV, one line per change.")
    var csv = false
    @OptionGroup var settingsOption: SettingsOption

    struct Line: Decodable {
        let at: String, kind: String, site: String?, day: String?, by: String, note: String
        let visits: Int?, views: Int?, former_visits: Int?, former_views: Int?
    }

    private struct Answer: Decodable { let audit: [Line] }

    func validate() throws {
        if json, csv { throw ValidationError("--json and --csv exclude each other") }
    }

    func run() throws {
        let body = try LocalClient(settingsOption).get("/api/v1/audit")
        if json { return print(String(decoding: body, as: UTF8.self)) }
        let lines = try decode(Answer.self, body).audit.filter { site == nil || $0.site == site }
        if csv { print("at,kind,site,day,visits,views,former_visits,former_views,by,note") }
        for line in lines { print(csv ? line.csv : line.text) }
    }
}

extension AuditCommand.Line {
    fileprivate var text: String {
        let what =
            switch kind {
            case "start":
                "starts from \(counted(visits ?? 0, "visit")) (before: \(grouped(former_visits ?? 0))) and "
                    + "\(counted(views ?? 0, "view")) (before: \(grouped(former_views ?? 0)))"
            case "correction":
                "\(day ?? ""): \(counted(visits ?? 0, "visit")) and \(counted(views ?? 0, "view")) added"
            default: kind
            }
        return [at, site ?? "", what, by, note].filter { !$0.isEmpty }.joined(separator: "  ")
    }

    fileprivate var csv: String {
        func number(_ value: Int?) -> String { value.map(String.init) ?? "" }
        return [
            at, kind, site ?? "", day ?? "", number(visits), number(views), number(former_visits),
            number(former_views), csvField(by), csvField(note),
        ].joined(separator: ",")
    }
}
