import NIOHTTP1

/// The cookie of the dashboard, which holds a token. No script reads it and no other site sends it. It lets look and change
/// nothing: a change needs the token itself.
enum SessionCookie {
    static let name = "footfall_token"

    /// The token in the cookie of a request that only looks.
    static func token(in head: HTTPRequestHead) -> String? {
        guard head.method == .GET || head.method == .HEAD, !isFromOtherSite(head) else { return nil }
        for field in head.headers["Cookie"] {
            for pair in field.split(separator: ";") {
                let pair = pair.drop { $0 == " " }
                if pair.hasPrefix(name + "=") { return String(pair.dropFirst(name.utf8.count + 1)) }
            }
        }
        return nil
    }

    /// A page of another site has sent it, as the browser says.
    static func isFromOtherSite(_ head: HTTPRequestHead) -> Bool {
        head.headers.first(name: "Sec-Fetch-Site").map { $0 != "same-origin" && $0 != "none" } ?? false
    }
}
