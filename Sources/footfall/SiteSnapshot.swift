import Foundation
import Web

/// The snapshot of a site as the API gives it to its owner, read back to be shown to people.
struct SiteSnapshot: Decodable {
    struct Online: Decodable {
        let visitors: Int
        let window_seconds: Int
        let peak: Peak
        let peak_today: Peak
    }
    struct Peak: Decodable {
        let visitors: Int
        let at: String
    }
    struct Total: Decodable {
        let value: Int
        let of: String
        let visits: Int
        let views: Int
    }
    struct Span: Decodable {
        let visits: Int
        let views: Int
        let visitors: Int?
        let visitor_days: Int?
    }
    struct Bots: Decodable {
        let today: Int
        let total: Int
    }
    struct Window: Decodable {
        let visits: Int
        let views: Int
    }
    struct Warning: Decodable {
        let code: String
        let detail: String

        /// Every site has it.
        var isAboutAll: Bool { ["kernel_drops", "disk", "clock"].contains(code) }
    }
    struct Exact: Decodable {
        let online: Bool
        let visitors_today: Bool
    }
    let site: String
    let as_of: String
    let timezone: String
    let online: Online
    let total: Total
    let today: Span
    let yesterday: Span
    let month: Span
    let bots: Bots
    let windows: [String: Window]
    let exact: Exact
    let warnings: [Warning]

    /// A site in a few lines.
    var text: String {
        let about = exact.visitors_today ? "" : " (±0.8 %)"
        return """
            \(site) at \(as_of) (\(timezone))
              online now      \(grouped(online.visitors))\(exact.online ? "" : " or more"), \
            peak today \(grouped(online.peak_today.visitors)), ever \(grouped(online.peak.visitors))
              total \(total.of)    \(grouped(total.value))
              today           \(grouped(today.visits)) visits, \(grouped(today.views)) views, \
            \(grouped(today.visitors ?? 0)) visitors\(about)
              yesterday       \(grouped(yesterday.visits)) visits, \(grouped(yesterday.views)) views
              this month      \(grouped(month.visits)) visits, \(grouped(month.views)) views
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
