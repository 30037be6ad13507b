import NIOHTTP1
import Wire

extension HTTPRequest {
    /// The address of the visitor: that of the peer, or the one that trusted proxies report. A peer on the owner's
    /// socket is trusted.
    func visitor(behind proxies: Networks) -> NetworkAddress {
        proxies.visitor(
            of: peer.address ?? .v4(0x7f00_0001), isBelieved: peer.isLocal,
            forwardedFor: head.headers[canonicalForm: "X-Forwarded-For"],
            forwarded: head.headers[canonicalForm: "Forwarded"])
    }
}
