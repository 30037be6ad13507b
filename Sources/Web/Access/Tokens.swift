public import Counting
import Crypto
import Foundation
import NIOHTTP1
import Synchronization

/// The known tokens. Their holders may see and change everything from anywhere: `Authorization: Bearer …`.
///
/// Only hashes are stored. A comparison always covers the whole hash, so its duration reveals nothing.
final class Tokens: Sendable {
    private let known: Mutex<[AccessToken]>
    private let backend: any Backend

    static let countMax = 100

    init(_ backend: any Backend) {
        self.backend = backend
        known = Mutex(backend.accessTokens)
    }

    /// No token has this hash.
    private static let hashOfNone = [UInt8](repeating: 0, count: 32)

    // MARK: Lookup

    /// The name of the token in a request; nil if there is none. Throws if the token is unknown. Other schemes are
    /// ignored: they are for a server in front of us.
    func name(in headers: HTTPHeaders) throws(Problem) -> String? {
        let fields = headers["Authorization"].filter { $0.prefix(6).lowercased() == "bearer" }
        guard let field = fields.first else { return nil }
        guard let name = name(of: field.dropFirst(6).drop { $0 == " " }), fields.count == 1 else {
            throw Problem(
                .unauthorized, "This token is unknown; footfall token list shows all tokens.",
                [("WWW-Authenticate", "Bearer error=\"invalid_token\"")])
        }
        return name
    }

    /// The name of a token; nil if it is unknown.
    func name(of token: some StringProtocol) -> String? {
        let hash = AccessToken.hash(token)
        return known.withLock { known in
            known.reduce(nil) { found, token in
                // In Swift, | and ^ have one precedence: without the parentheses a token in 256 would open everything.
                let difference = zip(token.hash, hash).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) }
                return difference == 0 ? token.name : found
            }
        }
    }

    /// Whether `owner`, whom `Access` admitted, would still be admitted.
    func isOwner(_ owner: String) -> Bool {
        guard owner.hasPrefix(Access.tokenPrefix) else { return true }
        let name = owner.dropFirst(Access.tokenPrefix.utf8.count)
        return known.withLock { known in known.contains { $0.name == name && $0.hash != Self.hashOfNone } }
    }

    // MARK: Changes

    /// All tokens, without their texts, which only their holders have.
    var all: [AccessToken] { known.withLock { $0 } }

    /// Whether there is room for one more token, of this name.
    func hasRoom(for name: String) -> Bool {
        known.withLock { $0.count < Self.countMax && !$0.contains { $0.name == name } }
    }

    /// Makes a token and keeps its hash. May wait for the disk.
    func create(named name: String) throws -> String {
        let text = "ff_" + Secret.text()
        let token = AccessToken(name: name, text: text, created: .wall)
        try backend.save(token)
        known.withLock { $0.append(token) }
        return text
    }

    /// Makes a token invalid. May wait for the disk.
    func revoke(_ name: String) throws {
        // In memory first: even if the disk fails, the token is invalid at once. The name stays until the disk has
        // removed it, so that it can be revoked again.
        known.withLock { known in
            for i in known.indices where known[i].name == name { known[i].hash = Self.hashOfNone }
        }
        try backend.removeToken(named: name)
        known.withLock { $0.removeAll { $0.name == name } }
    }
}

extension AccessToken {
    /// The token with this text.
    public init(name: String, text: String, created: Moment? = nil) {
        self.init(name: name, hash: Self.hash(text), created: created)
    }

    fileprivate static func hash(_ text: some StringProtocol) -> [UInt8] { Array(SHA256.hash(data: Data(text.utf8))) }
}
