import Counting
import NIOCore
import NIOHTTP1
import Wire

/// Hits of pages. `POST /hit` is answered with the site's public numbers, including this hit. Images are for pages
/// without a script.
struct HitRoutes: RouteGroup {
    let backend: any Backend
    let proxies: Networks

    var routes: [Route] {
        [
            Route(.POST, "/hit", .anybody, count) {
                RouteDescription(
                    "countHit", .counting, "Count a page view, or keep a visitor online",
                    """
                    Counts, and answers with the site's public numbers, which include this hit. 200 means that the \
                    hit is written in the journal; any other status means that it is not counted. It is a simple \
                    request of CORS: no preflight is needed, and none is answered. The body is read as a form whatever \
                    its Content-Type. \(Self.visitor)
                    """,
                    isStable: true,
                    body: .formBody(.schema("Hit")),
                    [
                        .json("Counted.", "HitNumbers", caching: .noStoreOpen),
                        .shared(400, "NoHit"),
                        .shared(403, "OtherHost"),
                        .shared(404, "UnknownSite"),
                        .shared(429, "TooMany"),
                        .shared(503, "NotKept"),
                    ])
            },
            Route(.GET, "/hit.gif", .anybody, answersHead: false, pixel) {
                RouteDescription(
                    "countHitByPixel", .counting, "Count a page view by an image of one pixel",
                    "For pages without a script. HEAD is refused, because a GET counts. \(Self.visitor)",
                    parameters: [.parameter("S"), .parameter("U"), .parameter("R"), .parameter("N")],
                    [
                        ResponseDescription("Counted. One transparent pixel.", type: "image/gif", caching: .never),
                        .shared(400, "NoHit"),
                        .shared(403, "OtherHost"),
                        .shared(404, "UnknownSite"),
                        .shared(429, "TooMany"),
                        .shared(503, "NotKept"),
                    ])
            },
            Route(.GET, "/hit.svg", .anybody, answersHead: false, image) {
                RouteDescription(
                    "countHitByImage", .counting, "Count a page view and show a number as an image",
                    "For pages without a script. HEAD is refused, because a GET counts. \(Self.visitor)",
                    parameters: [
                        .parameter("S"), .parameter("U"), .parameter("R"), .parameter("N"),
                        .query(
                            "show", "Which number. It must be public.",
                            ["type": "string", "enum": Self.numbers, "default": "total"]), .parameter("Language"),
                    ],
                    [
                        .text("Counted. The number includes this hit.", type: "image/svg+xml", caching: .never),
                        .shared(400, "NoHit"),
                        .shared(403, "OtherHost"),
                        .problem(
                            404,
                            """
                            No site has this name; then the response has X-Footfall-Reason. Or the site does not \
                            show this number; then the hit is counted nevertheless.
                            """,
                            fields: [
                                "Access-Control-Allow-Origin": .field("OpenIfReason"),
                                "X-Footfall-Reason": [
                                    "description": "Why the hit is not counted: the same names as in the metrics.",
                                    "schema": .schema("Reason"),
                                ],
                            ]),
                        .shared(429, "TooMany"),
                        .shared(503, "NotKept"),
                    ])
            },
            Route(.GET, "/badge/{site}/{metric}", describedAs: "/badge/{site}/{metric}.svg", .anybody, badge) {
                RouteDescription(
                    "showBadge", .numbers, "A number as an image",
                    "Shows a public number and counts nothing.",
                    parameters: [
                        .pathPart(
                            "metric", "Which number. It must be public.",
                            ["type": "string", "enum": Self.numbers], example: "total"), .parameter("Language"),
                    ],
                    [
                        .text("The number with its label.", type: "image/svg+xml", caching: .never),
                        .problem(404, "No site has this name, or the site does not show this number."),
                    ])
            },
        ]
    }

    private static let visitor = """
        The visitor is known by the User-Agent field and the address of the connection, or the address that a trusted \
        proxy passes on. A prefetch (Sec-Purpose and the like) and a declared bot get the same answer and are counted as \
        bots. If the site's `anonymous` setting says so, a hit with DNT or Sec-GPC has no visitor.
        """

    /// The public numbers with a single value.
    private static let numbers = JSON.array(PublicNumber.allCases.filter(\.isSingle).map { JSON($0.rawValue) })

    @Sendable private func count(_ request: HTTPRequest) throws(Problem) -> ResponseAction {
        let form = Array(request.body.readableBytesView)
        let language = Self.value(of: "l", in: form) ?? "en"
        return count(request, form) { site in numbers(of: site, in: language) }
    }

    @Sendable private func pixel(_ request: HTTPRequest) throws(Problem) -> ResponseAction {
        count(request, Self.form(ofImage: request)) { _ in Badge.pixel }
    }

    @Sendable private func image(_ request: HTTPRequest) throws(Problem) -> ResponseAction {
        let form = Self.form(ofImage: request)
        let metric = Self.value(of: "show", in: form) ?? "total"
        let language = Self.value(of: "l", in: form) ?? request.language
        return count(request, form) { site in
            do throws(Problem) {
                return try Badge(metric, of: site, in: language, for: backend).response
            } catch {
                return error.response
            }
        }
    }

    @Sendable private func badge(_ request: HTTPRequest) throws(Problem) -> ResponseAction {
        guard let metric = request.parameters[1].wholeMatch(of: /(.+)\.svg/)?.1,
            let site = backend.report.site(String(request.parameters[0])), backend.isServed(site.name)
        else { throw Problem.unknownSite }
        let language = Self.value(of: "l", in: Self.query(of: request)) ?? request.language
        return .now(try Badge(String(metric), of: site, in: language, for: backend).response)
    }

    /// Counts a hit, and answers with what `response` makes of the site's numbers.
    private func count(
        _ request: HTTPRequest, _ form: [UInt8], _ response: @escaping @Sendable (SiteReport) -> Response
    ) -> ResponseAction {
        let headers = request.head.headers
        let hit = BrowserHit(
            form: form, address: request.visitor(behind: proxies), agent: headers.first(name: "User-Agent") ?? "",
            page: headers.first(name: "Origin") ?? headers.first(name: "Referer") ?? "",
            isPrefetch: Self.isPrefetch(request.head), signals: Self.signals(headers))
        return .later { deliver in
            backend.count(hit) { result in
                deliver {
                    switch result {
                    case .success(let site): response(site)
                    case .failure(let reason): Self.problem(reason).response
                    }
                }
            }
        }
    }

    private static func query(of request: HTTPRequest) -> [UInt8] {
        Array(request.head.uri.utf8.drop { $0 != UInt8(ascii: "?") }.dropFirst())
    }

    /// The form in an image's URL. If it has no `u`, the page is the one that asks for the image.
    private static func form(ofImage request: HTTPRequest) -> [UInt8] {
        let query = query(of: request)
        guard value(of: "u", in: query) == nil else { return query }
        return query + "&u=".utf8 + (request.head.headers.first(name: "Referer") ?? "/").formEncoded.utf8
    }

    /// The privacy signals that the browser sends for its user.
    private static func signals(_ headers: HTTPHeaders) -> Set<PrivacySignal> {
        Set(PrivacySignal.allCases.filter { headers[$0.field].contains("1") })
    }

    /// The numbers that the widget shows, with their labels.
    private func numbers(of site: SiteReport, in language: String) -> Response {
        let visible = backend.publicNumbers(of: site.name)
        var object: JSONObject = [:]
        var labels: JSONObject = [:]
        for number in PublicNumber.allCases where visible.contains(number) {
            guard let value = site.headline(number) else { continue }
            object.append(number.rawValue, JSON(value))
            labels.append(
                number.rawValue, JSON(Labels.label(of: number, totalOf: site.totalOf, in: language)))
        }
        object.append("labels", .object(labels))
        var response = Response.json(object)
        response.add("Access-Control-Allow-Origin", "*")
        return response
    }

    private static func problem(_ reason: BeaconRejection) -> Problem {
        let (status, detail): (HTTPResponseStatus, String) =
            switch reason {
            case .siteMissing: (.badRequest, "Send the site's name as s: data-site of the script.")
            case .siteUnknown: (Problem.unknownSite.status, Problem.unknownSite.detail)
            case .origin: (.forbidden, "The page is on none of the site's hosts; add it to hosts of the site.")
            case .rate: (.tooManyRequests, "Too many hits from one address or for one site; see visitor_rate.")
            case .limit, .internal: (.serviceUnavailable, "The hit cannot be kept now and is not counted; try again.")
            // Some of these reasons are only for log lines: a browser's hit never has them.
            case .syntax, .truncated, .method, .status, .asset:
                (.badRequest, "Send one form with the keys s and u, or s and n=ping.")
            }
        return Problem(status, detail, [("Access-Control-Allow-Origin", "*"), ("X-Footfall-Reason", reason.rawValue)])
    }

    /// Whether the browser says in one of these fields that it fetches an image early. A POST never is: the script
    /// waits until the page is shown, while Chromium still sends `Sec-Purpose: prefetch;prerender` for that page.
    private static func isPrefetch(_ head: HTTPRequestHead) -> Bool {
        head.method != .POST
            && ["Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"].contains { name in
                head.headers[name].contains {
                    $0.lowercased().hasPrefix("prefetch") || $0.lowercased().hasPrefix("preview")
                }
            }
    }

    /// The first 35 bytes of a key's value, for keys that only the response needs.
    private static func value(of key: String, in form: [UInt8]) -> String? {
        let prefix = Array("\(key)=".utf8)
        return form.split(separator: UInt8(ascii: "&")).first { $0.starts(with: prefix) }
            .map { String(decoding: $0.dropFirst(prefix.count).prefix(35), as: UTF8.self) }
    }
}

extension HTTPRequest {
    /// The browser's preferred language.
    fileprivate var language: String {
        let accepted = head.headers.first(name: "Accept-Language") ?? ""
        return String(accepted.prefix { $0.isASCII && ($0.isLetter || $0 == "-") }.prefix(35))
    }
}

extension PrivacySignal {
    /// The header field that sends the signal, as `1`.
    fileprivate var field: String {
        switch self {
        case .dnt: "DNT"
        case .gpc: "Sec-GPC"
        }
    }
}

extension String {
    /// The text as the value of a form field.
    fileprivate var formEncoded: String {
        utf8.reduce(into: "") { text, byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d...0x2f, 0x3a, 0x5f:
                text.unicodeScalars.append(Unicode.Scalar(byte))
            default: text += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
    }
}
