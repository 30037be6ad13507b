public import Counting

/// The snapshot of one site, in the same shape for the API and the command line.
///
/// Only numbers in `visible` are included, and no object that would be empty; nil shows all. `exact` and `warnings`
/// always stay.
public func siteJSON(
    _ report: SiteReport, asOf: Moment, warnings: [Warning] = [], visible: Set<PublicNumber>? = nil
) -> JSONObject {
    var site: JSONObject = [
        "site": JSON(report.name), "as_of": JSON(asOf.rfc3339), "timezone": JSON(report.timezone),
    ]
    typealias Numbers = [(PublicNumber, String, JSON)]
    func days(_ sums: Sums, as number: PublicNumber, visitors: String = "visitors") -> Numbers {
        [
            (number, "visits", JSON(sums.visits)), (number, "views", JSON(sums.views)),
            (.visitors, visitors, JSON(sums.visitors)),
        ]
    }
    let objects: KeyValuePairs<String, Numbers> = [
        "online": [
            (.online, "visitors", JSON(report.online)),
            (.online, "window_seconds", JSON(report.onlineWindowSeconds)),
            (.peak, "peak_today", json(report.peakToday)),
            (.peak, "peak", json(report.peak)),
        ],
        "total": [
            (.total, "value", JSON(report.total)),
            (.total, "of", JSON(report.totalOf == .visits ? "visits" : "views")),
            (.visits, "visits", JSON(report.totalVisits)),
            (.views, "views", JSON(report.totalViews)),
            (.visits, "start_visits", JSON(report.baselineVisits)),
            (.views, "start_views", JSON(report.baselineViews)),
            (.total, "since", JSON(report.since.rfc3339)),
        ],
        "today": days(report.today, as: .today),
        "yesterday": days(report.yesterday, as: .yesterday),
        "month": days(report.month, as: .month, visitors: "visitor_days"),
        "windows": report.windows.map { window in
            (.windows, window.name, .object(["visits": JSON(window.visits), "views": JSON(window.views)]))
        },
        "bots": [(.bots, "today", JSON(report.botsToday)), (.bots, "total", JSON(report.bots))],
        "rejected": [(.rejected, "total", JSON(report.rejected))],
        "exact": [
            (.online, "online", .bool(report.isOnlineExact)),
            (.visitors, "visitors_today", .bool(report.isVisitorsExact)),
            (.visitors, "visitors_error", report.isVisitorsExact ? JSON(0) : .decimal(HyperLogLog.standardError)),
        ],
    ]
    for (name, numbers) in objects {
        var object: JSONObject = [:]
        for (number, name, value) in numbers where visible?.contains(number) ?? true { object.append(name, value) }
        if name == "exact" || !object.members.isEmpty { site.append(name, .object(object)) }
    }
    site.append(
        "warnings",
        .array(warnings.map { .object(["code": JSON($0.code.rawValue), "detail": JSON($0.detail)]) }))
    return site
}

private func json(_ peak: Peak) -> JSON {
    .object(["visitors": JSON(peak.visitors), "at": JSON(peak.at.rfc3339)])
}
