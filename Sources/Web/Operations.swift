import Counting
import NIOHTTP1

/// What the operator asks of the daemon itself.
struct Operations: Sendable {
    let state: WebState

    /// `POST /api/v1/reload`: the same as SIGHUP, with an answer; with `?site=NAME` also whether that one is served now.
    @Sendable func reload(_ request: Request) throws(Problem) -> Reply {
        try request.requireOwner("Reloading is", at: "/api/v1/reload")
        let query = request.head.uri.split(separator: "?", maxSplits: 1).dropFirst().first ?? ""
        let site = query.hasPrefix("site=") ? String(query.dropFirst(5)) : nil
        return .later { [state] give in
            Task {
                let result = await state.reload()
                give {
                    switch result {
                    case .success(let notes):
                        .json([
                            "notes": .array(notes.map { JSON($0) }),
                            "served": site.map { .bool(state.isServed($0)) } ?? .null,
                        ])
                    case .failure(let error): Problem(.unprocessableEntity, error.description).answer
                    }
                }
            }
        }
    }

    /// `POST /api/v1/checkpoint`: answered when the database holds all that was counted before.
    @Sendable func checkpoint(_ request: Request) throws(Problem) -> Reply {
        try request.requireOwner("Making a checkpoint is", at: "/api/v1/checkpoint")
        let asOf = state.report().asOf
        return .later { [state] give in
            state.checkpoint { isSaved in
                give {
                    isSaved
                        ? .json(["as_of": JSON(asOf.rfc3339)])
                        : Problem(.serviceUnavailable, "The disk takes no checkpoint now; /readyz says why.").answer
                }
            }
        }
    }

    /// `GET /api/v1/audit`: every change by hand that was answered before is in it.
    @Sendable func audit(_ request: Request) throws(Problem) -> Reply {
        try request.requireOwner("The audit is", at: "/api/v1/audit")
        return .later { [state] give in
            state.audit { lines in
                give {
                    guard let lines else {
                        return Problem(.serviceUnavailable, "The disk does not give the audit now; /readyz says why.")
                            .answer
                    }
                    return .json(["audit": .array(lines.map { .object(Self.json($0)) })])
                }
            }
        }
    }

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
