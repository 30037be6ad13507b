import Foundation
import NIOCore
import NIOHTTP1

/// The dashboard, and sign-in with a token.
struct DashboardRoutes: RouteGroup {
    let backend: any Backend
    let tokens: Tokens

    var routes: [Route] {
        [
            Route(.GET, "/", .ownerWhoSignsIn("The page of totals is"), page) {
                RouteDescription(
                    "showPage", .pages, "The dashboard",
                    "A page with the numbers of every site. Where scripts run, it becomes the dashboard.",
                    [
                        .text("The page.", type: "text/html"),
                        .signIn(
                            """
                            Only the owner may see this. The body is a page that asks for a token if Accept names \
                            text/html, and a problem otherwise.
                            """),
                    ])
            },
            Route(.GET, "/dashboard.css", .anybody, { .now(Self.style.response(to: $0)) }) {
                RouteDescription(
                    "getDashboardStyle", .pages, "The style of the dashboard",
                    "Belongs to the page at `/`.",
                    [
                        .text("The style.", type: "text/css", caching: .ask)
                    ])
            },
            Route(.GET, "/dashboard.js", .anybody, { .now(Self.script.response(to: $0)) }) {
                RouteDescription(
                    "getDashboardScript", .pages, "The script of the dashboard",
                    "Belongs to the page at `/`.",
                    [
                        .text("The script.", type: "text/javascript", caching: .ask)
                    ])
            },
            Route(.POST, "/sign-in", .anybody, signIn) {
                RouteDescription(
                    "signIn", .pages, "Sign in to the dashboard with a token",
                    "The form of the page sends this. With the cookie a browser can look, and change nothing.",
                    body: .formBody(
                        [
                            "type": "object", "required": ["token"],
                            "properties": [
                                "token": ["type": "string", "description": "The token. White space in it is ignored."]
                            ],
                        ], "It is read as a form, whatever its Content-Type."),
                    [
                        ResponseDescription(
                            status: 303, "Signed in for thirty days.",
                            fields: [
                                "Location": Self.thePage,
                                "Set-Cookie": [
                                    "description":
                                        "The token. It is `Secure` if the proxy says https (X-Forwarded-Proto).",
                                    "required": true,
                                    "schema": [
                                        "type": "string",
                                        "pattern":
                                            "^footfall_token=[^;]+; Max-Age=2592000; HttpOnly; SameSite=Strict(; Secure)?$",
                                    ],
                                ],
                            ]),
                        .signIn("The token is unknown. The page asks again."),
                        Self.fromElsewhere,
                    ])
            },
            Route(.POST, "/sign-out", .anybody, signOut) {
                RouteDescription(
                    "signOut", .pages, "Sign out of the dashboard",
                    "Makes the browser forget the cookie.",
                    [
                        ResponseDescription(
                            status: 303, "Signed out, also if nobody was signed in.",
                            fields: [
                                "Location": Self.thePage,
                                "Set-Cookie": [
                                    "description": "Forgets the token.", "required": true,
                                    "schema": [
                                        "type": "string",
                                        "pattern": "^footfall_token=; Max-Age=0; HttpOnly; SameSite=Strict(; Secure)?$",
                                    ],
                                ],
                            ]),
                        Self.fromElsewhere,
                    ])
            },
        ]
    }

    // What signing in and signing out have in common.
    private static let thePage: JSON = [
        "description": "The page of numbers, beside this route.", "required": true,
        "schema": ["type": "string", "const": "./"],
    ]
    private static let fromElsewhere = ResponseDescription.problem(
        403, "A page of another site sent this, as its Sec-Fetch-Site field says.")

    // These files change with the program, so browsers ask for them each time.
    private static let style = CachedResponse(
        Assets.dashboardStyle, type: "text/css; charset=utf-8", caching: "no-cache")
    private static let script = CachedResponse(
        MinifiedScript.bytes(
            Assets.dashboardWords + Assets.dashboardOverview
                + Assets.dashboardChart + Assets.dashboardSite),
        type: "text/javascript; charset=utf-8", caching: "no-cache")

    private static let signedInSeconds = 30 * 86_400

    @Sendable private func page(_ request: HTTPRequest) throws(Problem) -> ResponseAction {
        .after { [backend] in DashboardPage.totals(backend.report, backend.warnings) }
    }

    @Sendable private func signIn(_ request: HTTPRequest) throws(Problem) -> ResponseAction {
        try Self.refuseOtherSites(request)
        let form = String(decoding: request.body.readableBytesView, as: UTF8.self)
        let value = form.split(separator: "&").first { $0.hasPrefix("token=") }?.dropFirst(6) ?? ""
        let token = value.replacing("+", with: " ").removingPercentEncoding?.filter { !$0.isWhitespace } ?? ""
        guard token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != 0x3b && $0 != 0x22 }),
            tokens.name(of: token) != nil
        else {
            return .now(DashboardPage.signIn("This token is unknown; footfall token create makes one."))
        }
        return .now(Self.redirect(request, "\(token); Max-Age=\(Self.signedInSeconds)"))
    }

    @Sendable private func signOut(_ request: HTTPRequest) throws(Problem) -> ResponseAction {
        try Self.refuseOtherSites(request)
        return .now(Self.redirect(request, "; Max-Age=0"))
    }

    /// The cookie has no path of its own: it belongs to the folder of this route, whatever prefix a proxy removes.
    private static func redirect(_ request: HTTPRequest, _ value: String) -> Response {
        let isSecure = request.head.headers["X-Forwarded-Proto"].contains { $0.lowercased() == "https" }
        var response = Response.fresh("".utf8, type: "text/plain", .seeOther)
        response.add("Location", "./")
        response.add(
            "Set-Cookie", "\(SessionCookie.name)=\(value); HttpOnly; SameSite=Strict\(isSecure ? "; Secure" : "")")
        return response
    }

    private static func refuseOtherSites(_ request: HTTPRequest) throws(Problem) {
        if SessionCookie.isFromOtherSite(request.head) {
            throw Problem(.forbidden, "Sign in on the dashboard's own page.")
        }
    }
}
