import ArgumentParser
import Web

struct Start: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Take over the number of an older counter.",
        discussion:
            "The total goes on from there. Who did it, when and why is kept; saying it again replaces the number.")

    @Argument(help: "The site.", transform: siteName)
    var site: String
    @Argument(help: "Visits that the older counter had.")
    var visits: Int64
    @Option(help: "Views that it had; left alone if not given.")
    var views: Int64?
    @Option(help: "Why, for the audit.")
    var note = ""
    @OptionGroup var settingsOption: SettingsOption

    private struct Body: Encodable { let visits: Int64, views: Int64?, note: String }

    func run() throws {
        _ = try LocalClient(settingsOption).ask(
            "PUT", "/api/v1/sites/\(site)/start", Body(visits: visits, views: views, note: note))
        print("\(site) starts from \(grouped(visits)) visits")
    }
}

struct Correct: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Add a signed number to one day of a site, and so to its month and total.",
        discussion:
            "For what should not have been counted, or was not. It is kept beside the counts, with who, when and why.")

    @Argument(help: "The site.", transform: siteName)
    var site: String
    @Option(help: "The site's local day, as in 2026-11-23.")
    var day: String
    @Option(parsing: .unconditional, help: "Visits to add, as in -12000.")
    var visits: Int64 = 0
    @Option(parsing: .unconditional, help: "Views to add.")
    var views: Int64 = 0
    @Option(help: "Why, for the audit.")
    var note: String
    @OptionGroup var settingsOption: SettingsOption

    private struct Body: Encodable { let day: String, visits: Int64, views: Int64, note: String }

    func run() throws {
        _ = try LocalClient(settingsOption).ask(
            "POST", "/api/v1/sites/\(site)/corrections", Body(day: day, visits: visits, views: views, note: note))
        print("\(site), \(day): \(grouped(visits)) visits and \(grouped(views)) views added")
    }
}
