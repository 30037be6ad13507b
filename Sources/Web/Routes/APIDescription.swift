import Counting
import NIOHTTP1
import Synchronization

/// `GET /openapi.json`: every route and shape, for programs. `Assets/openapi.json` holds what is shared.
///
/// It is made when a client first asks for it, so that neither a start nor a reload waits for it.
final class APIDescription: Sendable {
    private let routes: [Route]
    private let version: String
    private let made = Mutex<CachedResponse?>(nil)

    /// The description of `routes` and of its own route.
    init(of routes: [Route], version: String) {
        self.routes = routes
        self.version = version
    }

    var route: Route {
        Route(.GET, "/openapi.json", .anybody) { [self] request in
            .now(response().response(to: request))
        } description: {
            RouteDescription(
                "getDescription", .operations, "This description", "OpenAPI 3.1.",
                [
                    ResponseDescription(
                        "The description.", type: "application/json", ["type": "object"], caching: .minutes)
                ])
        }
    }

    private func response() -> CachedResponse {
        made.withLock { made in
            if let made { return made }
            let response = CachedResponse(
                bytes(), type: "application/json; charset=utf-8", caching: "max-age=300", isOpen: true)
            made = response
            return response
        }
    }

    private func bytes() -> [UInt8] {
        var paths: [(path: String, operations: JSONObject)] = []
        for route in routes + [route] {
            let name = route.method.rawValue.lowercased()
            let operation = JSON.object(Self.operation(route))
            if let i = paths.firstIndex(where: { $0.path == route.describedPath }) {
                paths[i].operations.append(name, operation)
            } else {
                paths.append((route.describedPath, [name: operation]))
            }
        }
        var object: JSONObject = [:]
        for (path, operations) in paths { object.append(path, .object(operations)) }
        let datagrams = DatagramRejection.allCases.map(\.rawValue)
        let beacons = BeaconRejection.allCases.map(\.rawValue)
        // Each mark in the file, its replacement, and its depth.
        let parts: [(mark: String, json: JSON, level: Int)] = [
            ("PATHS", .object(object), 1), ("REASON", Self.reason, 3),
            ("REJECTED_DATAGRAMS", Self.rejected(datagrams), 7), ("REJECTED_BEACONS", Self.rejected(beacons), 7),
            ("NO_REJECTED_DATAGRAMS", Self.none(datagrams), 6), ("NO_REJECTED_BEACONS", Self.none(beacons), 6),
        ]
        let description = Assets.openAPI.replacing("@VERSION@".utf8, with: version.utf8)
        return parts.reduce(description) { text, part in
            text.replacing("\"@\(part.mark)@\"".utf8, with: part.json.indentedBytes(level: part.level))
        }
    }

    /// Why a hit is not counted, as a schema.
    private static var reason: JSON {
        [
            "type": "string", "description": "Why a hit is not counted: the same names as in the metrics.",
            "enum": .array(BeaconRejection.allCases.map { JSON($0.rawValue) }),
        ]
    }

    /// The schema of counts by these reasons.
    private static func rejected(_ reasons: [String]) -> JSON {
        var properties: JSONObject = [:]
        for reason in reasons { properties.append(reason, .schema("Count")) }
        return [
            "type": "object", "description": "By reason.", "required": .array(reasons.map { JSON($0) }),
            "properties": .object(properties),
        ]
    }

    /// An example of such counts.
    private static func none(_ reasons: [String]) -> JSON {
        var counts: JSONObject = [:]
        for reason in reasons { counts.append(reason, 0) }
        return .object(counts)
    }

    private static func operation(_ route: Route) -> JSONObject {
        let description = route.description()
        var operation: JSONObject = [
            "operationId": JSON(description.id), "tags": .array([JSON(description.tag.rawValue)]),
            "summary": JSON(description.summary), "description": JSON(description.details),
            "x-stability": description.isStable ? "stable" : "experimental", "security": security(route),
        ]
        var parameters = description.parameters
        if route.describedPath.contains("{site}") { parameters.insert(.parameter("Site"), at: 0) }
        if description.responses.contains(where: \.hasTag) { parameters.append(.parameter("IfNoneMatch")) }
        if !parameters.isEmpty { operation.append("parameters", .array(parameters)) }
        if let body = description.body { operation.append("requestBody", body) }
        var responses: JSONObject = [:]
        for response in allResponses(of: route, description).sorted(by: { $0.status < $1.status }) {
            responses.append("\(response.status)", response.json)
        }
        operation.append("responses", .object(responses))
        return operation
    }

    /// The responses of the description, and those that every route has.
    private static func allResponses(of route: Route, _ description: RouteDescription) -> [ResponseDescription] {
        var responses = description.responses
        func add(_ status: Int, _ name: String) {
            if !responses.contains(where: { $0.status == status }) { responses.append(.shared(status, name)) }
        }
        if responses.contains(where: \.hasTag) { add(304, "NotModified") }
        add(400, "BadRequest")
        switch route.access {
        case .anybody, .publicNumbers: add(401, "UnknownToken")
        case .ownerUnlessPublic, .owner, .ownerWhoSignsIn: add(401, "Unauthorized")
        }
        if route.describedPath.contains("{site}") { add(404, "NoSite") }
        add(405, "OtherMethod")
        add(408, "Timeout")
        add(413, "TooLarge")
        add(421, "Misdirected")
        add(431, "HeadTooLarge")
        return responses
    }

    /// The cookie of the dashboard allows reading, not changing.
    private static func security(_ route: Route) -> JSON {
        let (nobody, token, cookie): (JSON, JSON, JSON) = ([:], ["token": []], ["cookie": []])
        switch route.access {
        case .anybody: return []
        case .publicNumbers, .ownerUnlessPublic: return [nobody, token, cookie]
        case .owner, .ownerWhoSignsIn: return route.method == .GET ? [token, cookie] : [token]
        }
    }
}
