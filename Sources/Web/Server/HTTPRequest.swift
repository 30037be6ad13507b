import Foundation
import NIOCore
import NIOHTTP1

/// A complete request. Nothing in it is trusted yet, except the peer.
struct HTTPRequest: Sendable {
    let head: HTTPRequestHead
    let body: ByteBuffer
    let peer: Peer
    /// Who may see every number: `local`, or the name of a token; nil for anybody else.
    var owner: String?
    var isOwners: Bool { owner != nil }
    /// The values of the parts in braces of the route's path, in order.
    var parameters: [Substring] = []

    /// Refuses a request that is not the owner's; `what` begins a sentence about what was requested.
    func requireOwner(_ what: String) throws(Problem) {
        guard !isOwners else { return }
        throw Problem(
            .unauthorized,
            "\(what) the owner's: send Authorization: Bearer with a token of footfall token create, or ask on the unix socket, as in "
                + "curl --unix-socket RUNTIME/footfall.sock http://localhost\(head.uri), where RUNTIME is the runtime directory.",
            [("WWW-Authenticate", "Bearer")])
    }

    /// The body as JSON of a type, such as `example`.
    func decode<T: Decodable>(_ type: T.Type, _ example: String) throws(Problem) -> T {
        do {
            return try JSONDecoder().decode(type, from: Data(body.readableBytesView))
        } catch {
            throw Problem(.badRequest, "Send JSON such as \(example).")
        }
    }

    /// The decoded value of a key in the target's query; the first if there are several.
    func query(_ name: String) -> String? {
        let query = head.uri.split(separator: "?", maxSplits: 1).dropFirst().first ?? ""
        for pair in query.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts[0] == name {
                return parts.count < 2 ? "" : parts[1].replacing("+", with: " ").removingPercentEncoding ?? ""
            }
        }
        return nil
    }
}
