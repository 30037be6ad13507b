import Counting
import Foundation
import NIOHTTP1

/// The past of a site: columns, rankings of a day, and all days as a table for other programs.
struct Histories: Sendable {
    let state: WebState

    /// The columns that can be asked for, each with what it shows of a stretch.
    private static let metrics: KeyValuePairs<String, @Sendable (Series, Int) -> Int64?> = [
        "views": { $0.views[$1] }, "visits": { $0.visits[$1] }, "online": { $0.online[$1] }, "pings": { $0.pings[$1] },
        "bots": { $0.bots[$1] }, "visitors": { $0.visitors[$1] },
    ]

    /// `GET /api/v1/sites/{site}/series?metrics=views,visits,online&from=…&to=…&step=15m|1h|1d|1mo`
    @Sendable func series(_ request: Request) throws(Problem) -> Reply {
        let (site, place) = try site(of: request, .series, "History is")
        let asked = (request.query("metrics") ?? "views,visits,online").split(separator: ",").map(String.init)
        let columns = Self.metrics.filter { asked.contains($0.key) }
        guard !columns.isEmpty, Set(asked).count == columns.count, asked.count == columns.count else {
            let names = Self.metrics.map(\.key).joined(separator: ",")
            throw Problem(.badRequest, "Ask for metrics among \(names), each once.")
        }
        let query = SeriesQuery(
            site: place, timezone: site.timezone, from: try Self.edge(request, "from"),
            to: try Self.edge(request, "to"),
            step: try Self.step(request))
        return .after { [state] in
            switch await state.history.series(query) {
            case .series(let series, let step, _, let asOf):
                var object: JSONObject = [
                    "site": JSON(site.name), "timezone": JSON(site.timezone), "step": JSON(step.rawValue),
                    "as_of": JSON(asOf.rfc3339), "t": .array(series.bounds.dropLast().map { JSON($0) }),
                ]
                for (name, value) in columns {
                    object.append(
                        name, .array((0..<series.count).map { i in (series.isKnown(i) ? value(series, i) : nil).json }))
                }
                return Rendered(
                    object, caching: request.isOwners ? ownersCaching : "max-age=1", isOpen: !request.isOwners
                )
                .answer(to: request)
            case .empty: return Self.emptyRange.answer
            case .tooLong: return Self.tooLong.answer
            case .unavailable: return Self.unavailable.answer
            }
        }
    }

    /// `GET /api/v1/sites/{site}/top/{pages|referrers}?day=today|yesterday|2026-11-23&limit=20`
    @Sendable func top(_ request: Request) throws(Problem) -> Reply {
        let (site, place) = try site(of: request, .top, "Rankings are")
        let isPages = request.parameters[1] == "pages"
        guard isPages || request.parameters[1] == "referrers" else {
            throw Problem(.notFound, "Rankings are of pages or of referrers.")
        }
        let limit = request.query("limit") ?? "20"
        guard let rows = Int(limit), (1...1000).contains(rows) else {
            throw Problem(.badRequest, "Ask for a limit of 1 to 1000 rows.")
        }
        let day: LocalDay? =
            switch request.query("day") ?? "today" {
            case "today": site.day
            case "yesterday": site.day.before
            case let text: LocalDay(text)
            }
        guard let day, day <= site.day else {
            throw Problem(
                .badRequest, "Ask for a day up to today, \(site.day), as in day=\(site.day); or today or yesterday.")
        }
        return .after { [state] in
            guard let found = await state.history.rankings(place, day) else { return Self.unavailable.answer }
            let top = (isPages ? found.pages : found.referrers).first(rows)
            let lines = top.rows.map { row -> JSON in
                var line: JSONObject = [
                    "key": JSON(String(decoding: row.key, as: UTF8.self)), "views": JSON(row.views),
                ]
                if isPages { line.append("entries", JSON(row.entries)) }
                return .object(line)
            }
            let object: JSONObject = [
                "day": JSON("\(day)"), "rows": .array(lines), "other": JSON(top.other),
                "approximate": .bool(top.isApproximate),
            ]
            return Rendered(object, caching: request.isOwners ? ownersCaching : "max-age=1", isOpen: !request.isOwners)
                .answer(to: request)
        }
    }

    /// `GET /api/v1/sites/{site}/export.csv`: a line for each local day since the site was first known.
    @Sendable func export(_ request: Request) throws(Problem) -> Reply {
        try request.requireOwner("The days of a site are", at: request.head.uri)
        let (site, place) = try site(of: request, .series, "")
        let query = SeriesQuery(
            site: place, timezone: site.timezone, from: .beginning, to: nil, step: .day)
        return .after { [state] in
            guard case .series(let series, _, let days, _) = await state.history.series(query) else {
                return Self.unavailable.answer
            }
            var text = "site,day,visits,views,visitors,bots,peak_online\n"
            for (i, day) in days.enumerated() where series.isKnown(i) {
                let numbers = [series.visits[i], series.views[i], series.visitors[i], series.bots[i], series.online[i]]
                text +=
                    "\(csvField(site.name)),\(day)," + numbers.map { $0.map { "\($0)" } ?? "" }.joined(separator: ",")
                    + "\n"
            }
            var answer = Answer.fresh(text.utf8, type: "text/csv")
            answer.add("Content-Disposition", "attachment; filename=\"footfall-\(site.name).csv\"")
            return answer
        }
    }

    private func site(
        of request: Request, _ number: PublicNumber, _ what: String
    ) throws(Problem) -> (SiteReport, SiteIndex) {
        let name = String(request.parameters[0])
        let report = state.report()
        guard let place = report.index(of: name) else { throw Problem.unknownSite }
        if !request.isOwners, !state.publicNumbers(name).contains(number) {
            try request.requireOwner(what, at: request.head.uri)
        }
        return (report.sites[place.number], place)
    }

    private static func step(_ request: Request) throws(Problem) -> SeriesQuery.Step? {
        guard let text = request.query("step") else { return nil }
        guard let step = SeriesQuery.Step(rawValue: text) else {
            throw Problem(.badRequest, "Ask for a step of 15m, 1h, 1d or 1mo.")
        }
        return step
    }

    /// A moment as RFC 3339 writes it, or a day of the site.
    private static func edge(_ request: Request, _ name: String) throws(Problem) -> SeriesQuery.Edge? {
        guard let text = request.query(name) else { return nil }
        if let day = LocalDay(text) { return .day(day) }
        // The date must be one of the calendar.
        let form = #/(\d{4}-\d{2}-\d{2})T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(Z|[+-]\d{2}:\d{2})/#
        guard let parts = text.wholeMatch(of: form), LocalDay(String(parts.1)) != nil,
            let date = try? Date(text.replacing(#/\.\d+/#, with: ""), strategy: .iso8601),
            (0...4_294_000_000).contains(date.timeIntervalSince1970)
        else {
            throw Problem(
                .badRequest,
                "Give \(name) as RFC 3339, such as 2026-11-23T07:00:00Z or 2026-11-23T14:00:00+07:00 (a plus is %2B in a URL), "
                    + "or as a day such as 2026-11-23.")
        }
        return .moment(Moment(second: Int64(date.timeIntervalSince1970)))
    }

    private static let unavailable = Problem(
        .serviceUnavailable, "The disk does not give history now; /readyz says why.")
    private static let emptyRange = Problem(.badRequest, "Ask for a range that ends after it begins.")
    private static let tooLong = Problem(
        .badRequest, "That is more than \(Series.countMax) stretches: ask for a longer step or a shorter range.")
}

extension Int64? {
    fileprivate var json: JSON { map { JSON($0) } ?? .null }
}

/// A field of a table for other programs: quoted, and no formula wherever it is opened.
public func csvField(_ text: String) -> String {
    // By scalars: among characters a mark that joins a quote would hide it.
    let scalars = text.unicodeScalars
    var field = "\""
    if let first = scalars.first, "=+-@\t\r".unicodeScalars.contains(first) { field += "'" }
    for scalar in scalars { field += scalar == "\"" ? "\"\"" : String(scalar) }
    return field + "\""
}

extension Request {
    /// The value of a key of the target's query, decoded; the first of several.
    func query(_ name: String) -> String? {
        let query = head.uri.split(separator: "?", maxSplits: 1).dropFirst().first ?? ""
        for pair in query.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts[0] == name {
                return parts.count < 2 ? "" : parts[1].replacing("+", with: " ").removingPercentEncoding ?? ""
            }
        }
        return nil
    }
}
