import Counting
import Foundation
import NIOCore
import NIOHTTP1

/// A complete request, before anything is believed of it but who is at the other end of its connection.
struct Request: Sendable {
    let head: HTTPRequestHead
    let body: ByteBuffer
    let peer: Peer
    /// Who may see every number: `local`, or the name of a token; nil for anybody else.
    var owner: String?
    var isOwners: Bool { owner != nil }
    /// What stands in the places of the route's path that are in braces, in their order.
    var parameters: [Substring] = []

    /// Refuses a request that is not the owner's; `what` begins a sentence about what is asked for at `path`.
    func requireOwner(_ what: String, at path: String) throws(Problem) {
        guard !isOwners else { return }
        throw Problem(
            .unauthorized,
            "\(what) the owner's: send Authorization: Bearer with a token of footfall token create, or ask on the unix socket, as in "
                + "curl --unix-socket RUNTIME/footfall.sock http://localhost\(path), where RUNTIME is the runtime directory.",
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
}

/// How a request is answered.
enum Reply: Sendable {
    /// At once.
    case now(Answer)
    /// When the work calls back, once, on any thread. What it gives is called on the connection's, so that whoever does
    /// the work need not write the answer down.
    case later(@Sendable (@escaping Give) -> Void)
    /// As a stream of events that goes on until one side has enough.
    case events(LiveFeed, LiveFeed.Topic, owner: String?)

    /// Takes an answer that is still to be written down.
    typealias Give = @Sendable (@escaping @Sendable () -> Answer) -> Void

    /// After work that takes longer than a connection beside this one should wait.
    static func after(_ work: @escaping @Sendable () async -> Answer) -> Reply {
        .later { give in
            Task {
                let answer = await work()
                give { answer }
            }
        }
    }
}

/// Every route and what it answers. Answers many requests at once, on the threads of their connections.
struct Routes: Sendable {
    private struct Route {
        let name: String
        /// A part in braces stands for any that is not empty.
        let path: [Substring]
        let handlers: [String: Handler]
        let allow: String
        /// GET changes nothing, so that HEAD may ask for it.
        let isSafe: Bool
    }

    private typealias Handler = @Sendable (Request) throws(Problem) -> Reply

    private let access: Access
    private let routes: [Route]

    init(
        _ state: WebState, _ configuration: WebConfiguration, _ requests: RequestCounts, _ connections: WebConnections,
        _ feed: LiveFeed, _ labels: SiteLabels
    ) {
        access = Access(configuration, state.tokens)
        let snapshots = Snapshots(state: state)
        let changes = Changes(state: state)
        let histories = Histories(state: state)
        let metrics = Metrics(state: state, requests: requests, connections: connections, feed: feed, labels: labels)
        let streams = Streams(state: state, feed: feed)
        let signIn = SignIn(tokens: state.tokens)
        let hits = Hits(state: state, proxies: configuration.proxies)
        let operations = Operations(state: state)
        let words = Rendered(definitionsJSON, caching: "max-age=300")
        routes = [
            Self.route("/hit", ["POST": hits.count]),
            Self.route("/hit.gif", ["GET": hits.pixel], isSafe: false),
            Self.route("/hit.svg", ["GET": hits.image], isSafe: false),
            Self.route("/badge/{site}/{metric}", ["GET": hits.badge]),
            Self.route("/footfall.js", ["GET": { request in .now(Assets.widget.answer(to: request)) }]),
            Self.route("/busuanzi.js", ["GET": { request in .now(Assets.busuanzi.answer(to: request)) }]),
            Self.route(
                "/" + Widget.pinnedName, ["GET": { request in .now(Assets.pinnedWidget.answer(to: request)) }]),
            Self.route("/", ["GET": TotalsPage(state: state).show]),
            Self.route("/dashboard.css", ["GET": { request in .now(Assets.dashboardStyle.answer(to: request)) }]),
            Self.route("/dashboard.js", ["GET": { request in .now(Assets.dashboard.answer(to: request)) }]),
            Self.route("/sign-in", ["POST": signIn.signIn]),
            Self.route("/sign-out", ["POST": signIn.signOut]),
            Self.route("/api/v1/live", ["GET": streams.all], isSafe: false),
            Self.route("/api/v1/sites/{site}/live", ["GET": streams.one], isSafe: false),
            Self.route("/api/v1/status", ["GET": Status(state: state).show]),
            Self.route("/api/v1/sites/{site}", ["GET": snapshots.one]),
            Self.route("/api/v1/sites/{site}/series", ["GET": histories.series]),
            Self.route("/api/v1/sites/{site}/top/{ranking}", ["GET": histories.top]),
            Self.route("/api/v1/sites/{site}/export.csv", ["GET": histories.export]),
            Self.route("/api/v1/sites/{site}/start", ["PUT": changes.start]),
            Self.route("/api/v1/sites/{site}/corrections", ["POST": changes.correct]),
            Self.route("/api/v1/sites/{site}/keys", ["GET": changes.listKeys, "POST": changes.createKey]),
            Self.route("/api/v1/sites/{site}/keys/{id}", ["DELETE": changes.revokeKey]),
            Self.route("/api/v1/sites", ["GET": snapshots.all]),
            Self.route("/api/v1/reload", ["POST": operations.reload]),
            Self.route("/api/v1/checkpoint", ["POST": operations.checkpoint]),
            Self.route("/api/v1/audit", ["GET": operations.audit]),
            Self.route("/api/v1/definitions", ["GET": { request in .now(words.answer(to: request)) }]),
            Self.route(
                "/openapi.json",
                ["GET": { request in .now(Assets.openAPI(version: state.version).answer(to: request)) }]),
            Self.route("/api/v1/tokens", ["GET": state.tokens.list, "POST": state.tokens.create]),
            Self.route("/api/v1/tokens/{name}", ["DELETE": state.tokens.revoke]),
            Self.route("/metrics", ["GET": metrics.scrape]),
            Self.route("/healthz", ["GET": { _ in .now(.fresh("ok".utf8, type: "text/plain")) }]),
            Self.route("/readyz", ["GET": { request throws(Problem) in .now(try Self.readiness(state)) }]),
        ]
    }

    private static func route(_ path: String, _ handlers: [String: Handler], isSafe: Bool = true) -> Route {
        var methods = Array(handlers.keys)
        if isSafe, handlers["GET"] != nil { methods.append("HEAD") }
        return Route(
            name: path, path: parts(path), handlers: handlers, allow: methods.sorted().joined(separator: ", "),
            isSafe: isSafe)
    }

    /// What stands between the slashes of a target, up to its query. By bytes: characters took a tenth of a request's time.
    private static func parts(_ target: String) -> [Substring] {
        target.utf8.prefix { $0 != UInt8(ascii: "?") }.dropFirst()
            .split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map { Substring($0) }
    }

    private static func readiness(_ state: WebState) throws(Problem) -> Answer {
        let degraded = state.degraded()
        guard degraded.isEmpty else {
            throw Problem(.serviceUnavailable, "Degraded: \(degraded.joined(separator: "; ")).")
        }
        return .fresh("ready".utf8, type: "text/plain")
    }

    /// What a request that no route is for goes by.
    static let other = "other"

    /// The answer to a complete request, or the promise of one, and the route it took.
    func reply(to request: Request) -> (route: String, reply: Reply) {
        let parts = Self.parts(request.head.uri)
        for route in routes {
            guard let parameters = Self.match(parts, route.path) else { continue }
            return (route.name, answered { () throws(Problem) in try reply(to: request, by: route, parameters) })
        }
        return (
            Self.other,
            answered { () throws(Problem) in
                _ = try access.owner(of: request)
                throw Problem(
                    .notFound, "Nothing is served under this path. The numbers of a site are at /api/v1/sites/{site}.")
            }
        )
    }

    private func answered(_ reply: () throws(Problem) -> Reply) -> Reply {
        do throws(Problem) {
            return try reply()
        } catch {
            return .now(error.answer)
        }
    }

    private func reply(to request: Request, by route: Route, _ parameters: [Substring]) throws(Problem) -> Reply {
        var request = request
        request.owner = try access.owner(of: request)
        let method = request.head.method == .HEAD && route.isSafe ? "GET" : request.head.method.rawValue
        guard let handler = route.handlers[method] else {
            throw Problem(.methodNotAllowed, "Use one of these methods here: \(route.allow).", [("Allow", route.allow)])
        }
        request.parameters = parameters
        return try handler(request)
    }

    private static func match(_ parts: [Substring], _ path: [Substring]) -> [Substring]? {
        guard parts.count == path.count else { return nil }
        var parameters: [Substring] = []
        for (part, pattern) in zip(parts, path) {
            if pattern.hasPrefix("{"), !part.isEmpty {
                parameters.append(part)
            } else if part != pattern {
                return nil
            }
        }
        return parameters
    }
}

private let definitionsJSON: JSONObject = [
    "definitions": .array(
        definitions.map { .object(["term": JSON($0.term), "definition": JSON($0.definition)]) })
]
