import Counting
import NIOHTTP1

/// `GET /`: every site with its numbers, in a page that needs no script. With one it becomes the dashboard.
enum DashboardPage {
    /// The page for the owner.
    static func totals(_ report: Report, _ warnings: [Warning]) -> Response {
        page(table(report, warnings), isDashboard: true)
    }

    /// The page that asks for a token, and says what was wrong with the last one.
    static func signIn(_ problem: String? = nil) -> Response {
        page(
            """
            <h1>Footfall</h1>
            \(problem.map { "<p class=\"warning\" role=\"alert\">\(markup($0))</p>" } ?? "")
            <form method="post" action="sign-in">
            <label>Token (<span lang="vi">mã truy cập</span>) <input type="password" name="token" autocomplete="current-password" required></label>
            <button>Sign in · <span lang="vi">Đăng nhập</span></button>
            </form>

            """, isDashboard: false, .unauthorized)
    }

    private static func page(_ main: String, isDashboard: Bool, _ status: HTTPResponseStatus = .ok) -> Response {
        let script = isDashboard ? "<script type=\"module\" src=\"dashboard.js\"></script>\n" : ""
        let page = """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>Footfall</title>
            <link rel="icon" href="data:,">
            <link rel="stylesheet" href="dashboard.css">
            \(script)</head>
            <body>
            <main id="app">
            \(main)</main>
            </body>
            </html>

            """
        var response = Response.fresh(page.utf8, type: "text/html", status)
        if status == .unauthorized { response.add("WWW-Authenticate", "Bearer") }
        response.policy =
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
            + "form-action 'self'; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
        return response
    }

    private static func table(_ report: Report, _ more: [Warning]) -> String {
        let rows = report.sites.map(row).joined()
        let sites = report.sites.flatMap { site in
            (report.siteWarnings[site.name] ?? []).map { "\(site.name): \($0.detail)" }
        }
        let all = (report.warnings + more).map(\.detail)
        let warnings = (all + sites).map { "<p class=\"warning\">\(markup($0))</p>\n" }.joined()
        return """
            <h1>Footfall</h1>
            \(warnings)<table>
            <thead><tr><th>Site</th><th>Online</th><th>Today</th><th class="wide">Yesterday</th>\
            <th class="wide">This month</th><th>Total</th></tr></thead>
            <tbody>
            \(rows)</tbody>
            </table>
            <p>Visits, and visitors online, as of \(report.asOf.rfc3339). Reload for newer ones.</p>

            """
    }

    private static func row(_ site: SiteReport) -> String {
        func kind(_ span: Sums) -> String { grouped(site.totalOf == .visits ? span.visits : span.views) }
        return """
            <tr><td>\(markup(site.name))</td><td class="online">\(grouped(site.online))</td>\
            <td>\(kind(site.today))</td><td class="wide">\(kind(site.yesterday))</td>\
            <td class="wide">\(kind(site.month))</td><td>\(grouped(site.total))</td></tr>

            """
    }
}
