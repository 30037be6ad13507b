import HTTPTypes
import Hummingbird

/// The other end of a connection, as far as it can be trusted.
enum Peer: Sendable {
    /// Connected to the unix socket, whose file mode says who may.
    case unixSocket
    /// An address of this machine: the owner, or a proxy that brings everybody.
    case loopback
    case remote
}

/// Decides from the head of a request, before any route, whether it is answered and whether it is the owner's.
struct Access: Sendable {
    private let hosts: Set<String>
    private let localAdmin: Bool

    init(_ configuration: WebConfiguration) {
        hosts = Set(configuration.hosts.compactMap(hostName))
        localAdmin = configuration.localAdmin
    }

    /// True if the request may see every number; throws what to answer where it is for another server.
    func isLocal(_ request: Request, from peer: Peer) throws(Problem) -> Bool {
        if peer == .unixSocket { return true }
        guard let authority = request.head.authority, request.headers[secondHost] == nil else {
            throw Problem(.badRequest, "Send exactly one Host field.")
        }
        guard let host = hostName(authority), loopbackNames.contains(host) || hosts.contains(host) else {
            throw Problem(
                .misdirectedRequest,
                "No site is served under the host name \"\(authority)\". If it is right, add it to hosts in [http].")
        }
        return localAdmin && peer == .loopback && loopbackNames.contains(host) && !isForwarded(request)
            && !isCrossSite(request)
    }

    private func isForwarded(_ request: Request) -> Bool {
        request.headers.contains { field in
            let name = field.name.canonicalName
            return forwardingNames.contains(name) || name.hasPrefix("x-forward") || name.hasSuffix("client-ip")
                || name.hasSuffix("connecting-ip")
        }
    }

    /// A page of another origin asks through the owner's browser: it gets what anybody gets.
    private func isCrossSite(_ request: Request) -> Bool {
        if let origin = request.headers[.origin], origin != "http://\(request.head.authority ?? "")" { return true }
        let site = request.headers[fetchSite]
        return site != nil && site != "same-origin" && site != "none"
    }
}

/// The name in a Host field, in lower case and without its port; nil where it is not of that form.
private func hostName(_ authority: String) -> String? {
    let end: String.Index
    if authority.hasPrefix("[") {
        guard let bracket = authority.firstIndex(of: "]") else { return nil }
        end = authority.index(after: bracket)
    } else {
        end = authority.firstIndex(of: ":") ?? authority.endIndex
    }
    let port = authority[end...]
    guard end > authority.startIndex, port.isEmpty || port.hasPrefix(":"),
        port.dropFirst().utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 })
    else { return nil }
    return authority[..<end].lowercased()
}

private let loopbackNames: Set<String> = ["localhost", "127.0.0.1", "[::1]"]

/// What proxies and content networks add, besides the names that begin and end alike.
private let forwardingNames: Set<String> = [
    "forwarded", "via", "x-real-ip", "x-original-forwarded-for", "x-original-host", "x-originating-ip", "x-remote-ip",
    "x-remote-addr", "x-proxyuser-ip", "x-envoy-external-address", "x-azure-clientip", "x-host",
    "cf-ray", "cdn-loop", "forwarded-for", "x-varnish", "x-amzn-trace-id", "x-cloud-trace-context",
]

/// The first one has become the authority.
private let secondHost = fieldName("Host")
private let fetchSite = fieldName("Sec-Fetch-Site")
