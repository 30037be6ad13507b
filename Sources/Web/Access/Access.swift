import NIOHTTP1
import Wire

/// The other end of a connection.
struct Peer: Sendable {
    /// Nil if the peer has no address, as on a unix socket.
    let address: NetworkAddress?
    /// Whether it connected to the owner's unix socket, whose file mode decides who may.
    let isLocal: Bool

    /// Whether the address is one of this machine: that of the owner, or of a proxy that forwards everybody.
    var isLoopback: Bool { address.map { Networks.loopback.contains($0) } ?? false }
}

/// Decides from the head of a request, before any route, whether to serve it and whether the owner sent it.
struct Access: Sendable {
    private let hosts: Set<String>
    private let localAdmin: Bool
    private let tokens: Tokens

    /// The owner on this machine.
    static let local = "local"
    /// The prefix before the name of a token.
    static let tokenPrefix = "token "

    init(_ configuration: WebConfiguration, _ tokens: Tokens) {
        self.tokens = tokens
        hosts = Set(configuration.hosts.compactMap(hostName))
        localAdmin = configuration.localAdmin
    }

    /// The owner, if the owner sent the request. Throws if the request is for another server or brings an unknown
    /// token.
    func owner(of request: HTTPRequest) throws(Problem) -> String? {
        if request.peer.isLocal { return Self.local }
        let headers = request.head.headers
        let named = headers["Host"]
        guard named.count == 1 else { throw Problem(.badRequest, "Send exactly one Host field.") }
        guard let host = hostName(named[0]), loopbackNames.contains(host) || hosts.contains(host) else {
            throw Problem(
                .misdirectedRequest,
                "No site is served under the host name \"\(named[0])\". If it is right, add it to hosts in [http].")
        }
        if let name = try tokens.name(in: headers) { return Self.tokenPrefix + name }
        if let name = SessionCookie.token(in: request.head).flatMap({ tokens.name(of: $0) }) {
            return Self.tokenPrefix + name
        }
        let isLocal =
            localAdmin && request.peer.isLoopback && loopbackNames.contains(host) && !isForwarded(request.head)
            && !isCrossSite(headers, "http://\(named[0])")
        return isLocal ? Self.local : nil
    }

    /// HTTP/1.0 counts too: only proxies still speak it, and some of them leave no other trace.
    private func isForwarded(_ head: HTTPRequestHead) -> Bool {
        head.version == .http1_0
            || head.headers.contains { field in
                let name = field.name.lowercased()
                return forwardingNames.contains(name) || name.hasPrefix("x-forward") || name.hasSuffix("client-ip")
                    || name.hasSuffix("connecting-ip")
            }
    }

    /// Whether a page of another origin asks through the owner's browser. It gets what anybody gets.
    private func isCrossSite(_ headers: HTTPHeaders, _ own: String) -> Bool {
        if let origin = headers.first(name: "Origin"), origin != own { return true }
        let site = headers.first(name: "Sec-Fetch-Site")
        return site != nil && site != "same-origin" && site != "none"
    }
}

/// The name in a Host field, in lower case and without its port; nil if the field is malformed.
private func hostName(_ authority: String) -> String? {
    let bytes = authority.utf8
    let isBracketed = bytes.first == UInt8(ascii: "[")
    let mark = bytes.firstIndex(of: UInt8(ascii: isBracketed ? "]" : ":"))
    guard let end = isBracketed ? mark.map({ bytes.index(after: $0) }) : mark ?? bytes.endIndex else { return nil }
    let port = bytes[end...]
    guard end > bytes.startIndex, port.isEmpty || port.first == UInt8(ascii: ":"),
        port.dropFirst().allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 })
    else { return nil }
    let name = authority[..<end]
    return name.utf8.contains { UInt8(ascii: "A")...UInt8(ascii: "Z") ~= $0 } ? name.lowercased() : String(name)
}

private let loopbackNames: Set<String> = ["localhost", "127.0.0.1", "[::1]"]

/// Fields that proxies and content networks add. `isForwarded` knows others by how they begin or end.
private let forwardingNames: Set<String> = [
    "forwarded", "via", "x-real-ip", "x-original-forwarded-for", "x-original-host", "x-originating-ip", "x-remote-ip",
    "x-remote-addr", "x-proxyuser-ip", "x-envoy-external-address", "x-azure-clientip", "x-host",
    "cf-ray", "cdn-loop", "forwarded-for", "x-varnish", "x-amzn-trace-id", "x-cloud-trace-context",
]
