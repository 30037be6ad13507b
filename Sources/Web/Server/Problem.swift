import NIOHTTP1

/// An error in the problem details format of RFC 9457. The detail says what to do about it.
struct Problem: Error, Sendable {
    let status: HTTPResponseStatus
    let detail: String
    var fields: [(name: String, value: String)] = []

    init(_ status: HTTPResponseStatus, _ detail: String, _ fields: [(name: String, value: String)] = []) {
        self.status = status
        self.detail = detail
        self.fields = fields
    }

    static let unknownSite = Problem(.notFound, "No site has this name; footfall sites lists all sites.")

    var response: Response {
        let problem: JSONObject = [
            "type": JSON("about:blank"), "title": JSON(status.reasonPhrase), "status": JSON(status.code),
            "detail": JSON(detail),
        ]
        var response = Response.fresh(JSON.object(problem).bytes, type: "application/problem+json", status)
        for (name, value) in fields { response.add(name, value) }
        return response
    }
}
