import NIOHTTP1

/// The input and output of a route, for programs that read `/openapi.json` (OpenAPI 3.1). `APIDescription` adds what is
/// the same for all routes, or follows from their declaration.
struct RouteDescription {
    /// The chapters of the description.
    enum Tag: String { case counting, numbers, history, live, changes, access, operations, pages }

    /// The name of the operation for generated code.
    let id: String
    let tag: Tag
    let summary: String
    let details: String
    /// Whether paths, parameters and members stay unchanged in version 1.
    let isStable: Bool
    /// All except `{site}` in the path and If-None-Match.
    let parameters: [JSON]
    let body: JSON?
    /// The responses that are not the same for all routes.
    let responses: [ResponseDescription]

    init(
        _ id: String, _ tag: Tag, _ summary: String, _ details: String, isStable: Bool = false,
        parameters: [JSON] = [], body: JSON? = nil, _ responses: [ResponseDescription]
    ) {
        self.id = id
        self.tag = tag
        self.summary = summary
        self.details = details
        self.isStable = isStable
        self.parameters = parameters
        self.body = body
        self.responses = responses
    }
}

/// Parts of descriptions.
extension JSON {
    /// A schema of `Assets/openapi.json`. A schema that only one route has may be in its description instead.
    static func schema(_ name: String) -> JSON { ["$ref": JSON("#/components/schemas/\(name)")] }

    /// A parameter that several routes share, from `Assets/openapi.json`.
    static func parameter(_ name: String) -> JSON { ["$ref": JSON("#/components/parameters/\(name)")] }

    /// A field that several routes share, from `Assets/openapi.json`.
    static func field(_ name: String) -> JSON { ["$ref": JSON("#/components/headers/\(name)")] }

    /// A key of the query.
    static func query(
        _ name: String, _ details: String, _ schema: JSON, _ more: KeyValuePairs<String, JSON> = [:]
    ) -> JSON {
        var parameter: JSONObject = ["name": JSON(name), "in": "query", "description": JSON(details), "schema": schema]
        for (name, value) in more { parameter.append(name, value) }
        return .object(parameter)
    }

    /// A part of the path in braces.
    static func pathPart(_ name: String, _ details: String, _ schema: JSON, example: String? = nil) -> JSON {
        var parameter: JSONObject = [
            "name": JSON(name), "in": "path", "required": true, "description": JSON(details), "schema": schema,
        ]
        if let example { parameter.append("example", JSON(example)) }
        return .object(parameter)
    }

    /// A body in JSON.
    static func jsonBody(_ schema: JSON) -> JSON {
        [
            "required": true,
            "description": "The Content-Type is ignored, and so are unknown members.",
            "content": ["application/json": ["schema": schema]],
        ]
    }

    /// A body in the form encoding of browsers.
    static func formBody(_ schema: JSON, _ details: String? = nil) -> JSON {
        var body: JSONObject = ["required": true]
        if let details { body.append("description", JSON(details)) }
        body.append("content", ["application/x-www-form-urlencoded": ["schema": schema]])
        return .object(body)
    }
}

/// One response of a route.
struct ResponseDescription {
    /// What caches and other origins may do with a response: its fields, by their names in `Assets/openapi.json`.
    enum Caching {
        case noStore, noStoreOpen, second, secondPrivate, minutes, hour, forEver, ask, never

        var fields: KeyValuePairs<String, String> {
            switch self {
            case .noStore: ["Cache-Control": "NoStore"]
            case .noStoreOpen: ["Cache-Control": "NoStore", "Access-Control-Allow-Origin": "Open"]
            case .second:
                [
                    "ETag": "ETag", "Cache-Control": "CacheSecond", "Access-Control-Allow-Origin": "OpenIfPublic",
                    "Cross-Origin-Resource-Policy": "CrossOriginIfPublic",
                ]
            case .secondPrivate: ["ETag": "ETag", "Cache-Control": "CacheSecondPrivate"]
            case .minutes: ["ETag": "ETag", "Cache-Control": "CacheMinutes"]
            case .hour:
                [
                    "ETag": "ETag", "Cache-Control": "CacheHour", "Access-Control-Allow-Origin": "Open",
                    "Cross-Origin-Resource-Policy": "CrossOrigin",
                ]
            case .forEver:
                [
                    "ETag": "ETag", "Cache-Control": "CacheForEver", "Access-Control-Allow-Origin": "Open",
                    "Cross-Origin-Resource-Policy": "CrossOrigin",
                ]
            case .ask: ["ETag": "ETag", "Cache-Control": "CacheAsk"]
            case .never:
                [
                    "Cache-Control": "CacheNever", "Access-Control-Allow-Origin": "Open",
                    "Cross-Origin-Resource-Policy": "CrossOrigin",
                ]
            }
        }

        /// Whether the response has an entity tag, and 304 for a client that has its bytes.
        var hasTag: Bool { fields.contains { $0.key == "ETag" } }
    }

    let status: Int
    let json: JSON
    let hasTag: Bool

    private init(_ status: Int, _ json: JSON, hasTag: Bool = false) {
        self.status = status
        self.json = json
        self.hasTag = hasTag
    }

    /// A response of a type; `fields` are added to those of its caching.
    init(
        status: Int = 200, _ details: String, type: String? = nil, _ schema: JSON? = nil, example: String? = nil,
        caching: Caching = .noStore, fields: KeyValuePairs<String, JSON> = [:]
    ) {
        var headers: JSONObject = [:]
        for (name, shared) in caching.fields { headers.append(name, .field(shared)) }
        for (name, field) in fields { headers.append(name, field) }
        var response: JSONObject = ["description": JSON(details), "headers": .object(headers)]
        if let type {
            var content: JSONObject = [:]
            if let schema { content.append("schema", schema) }
            if let example { content.append("example", JSON(example)) }
            response.append("content", .object([type: .object(content)]))
        }
        self.init(status, .object(response), hasTag: caching.hasTag)
    }

    /// 200 with JSON.
    static func json(_ details: String, _ schema: String, caching: Caching = .noStore) -> ResponseDescription {
        ResponseDescription(
            details, type: "application/json", .schema(schema), caching: caching)
    }

    /// 200 with a text.
    static func text(
        _ details: String, type: String, example: String? = nil, caching: Caching = .noStore,
        fields: KeyValuePairs<String, JSON> = [:]
    ) -> ResponseDescription {
        ResponseDescription(
            details, type: type, ["type": "string"], example: example, caching: caching, fields: fields)
    }

    /// An error.
    static func problem(
        _ status: Int, _ details: String, fields: KeyValuePairs<String, JSON> = [:]
    ) -> ResponseDescription {
        ResponseDescription(
            status: status, details, type: "application/problem+json", .schema("Problem"), fields: fields)
    }

    /// 401, as a page that asks for a token if Accept names text/html; else as an error.
    static func signIn(_ details: String) -> ResponseDescription {
        let json: JSON = [
            "description": JSON(details),
            "headers": ["Cache-Control": .field("NoStore"), "WWW-Authenticate": .field("Authenticate")],
            "content": [
                "text/html": ["schema": ["type": "string"]],
                "application/problem+json": ["schema": .schema("Problem")],
            ],
        ]
        return ResponseDescription(401, json)
    }

    /// A response that several routes share, from `Assets/openapi.json`.
    static func shared(_ status: Int, _ name: String) -> ResponseDescription {
        ResponseDescription(status, ["$ref": JSON("#/components/responses/\(name)")])
    }
}
