import Counting
import NIOHTTP1

/// `GET /`: every site with its numbers, in a page that needs no script.
struct TotalsPage: Sendable {
    let state: WebState

    @Sendable func show(_ request: Request) throws(Problem) -> Reply {
        try request.requireOwner("The page of totals is", at: "/")
        return .after { [state] in
            var answer = Answer.fresh(page(state.report()).utf8, type: "text/html")
            answer.policy = "default-src 'none'; style-src 'self'; frame-ancestors 'none'"
            return answer
        }
    }

    private func page(_ report: Report) -> String {
        let rows = report.sites.map(Self.row).joined()
        let sites = report.sites.flatMap { site in
            (report.siteWarnings[site.name] ?? []).map { "\(site.name): \($0.detail)" }
        }
        let all = (report.warnings + state.warnings()).map(\.detail)
        let warnings = (all + sites).map { "<p class=\"warning\">\(Self.escaped($0))</p>\n" }.joined()
        return """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width">
            <title>Footfall</title>
            <link rel="stylesheet" href="totals.css">
            </head>
            <body>
            <h1>Footfall</h1>
            \(warnings)<table>
            <thead><tr><th>Site</th><th>Online</th><th>Today</th><th class="wide">Yesterday</th>\
            <th class="wide">This month</th><th>Total</th></tr></thead>
            <tbody>
            \(rows)</tbody>
            </table>
            <p>Visits, and visitors online, as of \(report.asOf.rfc3339). Reload for newer ones.</p>
            </body>
            </html>

            """
    }

    private static func row(_ site: SiteReport) -> String {
        func kind(_ span: Sums) -> String { grouped(site.totalOf == .visits ? span.visits : span.views) }
        return """
            <tr><td>\(escaped(site.name))</td><td class="online">\(grouped(site.online))</td>\
            <td>\(kind(site.today))</td><td class="wide">\(kind(site.yesterday))</td>\
            <td class="wide">\(kind(site.month))</td><td>\(grouped(site.total))</td></tr>

            """
    }

    /// Nothing that came in, and nothing of an error's words, is markup.
    private static func escaped(_ text: String) -> String {
        text.reduce(into: "") { out, character in
            switch character {
            case "&": out += "&amp;"
            case "<": out += "&lt;"
            case ">": out += "&gt;"
            case "\"": out += "&quot;"
            default: out.append(character)
            }
        }
    }
}

/// `57,998`.
public func grouped(_ number: some BinaryInteger) -> String {
    let digits = Array(String(number.magnitude))
    let groups = stride(from: digits.count, to: 0, by: -3).map { String(digits[max(0, $0 - 3)..<$0]) }
    return (number < 0 ? "-" : "") + groups.reversed().joined(separator: ",")
}
