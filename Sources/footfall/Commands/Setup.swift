import ArgumentParser
import Foundation
import Glibc
import Settings
import Web

struct Setup: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Set up a site: its file, the number of an older counter, the lines to paste, and the first visitor.",
        discussion: """
            Writes the file of the site if there is none, sets the baseline if one is given, and prints the lines for \
            the web server, the settings and the page. Then it waits for the first view, and warns if that came from \
            this machine's own address: behind a proxy that is not trusted, all visitors do. On a terminal it asks for \
            missing values.
            """)

    @Argument(help: "The site's name: 1 to 64 of a-z 0-9 . _ -", transform: siteName)
    var site: String
    @Option(help: "A host name of its pages; may be repeated.")
    var host: [String] = []
    @Option(help: "Its time zone (default: the machine's).")
    var timezone: String?
    @Option(help: "The visits of an older counter.", transform: wholeNumber)
    var start: Int64?
    @Flag(help: "Print the lines for nginx and the page (the default).")
    var nginx = false
    @Flag(help: "Print only the lines for the page.")
    var script = false
    @Option(help: "The path under which the web server serves the daemon.")
    var path = "/thong-ke/"
    @Option(help: "How many seconds to wait for the first view; 0 does not wait.")
    var wait = 600
    @OptionGroup var settingsOption: SettingsOption

    func validate() throws {
        if nginx, script { throw ValidationError("--nginx and --script exclude each other") }
        if path.wholeMatch(of: #/\/([A-Za-z0-9._~-]+\/)+/#) == nil {
            throw ValidationError("a path begins and ends with /, such as /thong-ke/")
        }
    }

    func run() throws {
        var settings = try settingsOption.load()
        if !settings.sites.contains(where: { $0.name == site }) {
            try add()
            settings = try settingsOption.load()
        }
        let client = try LocalClient(settingsOption)
        guard try client.isAnswered() else {
            say(
                "no daemon answers; footfall doctor says how to start one; then run footfall setup \(site) again"
            )
            throw Exit.unavailable
        }
        if let start = try start ?? asked("Visits the old counter had, if there is one", isNew).map(number) {
            try Start.parse(["\(site)", "\(start)", "--note", "footfall setup"] + configArguments).run()
        }
        print(lines(settings))
        if wait > 0 { try awaitFirstView(client) }
    }

    // MARK: Asking

    private var isTerminal: Bool { isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1 }
    private var isNew: Bool { host.isEmpty && timezone == nil && start == nil }

    /// Asks on a terminal, if no options were given. Nil for an empty answer.
    private func asked(_ question: String, _ isToBeAsked: Bool) -> String? {
        guard isTerminal, isToBeAsked else { return nil }
        FileHandle.standardError.write(Data("\(question) (Enter for none): ".utf8))
        let answer = readLine()?.trimmingCharacters(in: .whitespaces) ?? ""
        return answer.isEmpty ? nil : answer
    }

    /// A number as counters show it: 57998, 57.998, 57,998 or 57 998.
    private func number(_ text: String) throws -> Int64 {
        guard let number = Int64(text.filter { !".,'’ \u{a0}\u{202f}".contains($0) }) else {
            throw ValidationError("\(text) is not a number; continue with footfall setup \(site) --start NUMBER")
        }
        return number
    }

    private var configArguments: [String] { settingsOption.config.map { ["-c", $0] } ?? [] }

    private func add() throws {
        let hosts =
            host.isEmpty ? asked("Host of its pages, such as portal.example.vn", isNew).map { [$0] } ?? [] : host
        let zone = timezone ?? asked("Time zone, such as Asia/Ho_Chi_Minh; none is the machine's", isNew)
        let arguments =
            [site] + hosts.flatMap { ["--host", $0] } + (zone.map { ["--timezone", $0] } ?? []) + configArguments
        try SiteCommand.Add.parse(arguments).run()
    }

    // MARK: What to paste

    private func lines(_ settings: Settings) -> String {
        let page = """
            <!-- In the page, where the numbers shall stand: -->
            <script async src="\(path)footfall.js" data-site="\(site)"></script>
            <div data-footfall></div>

            """
        if script { return page }
        let isBelieved = !settings.http.proxies.isEmpty
        let settingsLines = """

            # In \(settingsOption.config ?? Settings.defaultFile), then `footfall check` and SIGHUP (systemctl reload footfall):
            [http]
            proxies = ["127.0.0.1"]

            """
        return """

            # In the server block of nginx, then `nginx -s reload`:
            location \(path) {
                proxy_pass http://\(settings.http.listen)/;
                proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
                proxy_set_header X-Forwarded-Proto $scheme;
                proxy_set_header Forwarded "";
            }
            \(isBelieved ? "" : settingsLines)
            \(page)
            """
    }

    // MARK: The first visitor

    private func awaitFirstView(_ client: LocalClient) throws {
        func snapshot() throws -> SiteSnapshot {
            try decode(SiteSnapshot.self, client.get("/api/v1/sites/" + site))
        }
        let before = try snapshot().total.views
        say("Waiting for a view; open the page in a browser. Ctrl-C only ends the waiting.")
        let end = Date(timeIntervalSinceNow: Double(wait))
        while Date() < end {
            let now = try snapshot()
            if now.total.views > before {
                print(
                    "The first view is counted: \(grouped(now.online.visitors)) online, \(grouped(now.total.value)) in all."
                )
                guard let warning = now.warnings.first(where: { $0.code == "own_address" }) else {
                    return print(
                        "It came from elsewhere than this machine's own address. Should all visitors come through one proxy on "
                            + "another machine, a warning tells after fifty views.")
                }
                say(
                    "The visitor's address did not come through, unless you looked from this machine itself. \(warning.detail)"
                )
                throw Exit.tryAgain
            }
            usleep(100_000)
        }
        say("No view came within \(wait) s. Does the page have the line, and does \(path)footfall.js answer there?")
        throw Exit.tryAgain
    }
}
