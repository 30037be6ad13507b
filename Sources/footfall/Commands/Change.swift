import ArgumentParser
import Web

struct Start: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Set the baseline of a site: the number of an older counter.",
        discussion:
            "The total continues from there. The audit records who set it, when and why. Setting it again replaces the number."
    )

    @Argument(help: "The site.", transform: siteName)
    var site: String
    @Argument(help: "The visits of the older counter, in digits only, such as 57998.", transform: wholeNumber)
    var visits: Int64
    @Option(help: "The views of the older counter (default: unchanged).", transform: wholeNumber)
    var views: Int64?
    @Option(help: "The reason, for the audit.")
    var note = ""
    @OptionGroup var settingsOption: SettingsOption

    private struct Body: Encodable { let visits: Int64, views: Int64?, note: String }

    func run() throws {
        _ = try LocalClient(settingsOption).ask(
            "PUT", "/api/v1/sites/\(site)/start", Body(visits: visits, views: views, note: note))
        print("\(site) starts from \(counted(visits, "visit"))")
    }
}

struct Correct: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Add a signed number to one day of a site, and thus to its month and total.",
        discussion:
            "Corrects what was counted wrongly or not at all. Corrections are stored beside the counts, with who, when and why."
    )

    @Argument(help: "The site.", transform: siteName)
    var site: String
    @Option(help: "The day in the site's time zone, such as 2026-11-23.")
    var day: String
    @Option(parsing: .unconditional, help: "The visits to add, such as -12000.", transform: wholeNumber)
    var visits: Int64 = 0
    @Option(parsing: .unconditional, help: "The views to add.", transform: wholeNumber)
    var views: Int64 = 0
    @Option(help: "The reason, for the audit.")
    var note: String
    @OptionGroup var settingsOption: SettingsOption

    private struct Body: Encodable { let day: String, visits: Int64, views: Int64, note: String }

    func run() throws {
        _ = try LocalClient(settingsOption).ask(
            "POST", "/api/v1/sites/\(site)/corrections", Body(day: day, visits: visits, views: views, note: note))
        print("\(site), \(day): \(counted(visits, "visit")) and \(counted(views, "view")) added")
    }
}
