public import Counting
import Crypto
import Foundation
import NIOCore
import NIOHTTP1
import Synchronization

/// Where tokens are kept. The closures may wait for the disk.
public struct TokenStore: Sendable {
    /// A token of a name, as SHA-256 of it.
    public var save: @Sendable (_ name: String, _ hash: [UInt8], _ created: Moment) throws -> Void
    /// Forgets the token of a name.
    public var remove: @Sendable (_ name: String) throws -> Void

    /// Keeps tokens as the closures do.
    public init(
        save: @escaping @Sendable (_ name: String, _ hash: [UInt8], _ created: Moment) throws -> Void,
        remove: @escaping @Sendable (_ name: String) throws -> Void
    ) {
        self.save = save
        self.remove = remove
    }
}

/// Who may see and change everything from elsewhere: holders of a token, `Authorization: Bearer …`.
///
/// Only hashes are kept. They are compared whole, whatever differs, so that time tells nothing.
public final class Tokens: Sendable {
    private struct Token {
        var name: String
        var hash: [UInt8]
        var created: Moment?
    }

    private let known: Mutex<[Token]>
    private let store: TokenStore?

    static let countMax = 100

    /// The tokens that are stored, and those that the service manager hands over, which are texts and have no date. Without a
    /// store none can be made.
    public init(
        stored: [(name: String, hash: [UInt8], created: Moment)] = [], handedOver: [(name: String, token: String)] = [],
        store: TokenStore? = nil
    ) {
        known = Mutex(
            stored.map { Token(name: $0.name, hash: $0.hash, created: $0.created) }
                + handedOver.map { Token(name: $0.name, hash: Self.hash($0.token), created: nil) })
        self.store = store
    }

    /// No token has this hash.
    private static let nobodys = [UInt8](repeating: 0, count: 32)

    private static func hash(_ token: some StringProtocol) -> [UInt8] { Array(SHA256.hash(data: Data(token.utf8))) }

    /// The name of the token in a request; nil where it brings none, and an error where it is nobody's. Another scheme is the
    /// business of whoever stands before us.
    func name(in headers: HTTPHeaders) throws(Problem) -> String? {
        let fields = headers["Authorization"].filter { $0.prefix(6).lowercased() == "bearer" }
        guard let field = fields.first else { return nil }
        guard let name = name(of: field.dropFirst(6).drop { $0 == " " }), fields.count == 1 else {
            throw Problem(
                .unauthorized, "This token is not known: footfall token list shows those there are.",
                [("WWW-Authenticate", "Bearer error=\"invalid_token\"")])
        }
        return name
    }

    /// The name of a token; nil where it is nobody's.
    func name(of token: some StringProtocol) -> String? {
        let hash = Self.hash(token)
        return known.withLock { known in
            known.reduce(nil) { found, token in
                // In Swift | and ^ are of one rank: without the parentheses a token in 256 would open everything.
                let difference = zip(token.hash, hash).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) }
                return difference == 0 ? token.name : found
            }
        }
    }

    /// Who was let in as `owner`, by `Access`, would be so still.
    func isOwner(_ owner: String) -> Bool {
        guard owner.hasPrefix(Access.tokenPrefix) else { return true }
        let name = owner.dropFirst(Access.tokenPrefix.utf8.count)
        return known.withLock { known in known.contains { $0.name == name && $0.hash != Self.nobodys } }
    }

    // MARK: Routes

    @Sendable func list(_ request: Request) throws(Problem) -> Reply {
        try request.requireOwner("The list of tokens is", at: "/api/v1/tokens")
        let tokens = known.withLock { known in
            known.map { token -> JSON in
                .object(["name": JSON(token.name), "created": token.created.map { JSON($0.rfc3339) } ?? .null])
            }
        }
        return .now(.json(["tokens": .array(tokens)]))
    }

    private struct Form: Decodable { var name: String }

    /// `POST /api/v1/tokens`: the one time that a token is shown.
    @Sendable func create(_ request: Request) throws(Problem) -> Reply {
        try request.requireOwner("Making a token is", at: "/api/v1/tokens")
        let name = try request.decode(Form.self, #"{"name":"dashboard"}"#).name
        guard name.wholeMatch(of: /[A-Za-z0-9._-]{1,64}/) != nil else {
            throw Problem(
                .badRequest, "Give the token a name of 1 to 64 letters, digits, dots, dashes and underscores.")
        }
        guard known.withLock({ $0.count < Self.countMax && !$0.contains { $0.name == name } }) else {
            throw Problem(
                .conflict, "A token of this name is there already, or \(Self.countMax) of any; revoke one first.")
        }
        let token = "ff_" + Secret.text()
        return write(request) { [self] store in
            let created = Moment.wall
            try store.save(name, Self.hash(token), created)
            known.withLock { $0.append(Token(name: name, hash: Self.hash(token), created: created)) }
            return ["name": JSON(name), "token": JSON(token)]
        }
    }

    @Sendable func revoke(_ request: Request) throws(Problem) -> Reply {
        try request.requireOwner("Revoking a token is", at: request.head.uri)
        let name = String(request.parameters[0])
        guard known.withLock({ $0.contains { $0.name == name && $0.created != nil } }) else {
            throw Problem(
                .notFound, "No token that was made here has this name; footfall token list shows those there are.")
        }
        return write(request) { [self] store in
            // First here: whatever the disk says, it opens nothing any more. The name stays until the disk has forgotten it, so
            // that it can be revoked again.
            known.withLock { known in
                for i in known.indices where known[i].name == name { known[i].hash = Self.nobodys }
            }
            try store.remove(name)
            known.withLock { $0.removeAll { $0.name == name } }
            return ["name": JSON(name)]
        }
    }

    private func write(_ request: Request, _ change: @escaping @Sendable (TokenStore) throws -> JSONObject) -> Reply {
        .after { [store] in
            let unwritten = Problem(.serviceUnavailable, "The token cannot be written now; /readyz may say why.").answer
            guard let store else { return unwritten }
            do {
                return .json(try change(store))
            } catch {
                return unwritten
            }
        }
    }
}
