import Counting
import NIOHTTP1

/// Numbers that the owner changes by hand: those of an older counter, and corrections. A change is answered after it is
/// written, with who made it, why and when. If it is not written, nothing has changed.
struct ChangeRoutes: RouteGroup {
    let backend: any Backend

    var routes: [Route] {
        [
            Route(.PUT, "/api/v1/sites/{site}/start", .owner("Changing numbers is"), start) {
                RouteDescription(
                    "setStart", .changes, "Take over the number of an older counter",
                    """
                    Sets the baseline, which is part of the totals. The audit records who set it, when, why, and the \
                    numbers before and after.
                    """,
                    body: .jsonBody(.schema("Start")),
                    [
                        .json("It is set and written.", "StartSet"),
                        .problem(
                            400,
                            """
                            The body is not such JSON, it has no number, or a number is less than 0 or greater than \
                            2^50. Or as for every route.
                            """),
                        .shared(503, "ChangeUnwritten"),
                    ])
            },
            Route(.POST, "/api/v1/sites/{site}/corrections", .owner("Changing numbers is"), correct) {
                RouteDescription(
                    "correctDay", .changes, "Add a signed number to a day",
                    """
                    Adds to the visits or views of one local day, and so to its month and the total, but to no \
                    window, ranking, visitor number or peak. The audit records it. A correction that is sent twice is \
                    added twice.
                    """,
                    body: .jsonBody(.schema("Correction")),
                    [
                        .json("It is added and written.", "Corrected"),
                        .problem(
                            400,
                            """
                            The body is not such JSON, the day does not exist or is later than today, both numbers \
                            are zero, one is greater than 2^50 or less than -2^50, or the note is missing. Or as for \
                            every route.
                            """),
                        .shared(503, "ChangeUnwritten"),
                    ])
            },
        ]
    }

    private struct Start: Decodable { var visits: Int64?, views: Int64?, note: String? }
    private struct Correction: Decodable { var day: String, visits: Int64?, views: Int64?, note: String }

    /// A number that is not given stays unchanged.
    @Sendable private func start(_ request: HTTPRequest) throws(Problem) -> ResponseAction {
        let (place, site, owner, asOf) = try site(of: request)
        let start = try request.decode(Start.self, #"{"visits":57998,"note":"from the old counter"}"#)
        let (visits, views) = (start.visits, start.views)
        guard visits != nil || views != nil, visits ?? 0 >= 0, views ?? 0 >= 0 else {
            throw Problem(.badRequest, "Give a number of visits or views, zero or more.")
        }
        try checkAmounts(visits ?? 0, views ?? 0)
        let note = AuditNote(by: owner, note: start.note ?? "", at: asOf)
        return change { engine in
            let former = engine.baseline(of: place)
            return .baseline(place, visits: visits ?? former.visits, views: views ?? former.views, note)
        } saying: { record in
            guard case .baseline(_, let visits, let views, _) = record else { return [:] }
            return ["site": JSON(site.name), "start_visits": JSON(visits), "start_views": JSON(views)]
        }
    }

    @Sendable private func correct(_ request: HTTPRequest) throws(Problem) -> ResponseAction {
        let (place, site, owner, asOf) = try site(of: request)
        let correction = try request.decode(
            Correction.self, #"{"day":"2026-11-23","visits":-12000,"note":"a crawler"}"#)
        guard let day = LocalDay(correction.day), day <= site.day, day.number >= 0 else {
            throw Problem(
                .badRequest,
                "Give a day of the site from 1970-01-01 up to today, \(site.day), as in \"day\":\"\(site.day)\".")
        }
        let (visits, views) = (correction.visits ?? 0, correction.views ?? 0)
        try checkAmounts(visits, views)
        guard visits != 0 || views != 0, !correction.note.isEmpty else {
            throw Problem(.badRequest, "Give a number of visits or views that is not zero, and a note that says why.")
        }
        let note = AuditNote(by: owner, note: correction.note, at: asOf)
        return change { _ in
            .correction(place, day, visits: visits, views: views, note)
        } saying: { _ in
            ["site": JSON(site.name), "day": JSON("\(day)"), "visits": JSON(visits), "views": JSON(views)]
        }
    }

    private func site(of request: HTTPRequest) throws(Problem) -> (SiteIndex, SiteReport, owner: String, Moment) {
        let report = backend.report
        guard let place = report.index(of: String(request.parameters[0])) else { throw Problem.unknownSite }
        return (place, report.sites[place.number], request.owner ?? "", report.asOf)
    }

    private func checkAmounts(_ visits: Int64, _ views: Int64) throws(Problem) {
        guard visits.magnitude <= Record.amountMax, views.magnitude <= Record.amountMax else {
            throw Problem(.badRequest, "No number may be greater than \(Record.amountMax).")
        }
    }

    /// Writes a record, and answers with what `done` makes of it.
    private func change(
        _ make: @escaping @Sendable (Engine) -> Record, saying done: @escaping @Sendable (Record) -> JSONObject
    ) -> ResponseAction {
        .after { [backend] in await backend.change(make).map { .json(done($0)) } ?? Self.unwritten }
    }

    private static let unwritten = Problem(
        .serviceUnavailable, "The journal accepts nothing now, so nothing was changed; /readyz says why."
    ).response
}
