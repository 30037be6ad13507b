import ArgumentParser
import Foundation
import Glibc
import Web

struct TopCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top", abstract: "Watch the numbers of the running daemon.",
        discussion: "Updates every second until Ctrl-C. If the output is not a terminal, the numbers are printed once.")

    @Argument(help: "The site (default: all, the busiest first).", transform: siteName)
    var site: String?
    @OptionGroup var settingsOption: SettingsOption

    func run() throws {
        let client = try LocalClient(settingsOption)
        guard isatty(STDOUT_FILENO) == 1 else { return print(try screen(client)) }
        // Errors at the start are printed before the screen changes.
        var text = try screen(client)
        let terminal = Terminal()
        while true {
            terminal.show(text)
            sleep(1)
            do {
                text = try screen(client)
            } catch {
                text = "no daemon answers; waiting for one"
            }
        }
    }

    private func screen(_ client: LocalClient) throws -> String {
        if let site { return try decode(SiteSnapshot.self, client.get("/api/v1/sites/" + site)).text }
        let sites = try decode(SiteList.self, client.get("/api/v1/sites")).sites
            .sorted { ($1.online.visitors, $1.today.views, $0.site) < ($0.online.visitors, $0.today.views, $1.site) }
        let names = [
            "site", "online", "peak today", "views 1 min", "visits today", "views today", "this month", "total",
        ]
        let rows = sites.map { site in
            [
                site.site, grouped(site.online.visitors), grouped(site.online.peak_today.visitors),
                grouped(site.windows["1m"]?.views ?? 0), grouped(site.today.visits), grouped(site.today.views),
                grouped(site.total.of == "visits" ? site.month.visits : site.month.views), grouped(site.total.value),
            ]
        }
        let warnings = Set(
            sites.flatMap { site in site.warnings.map { ($0.isAboutAll ? "" : site.site + ": ") + $0.detail } })
        return (warnings.sorted() + [table([names] + rows)]).joined(separator: "\n\n")
    }

    /// Columns as wide as needed; numbers are aligned to the right.
    private func table(_ rows: [[String]]) -> String {
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            row.indices.map { column in
                let space = String(repeating: " ", count: widths[column] - row[column].count)
                return column == 0 ? row[column] + space : space + row[column]
            }.joined(separator: "  ")
        }.joined(separator: "\n")
    }
}

/// The terminal while it shows a screen that is updated.
private struct Terminal {
    private let interrupts: [any DispatchSourceSignal]

    init() {
        interrupts = [SIGINT, SIGTERM].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                Terminal.leave()
                Exit.now(.success)
            }
            source.resume()
            return source
        }
        // The alternate screen without a cursor; the former content comes back at the end.
        Self.write("\u{1b}[?1049h\u{1b}[?25l")
    }

    /// Shows as much of the text as fits.
    func show(_ text: String) {
        var size = winsize()
        _ = unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size)
        // The default size of a terminal that does not tell its own.
        let (rows, columns) = (size.ws_row == 0 ? 24 : Int(size.ws_row), size.ws_col == 0 ? 80 : Int(size.ws_col))
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            .flatMap { Self.wrapped($0, columns) }.prefix(rows - 1)
        Self.write("\u{1b}[H" + lines.map { $0 + "\u{1b}[K\n" }.joined() + "\u{1b}[J")
    }

    /// Wraps sentences, but cuts the lines of a table.
    private static func wrapped(_ line: Substring, _ columns: Int) -> [Substring] {
        guard line.count > columns, !line.contains("  ") else { return [line.prefix(columns)] }
        let end = line.prefix(columns).lastIndex(of: " ") ?? line.index(line.startIndex, offsetBy: columns)
        return [line[..<end]] + wrapped(line[end...].drop { $0 == " " }, columns)
    }

    static func leave() { write("\u{1b}[?25h\u{1b}[?1049l") }

    private static func write(_ text: String) { FileHandle.standardOutput.write(Data(text.utf8)) }
}
