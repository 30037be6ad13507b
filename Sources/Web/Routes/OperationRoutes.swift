import Counting
import NIOHTTP1

/// Requests of the operator to the daemon itself.
struct OperationRoutes: RouteGroup {
    let backend: any Backend

    var routes: [Route] {
        [
            Route(.POST, "/api/v1/reload", .owner("Reloading is"), reload) {
                RouteDescription(
                    "reload", .operations, "Read the settings again",
                    """
                    Does the same as SIGHUP, and answers. All settings are adopted, or none. Takes up to eight \
                    seconds. The request has no body.
                    """,
                    parameters: [
                        .query(
                            "site",
                            """
                            The response also says whether the site with this name is served now. It must be the \
                            whole query; escapes are not decoded.
                            """, ["type": "string"], ["example": "portal"])
                    ],
                    [
                        .json("The settings are in force.", "Reloaded"),
                        .problem(
                            422,
                            """
                            The settings are wrong or cannot be adopted now, and the old ones stay in force. The \
                            detail says where and why.
                            """),
                    ])
            },
            Route(.POST, "/api/v1/checkpoint", .owner("Making a checkpoint is"), checkpoint) {
                RouteDescription(
                    "makeCheckpoint", .operations, "Make a checkpoint now",
                    """
                    Answers when the database has everything that was counted before the request. The request \
                    has no body.
                    """,
                    [
                        .json("The checkpoint is made.", "Checkpoint"),
                        .problem(503, "The disk accepts no checkpoint now; `/readyz` says why."),
                    ])
            },
            Route(.GET, "/api/v1/audit", .owner("The audit is"), audit) {
                RouteDescription(
                    "getAudit", .operations, "What was changed by hand, and what was found missing",
                    "It includes every change that was answered before.",
                    [
                        .json("The audit.", "Audit"),
                        .problem(503, "The audit cannot be read from the disk now; `/readyz` says why."),
                    ])
            },
            Route(.GET, "/api/v1/definitions", .anybody, { .now(Self.definitions.response(to: $0)) }) {
                RouteDescription(
                    "getDefinitions", .numbers, "What the words mean",
                    "The definitions of everything that is counted.",
                    [
                        .json("The definitions.", "Definitions", caching: .minutes)
                    ])
            },
        ]
    }

    /// The same as SIGHUP, with a response. With `?site=NAME`, it also says whether that site is served now.
    @Sendable private func reload(_ request: HTTPRequest) throws(Problem) -> ResponseAction {
        let query = request.head.uri.split(separator: "?", maxSplits: 1).dropFirst().first ?? ""
        let site = query.hasPrefix("site=") ? String(query.dropFirst(5)) : nil
        return .after { [backend] in
            switch await backend.reload() {
            case .success(let notes):
                .json([
                    "notes": .array(notes.map { JSON($0) }),
                    "served": site.map { .bool(backend.isServed($0)) } ?? .null,
                ])
            case .failure(let error): Problem(.unprocessableEntity, error.description).response
            }
        }
    }

    /// Answered when the database holds everything that was counted before.
    @Sendable private func checkpoint(_ request: HTTPRequest) throws(Problem) -> ResponseAction {
        let asOf = backend.report.asOf
        return .after { [backend] in
            guard await backend.checkpoint() else {
                return Problem(.serviceUnavailable, "The disk accepts no checkpoint now; /readyz says why.").response
            }
            return .json(["as_of": JSON(asOf.rfc3339)])
        }
    }

    /// Includes every change by hand that was answered before.
    @Sendable private func audit(_ request: HTTPRequest) throws(Problem) -> ResponseAction {
        .after { [backend] in
            guard let lines = await backend.audit() else {
                return Problem(.serviceUnavailable, "The audit cannot be read from the disk now; /readyz says why.")
                    .response
            }
            return .json(["audit": .array(lines.map { .object(Self.json($0)) })])
        }
    }

    private static let definitions = CachedResponse(
        [
            "definitions": .array(
                Web.definitions.map { ["term": JSON($0.term), "definition": JSON($0.definition)] })
        ], caching: "max-age=300")

    private static func json(_ line: AuditLine) -> JSONObject {
        func number(_ value: Int64?) -> JSON { value.map { JSON($0) } ?? .null }
        return [
            "at": JSON(line.at.rfc3339), "kind": JSON(line.kind), "site": line.site.map { JSON($0) } ?? .null,
            "day": line.day.map { JSON("\($0)") } ?? .null, "visits": number(line.visits), "views": number(line.views),
            "former_visits": number(line.formerVisits), "former_views": number(line.formerViews),
            "by": JSON(line.by), "note": JSON(line.note),
        ]
    }
}
