import NIOHTTP1

/// The cookie of the dashboard, which holds a token. No script reads it and no other site sends it. It allows reading
/// only: a change needs the token itself.
enum SessionCookie {
    static let name = "footfall_token"

    /// The token in the cookie of a request that only reads.
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

    /// Whether the browser says that a page of another site sent the request.
    static func isFromOtherSite(_ head: HTTPRequestHead) -> Bool {
        head.headers.first(name: "Sec-Fetch-Site").map { $0 != "same-origin" && $0 != "none" } ?? false
    }
}
