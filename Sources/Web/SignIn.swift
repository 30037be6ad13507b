import Foundation
import NIOCore
import NIOHTTP1

/// Signing in to the dashboard with a token: a cookie that no script reads and no other site sends. It lets look and change
/// nothing: whatever changes something needs the token itself.
struct SignIn: Sendable {
    let tokens: Tokens

    static let cookie = "footfall_token"
    private static let seconds = 30 * 86_400

    /// `POST /sign-in`, a form with `token`.
    @Sendable func signIn(_ request: Request) throws(Problem) -> Reply {
        try Self.refuseOtherSites(request)
        let form = String(decoding: request.body.readableBytesView, as: UTF8.self)
        let value = form.split(separator: "&").first { $0.hasPrefix("token=") }?.dropFirst(6) ?? ""
        let token = value.replacing("+", with: " ").removingPercentEncoding?.filter { !$0.isWhitespace } ?? ""
        guard token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != 0x3b && $0 != 0x22 }),
            tokens.name(of: token) != nil
        else {
            return .now(TotalsPage.signIn("This token is not known: footfall token create makes one."))
        }
        return .now(Self.redirect(request, "\(token); Max-Age=\(Self.seconds)"))
    }

    /// `POST /sign-out`
    @Sendable func signOut(_ request: Request) throws(Problem) -> Reply {
        try Self.refuseOtherSites(request)
        return .now(Self.redirect(request, "; Max-Age=0"))
    }

    /// The token in the cookie of a request that only looks.
    static func token(in head: HTTPRequestHead) -> String? {
        guard head.method == .GET || head.method == .HEAD, !isFromOtherSite(head) else { return nil }
        for field in head.headers["Cookie"] {
            for pair in field.split(separator: ";") {
                let pair = pair.drop { $0 == " " }
                if pair.hasPrefix(cookie + "=") { return String(pair.dropFirst(cookie.utf8.count + 1)) }
            }
        }
        return nil
    }

    /// The cookie belongs to the folder that this route is in, as the browser sees it, whatever prefix a proxy takes away.
    private static func redirect(_ request: Request, _ value: String) -> Answer {
        let isSecure = request.head.headers["X-Forwarded-Proto"].contains { $0.lowercased() == "https" }
        var answer = Answer.fresh("".utf8, type: "text/plain", .seeOther)
        answer.add("Location", "./")
        answer.add("Set-Cookie", "\(cookie)=\(value); HttpOnly; SameSite=Strict\(isSecure ? "; Secure" : "")")
        return answer
    }

    private static func isFromOtherSite(_ head: HTTPRequestHead) -> Bool {
        head.headers.first(name: "Sec-Fetch-Site").map { $0 != "same-origin" && $0 != "none" } ?? false
    }

    private static func refuseOtherSites(_ request: Request) throws(Problem) {
        if isFromOtherSite(request.head) { throw Problem(.forbidden, "Sign in on the dashboard's own page.") }
    }
}
