public import Counting

/// A number of a site that its owner may show to anybody: the names of the `public` setting.
public enum PublicNumber: String, CaseIterable, Sendable {
    case online, peak, total, visits, views, today, yesterday, month, visitors, windows, bots, rejected, top, series

    /// The default: what a counter is for.
    public static let counter: Set<PublicNumber> = [.online, .total]
}

/// The snapshot of one site in the shape of the interface, for the API and the command line alike.
///
/// `visible` leaves every other number out, and an object that would be empty with them; nil shows all.
/// `exact` and `warnings` always stay.
public func siteJSON(
    _ report: SiteReport, asOf: Moment, warnings: [Warning] = [], visible: Set<PublicNumber>? = nil
) -> JSONObject {
    var site: JSONObject = [
        "site": JSON(report.name), "as_of": JSON(asOf.rfc3339), "timezone": JSON(report.timezone),
    ]
    func add(_ name: String, _ numbers: [(PublicNumber, String, JSON)], evenIfEmpty: Bool = false) {
        var object: JSONObject = [:]
        for (number, name, value) in numbers where visible?.contains(number) ?? true { object.append(name, value) }
        if evenIfEmpty || !object.members.isEmpty { site.append(name, .object(object)) }
    }
    add(
        "online",
        [
            (.online, "visitors", JSON(report.online)),
            (.online, "window_seconds", JSON(report.onlineWindowSeconds)),
            (.peak, "peak_today", json(report.peakToday)),
            (.peak, "peak", json(report.peak)),
        ])
    add(
        "total",
        [
            (.total, "value", JSON(report.total)),
            (.total, "of", JSON(report.totalOf == .visits ? "visits" : "views")),
            (.visits, "visits", JSON(report.totalVisits)),
            (.views, "views", JSON(report.totalViews)),
            (.visits, "start_visits", JSON(report.startVisits)),
            (.views, "start_views", JSON(report.startViews)),
            (.total, "since", JSON(report.since.rfc3339)),
        ])
    func add(_ name: String, _ span: SiteReport.Span, as number: PublicNumber, visitors: String) {
        add(
            name,
            [
                (number, "visits", JSON(span.visits)),
                (number, "views", JSON(span.views)),
                (.visitors, visitors, JSON(span.visitors)),
            ])
    }
    add("today", report.today, as: .today, visitors: "visitors")
    add("yesterday", report.yesterday, as: .yesterday, visitors: "visitors")
    add("month", report.month, as: .month, visitors: "visitor_days")
    add(
        "windows",
        report.windows.map { window in
            (.windows, window.name, .object(["visits": JSON(window.visits), "views": JSON(window.views)]))
        })
    add("bots", [(.bots, "today", JSON(report.botsToday)), (.bots, "total", JSON(report.bots))])
    add("rejected", [(.rejected, "total", JSON(report.rejected))])
    add(
        "exact",
        [
            (.online, "online", .bool(report.isOnlineExact)),
            (.visitors, "visitors_today", .bool(report.isVisitorsExact)),
            (.visitors, "visitors_error", report.isVisitorsExact ? JSON(0) : .decimal(visitorsError)),
        ], evenIfEmpty: true)
    site.append(
        "warnings",
        .array(warnings.map { .object(["code": JSON($0.code.rawValue), "detail": JSON($0.detail)]) }))
    return site
}

/// Standard error of a day's unique visitors once they are estimated.
private let visitorsError = 0.0081

private func json(_ peak: Peak) -> JSON {
    .object(["visitors": JSON(peak.visitors), "at": JSON(peak.at.rfc3339)])
}
