import Counting
import NIOHTTP1

/// What the owner changes by hand: the number of an older counter, and corrections. Each is written with who, why and
/// when before it is answered, or it has not happened.
struct Changes: Sendable {
    let state: WebState

    private struct Start: Decodable { var visits: Int64?, views: Int64?, note: String? }
    private struct Correction: Decodable { var day: String, visits: Int64?, views: Int64?, note: String }

    /// `PUT /api/v1/sites/{site}/start`: what is not named stays as it is.
    @Sendable func start(_ request: Request) throws(Problem) -> Reply {
        let (place, site, owner, asOf) = try site(of: request)
        let start = try request.decode(Start.self, #"{"visits":57998,"note":"from the old counter"}"#)
        let (visits, views) = (start.visits, start.views)
        guard visits != nil || views != nil, visits ?? 0 >= 0, views ?? 0 >= 0 else {
            throw Problem(.badRequest, "Give a number of visits or views, zero or more.")
        }
        try checkAmounts(visits ?? 0, views ?? 0)
        let remark = Remark(by: owner, note: start.note ?? "", at: asOf)
        return reply { engine in
            let former = engine.start(of: place)
            return .start(place, visits: visits ?? former.visits, views: views ?? former.views, remark)
        } saying: { record in
            guard case .start(_, let visits, let views, _) = record else { return [:] }
            return ["site": JSON(site.name), "start_visits": JSON(visits), "start_views": JSON(views)]
        }
    }

    // Keys of a site, which must be known.
    @Sendable func listKeys(_ request: Request) throws(Problem) -> Reply {
        state.keys.list(of: try knownSite(request))
    }
    @Sendable func createKey(_ request: Request) throws(Problem) -> Reply {
        try state.keys.create(of: try knownSite(request))
    }
    @Sendable func revokeKey(_ request: Request) throws(Problem) -> Reply {
        try state.keys.revoke(String(request.parameters[1]), of: try knownSite(request))
    }

    private func knownSite(_ request: Request) throws(Problem) -> String {
        try request.requireOwner("Keys of a site are", at: request.head.uri)
        let name = String(request.parameters[0])
        guard state.report().index(of: name) != nil else { throw Problem.unknownSite }
        return name
    }

    @Sendable func correct(_ request: Request) throws(Problem) -> Reply {
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
        let remark = Remark(by: owner, note: correction.note, at: asOf)
        return reply { _ in
            .correction(place, day, visits: visits, views: views, remark)
        } saying: { _ in
            ["site": JSON(site.name), "day": JSON("\(day)"), "visits": JSON(visits), "views": JSON(views)]
        }
    }

    private func site(of request: Request) throws(Problem) -> (SiteIndex, SiteReport, owner: String, Moment) {
        try request.requireOwner("Changing numbers is", at: request.head.uri)
        let report = state.report()
        guard let place = report.index(of: String(request.parameters[0])) else { throw Problem.unknownSite }
        return (place, report.sites[place.number], request.owner ?? "", report.asOf)
    }

    private func checkAmounts(_ visits: Int64, _ views: Int64) throws(Problem) {
        guard visits.magnitude <= Record.amountMax, views.magnitude <= Record.amountMax else {
            throw Problem(.badRequest, "No number may be greater than \(Record.amountMax).")
        }
    }

    private func reply(
        _ make: @escaping @Sendable (Engine) -> Record, saying done: @escaping @Sendable (Record) -> JSONObject
    ) -> Reply {
        .later { give in
            let isTaken = state.change(make) { record in
                give { record.map { .json(done($0)) } ?? Self.unwritten }
            }
            if !isTaken { give { Self.unwritten } }
        }
    }

    private static let unwritten = Problem(
        .serviceUnavailable, "The journal takes nothing now, and nothing was changed; /readyz says why."
    ).answer
}
