import NIOHTTP1
import Wire

extension HTTPRequest {
    /// The address of the visitor: the other end of the connection, or what believed proxies say of it. Who may use the owner's
    /// socket is believed.
    func visitor(behind proxies: Networks) -> NetworkAddress {
        proxies.visitor(
            of: peer.address ?? .v4(0x7f00_0001), isBelieved: peer.isLocal,
            forwardedFor: head.headers[canonicalForm: "X-Forwarded-For"],
            forwarded: head.headers[canonicalForm: "Forwarded"])
    }
}
