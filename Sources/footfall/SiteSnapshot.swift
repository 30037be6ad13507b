import Counting
import Web

/// The snapshot of a site, decoded from the API's JSON.
struct SiteSnapshot: Decodable {
    struct Online: Decodable { let visitors: Int, peak: Peak, peak_today: Peak }
    struct Peak: Decodable { let visitors: Int }
    struct Total: Decodable {
        let value: Int, of: String, visits: Int, views: Int, start_visits: Int64, start_views: Int64
    }
    struct Span: Decodable { let visits: Int, views: Int, visitors: Int? }
    struct Bots: Decodable { let today: Int, total: Int }
    struct Window: Decodable { let views: Int }
    struct Exact: Decodable { let online: Bool, visitors_today: Bool }
    struct Warning: Decodable {
        let code: String, detail: String

        var isAboutAll: Bool { Counting.Warning.Code(rawValue: code)?.isAboutAll ?? false }
    }
    let site: String, as_of: String, timezone: String
    let online: Online, total: Total, today: Span, yesterday: Span, month: Span, bots: Bots
    let windows: [String: Window], exact: Exact, warnings: [Warning]

    var text: String {
        let about = exact.visitors_today ? "" : " (±0.8 %)"
        return """
            \(site) at \(as_of) (\(timezone))
              online now      \(grouped(online.visitors))\(exact.online ? "" : " or more"), \
            peak today \(grouped(online.peak_today.visitors)), ever \(grouped(online.peak.visitors))
              total \(total.of)    \(grouped(total.value))
              today           \(counted(today.visits, "visit")), \(counted(today.views, "view")), \
            \(counted(today.visitors ?? 0, "visitor"))\(about)
              yesterday       \(counted(yesterday.visits, "visit")), \(counted(yesterday.views, "view"))
              this month      \(counted(month.visits, "visit")), \(counted(month.views, "view"))
              bots            \(grouped(bots.today)) today, \(grouped(bots.total)) ever
            """ + warnings.map { "\n  warning: \($0.detail)" }.joined()
    }

    static let csvHeader = "site,as_of,online,total,visits,views,visits_today,views_today,visitors_today,bots_today"

    /// A site as one line under `csvHeader`.
    var csv: String {
        let numbers = [
            online.visitors, total.value, total.visits, total.views, today.visits, today.views, today.visitors ?? 0,
            bots.today,
        ]
        return ([site, as_of] + numbers.map(String.init)).joined(separator: ",")
    }
}
