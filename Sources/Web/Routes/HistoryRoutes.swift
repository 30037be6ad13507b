import Counting
import Foundation
import NIOHTTP1

/// The history of a site: columns, the rankings of a day, and all days as a CSV file.
struct HistoryRoutes: RouteGroup {
    let backend: any Backend

    var routes: [Route] {
        [
            Route(.GET, "/api/v1/sites/{site}/series", .ownerUnlessPublic(.series, "History is"), series) {
                RouteDescription(
                    "getSeries", .history, "The history of a site in columns",
                    """
                    Anybody may ask if `series` is public, otherwise only the owner. Buckets begin with the quarter \
                    hours, hours, days or months of the site's zone. The first begins at or before `from`, and the \
                    last ends at or after `to`. A range of more than 10,000 steps is refused.
                    """,
                    parameters: [
                        .query(
                            "metrics", "The columns, each once.",
                            [
                                "type": "array",
                                "items": [
                                    "type": "string",
                                    "enum": ["views", "visits", "online", "pings", "bots", "visitors"],
                                ], "minItems": 1, "uniqueItems": true, "default": ["views", "visits", "online"],
                            ], ["style": "form", "explode": false]),
                        .query(
                            "from",
                            """
                            Where it begins: a moment (RFC 3339 with capital T and Z; a plus is `%2B` in a URL), \
                            or a day of the site, from its midnight. Default: a day before the end.
                            """, ["type": "string", "anyOf": [["format": "date-time"], ["format": "date"]]],
                            ["example": "2026-11-01"]),
                        .query(
                            "to", "Where it ends: a moment, or a day of the site, which is included. Default: now.",
                            ["type": "string", "anyOf": [["format": "date-time"], ["format": "date"]]],
                            ["example": "2026-11-23T07:00:00Z"]),
                        .query(
                            "step",
                            """
                            How long each bucket is. Default: 15m for up to two days, 1h for up to 14 days, 1d for \
                            up to 800 days, 1mo for more.
                            """, ["type": "string", "enum": ["15m", "1h", "1d", "1mo"]]),
                    ],
                    [
                        .json("The columns.", "Series", caching: .second),
                        .problem(
                            400,
                            """
                            A parameter has an invalid value, the range does not end after it begins, it begins \
                            before 1970, or it has more than 10,000 steps. Or as for every route.
                            """),
                        .shared(503, "HistoryUnavailable"),
                    ])
            },
            Route(.GET, "/api/v1/sites/{site}/top/{ranking}", .ownerUnlessPublic(.top, "Rankings are"), top) {
                RouteDescription(
                    "getRanking", .history, "The most viewed pages, or the referrers, of a day",
                    """
                    Anybody may ask if `top` is public, otherwise only the owner. Of past days the first 100 rows \
                    are kept for 400 days; older days have no rows.
                    """,
                    parameters: [
                        .pathPart("ranking", "What is ranked.", ["type": "string", "enum": ["pages", "referrers"]]),
                        .query(
                            "day", "A day of the site, up to today.",
                            [
                                "type": "string", "anyOf": [["enum": ["today", "yesterday"]], ["format": "date"]],
                                "default": "today",
                            ]),
                        .query(
                            "limit", "The most rows to return.",
                            ["type": "integer", "minimum": 1, "maximum": 1000, "default": 20]),
                    ],
                    [
                        .json("The ranking.", "Ranking", caching: .second),
                        .problem(
                            400,
                            """
                            The limit is not 1 to 1000, or the day is invalid or later than today. Or as for every \
                            route.
                            """),
                        .problem(404, "No site has this name, or the ranking is neither of pages nor of referrers."),
                        .shared(503, "HistoryUnavailable"),
                    ])
            },
            Route(.GET, "/api/v1/sites/{site}/export.csv", .owner("The days of a site are"), export) {
                RouteDescription(
                    "exportDays", .history, "All days of a site as a table",
                    """
                    One line for each local day with numbers, oldest first, after a line with the names. \
                    Corrections are included. A field is empty if its number is unknown. The site's name is quoted, \
                    and begins with `'` if it would be a formula.
                    """,
                    [
                        .text(
                            "The table.", type: "text/csv",
                            example: """
                                site,day,visits,views,visitors,bots,peak_online\n"portal",2026-11-23,1204,38\
                                11,987,77,301\n
                                """,
                            fields: [
                                "Content-Disposition": [
                                    "description": "The name of a file.", "required": true,
                                    "schema": [
                                        "type": "string",
                                        "pattern": "^attachment; filename=\"footfall-[a-z0-9._-]+\\.csv\"$",
                                    ],
                                ]
                            ]),
                        .shared(503, "HistoryUnavailable"),
                    ])
            },
        ]
    }

    /// The available columns, each with its number for a bucket.
    private static let metrics: KeyValuePairs<String, @Sendable (Series, Int) -> Int64?> = [
        "views": { $0.views[$1] }, "visits": { $0.visits[$1] }, "online": { $0.online[$1] }, "pings": { $0.pings[$1] },
        "bots": { $0.bots[$1] }, "visitors": { $0.visitors[$1] },
    ]

    @Sendable private func series(_ request: HTTPRequest) throws(Problem) -> ResponseAction {
        let (site, index) = try site(of: request)
        let asked = (request.query("metrics") ?? "views,visits,online").split(separator: ",").map(String.init)
        let columns = Self.metrics.filter { asked.contains($0.key) }
        guard !columns.isEmpty, Set(asked).count == columns.count, asked.count == columns.count else {
            let names = Self.metrics.map(\.key).joined(separator: ",")
            throw Problem(.badRequest, "Ask for metrics among \(names), each once.")
        }
        let query = SeriesQuery(
            site: index, timezone: site.timezone, from: try Self.edge(request, "from"),
            to: try Self.edge(request, "to"),
            step: try Self.step(request))
        return .after { [backend] in
            switch await backend.series(query) {
            case .series(let series, let step, _, let asOf):
                var object: JSONObject = [
                    "site": JSON(site.name), "timezone": JSON(site.timezone), "step": JSON(step.rawValue),
                    "as_of": JSON(asOf.rfc3339), "t": .array(series.bounds.dropLast().map { JSON($0) }),
                ]
                for (name, value) in columns {
                    object.append(
                        name, .array((0..<series.count).map { i in (series.isKnown(i) ? value(series, i) : nil).json }))
                }
                return CachedResponse(
                    object, caching: request.isOwners ? ownersCaching : "max-age=1", isOpen: !request.isOwners
                )
                .response(to: request)
            case .empty: return Self.emptyRange.response
            case .tooLong: return Self.tooLong.response
            case .unavailable: return Self.unavailable.response
            }
        }
    }

    @Sendable private func top(_ request: HTTPRequest) throws(Problem) -> ResponseAction {
        let (site, index) = try site(of: request)
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
        return .after { [backend] in
            guard let found = await backend.rankings(of: index, on: day) else { return Self.unavailable.response }
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
            return CachedResponse(
                object, caching: request.isOwners ? ownersCaching : "max-age=1", isOpen: !request.isOwners
            )
            .response(to: request)
        }
    }

    /// One line for each local day since the site was first known.
    @Sendable private func export(_ request: HTTPRequest) throws(Problem) -> ResponseAction {
        let (site, index) = try site(of: request)
        let query = SeriesQuery(
            site: index, timezone: site.timezone, from: .beginning, to: nil, step: .day)
        return .after { [backend] in
            guard case .series(let series, _, let days, _) = await backend.series(query) else {
                return Self.unavailable.response
            }
            var text = "site,day,visits,views,visitors,bots,peak_online\n"
            for (i, day) in days.enumerated() where series.isKnown(i) {
                let numbers = [series.visits[i], series.views[i], series.visitors[i], series.bots[i], series.online[i]]
                text +=
                    "\(csvField(site.name)),\(day)," + numbers.map { $0.map { "\($0)" } ?? "" }.joined(separator: ",")
                    + "\n"
            }
            var response = Response.fresh(text.utf8, type: "text/csv")
            response.add("Content-Disposition", "attachment; filename=\"footfall-\(site.name).csv\"")
            return response
        }
    }

    private func site(of request: HTTPRequest) throws(Problem) -> (SiteReport, SiteIndex) {
        let report = backend.report
        guard let index = report.index(of: String(request.parameters[0])) else { throw Problem.unknownSite }
        return (report.sites[index.number], index)
    }

    private static func step(_ request: HTTPRequest) throws(Problem) -> SeriesQuery.Step? {
        guard let text = request.query("step") else { return nil }
        guard let step = SeriesQuery.Step(rawValue: text) else {
            throw Problem(.badRequest, "Ask for a step of 15m, 1h, 1d or 1mo.")
        }
        return step
    }

    /// A moment in RFC 3339, or a day of the site.
    private static func edge(_ request: HTTPRequest, _ name: String) throws(Problem) -> SeriesQuery.Edge? {
        guard let text = request.query(name) else { return nil }
        if let day = LocalDay(text) { return .day(day) }
        // The form alone is not enough: there is no February 30.
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
        .serviceUnavailable, "The history cannot be read from the disk now; /readyz says why.")
    private static let emptyRange = Problem(.badRequest, "Ask for a range that ends after it begins.")
    private static let tooLong = Problem(
        .badRequest, "That is more than \(Series.countMax) buckets: ask for a longer step or a shorter range.")
}

extension Int64? {
    fileprivate var json: JSON { map { JSON($0) } ?? .null }
}
