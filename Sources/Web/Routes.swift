import Counting
import HTTPTypes
import Hummingbird
import Logging

/// Every route and what it answers. Built once; answers many requests at once.
struct Routes: Sendable {
    private let access: Access
    private let router: RouterResponder<WebContext>
    private let logger: Logger

    init(state: WebState, configuration: WebConfiguration, logger: Logger) {
        access = Access(configuration)
        self.logger = logger
        let snapshots = Snapshots(state: state)
        let words = Rendered(definitionsJSON)
        let router = Router(context: WebContext.self)
        router.add(middleware: Problems())
        router.at("api/v1/sites", [.get: snapshots.all])
        router.at("api/v1/sites/{site}", [.get: snapshots.one])
        router.at(
            "api/v1/definitions",
            [
                .get: { request, _ in
                    words.response(to: request, caching: "max-age=300")
                }
            ])
        router.at("metrics", [.get: Metrics(state: state).scrape])
        router.at("healthz", [.get: { _, _ in plain("ok") }])
        router.at(
            "readyz",
            [
                .get: { _, _ in
                    let degraded = state.degraded()
                    guard degraded.isEmpty else {
                        throw Problem(
                            .serviceUnavailable, "Degraded: \(degraded.joined(separator: "; ")).")
                    }
                    return plain("ready")
                }
            ])
        self.router = router.buildResponder()
    }

    /// The complete answer to a request whose body is at hand.
    func respond(to request: Request, from peer: Peer) async -> Response {
        let method = request.method
        do {
            let isLocal = try access.isLocal(request, from: peer)
            // The router knows paths only; methods are looked at in the route, so that a wrong one is told from a
            // wrong path.
            var head = request.head
            head.method = .get
            return try await router.respond(
                to: Request(head: head, body: request.body),
                context: WebContext(source: WebSource(logger: logger, method: method, isLocal: isLocal))
            ).finished(for: method)
        } catch let problem as Problem {
            return problem.response.finished(for: method)
        } catch {
            logger.error("Request failed", metadata: ["error": "\(error)"])
            return Problem(.internalServerError, "This is a bug in Footfall: see its log, and report it.").response
                .finished(for: method)
        }
    }
}

/// What a route knows of a request besides the request.
struct WebContext: RequestContext {
    typealias Source = WebSource
    var coreContext: CoreRequestContextStorage
    let method: HTTPRequest.Method
    /// The request is the owner's.
    let isLocal: Bool

    init(source: WebSource) {
        coreContext = CoreRequestContextStorage(source: source)
        method = source.method
        isLocal = source.isLocal
    }

    /// Refuses a request that is not the owner's; `what` begins a sentence about what is asked for at `path`.
    func requireOwner(_ what: String, at path: String) throws(Problem) {
        guard !isLocal else { return }
        throw Problem(
            .unauthorized,
            "\(what) the owner's: ask on the unix socket, as in "
                + "curl --unix-socket RUNTIME/footfall.sock http://localhost\(path), where RUNTIME is the runtime directory.",
            headers: [.wwwAuthenticate: "Bearer"])
    }
}

struct WebSource: RequestContextSource {
    let logger: Logger
    let method: HTTPRequest.Method
    let isLocal: Bool
}

typealias Handler = @Sendable (Request, WebContext) async throws -> Response

extension Router where Context == WebContext {
    /// Serves a path with these methods and answers 405 to others; HEAD comes with GET.
    fileprivate func at(_ path: RouterPath, _ handlers: [HTTPRequest.Method: Handler]) {
        var methods = handlers.keys.map(\.rawValue)
        if handlers[.get] != nil { methods.append("HEAD") }
        let allow = methods.sorted().joined(separator: ", ")
        on(path, method: .get) { request, context in
            guard let handler = handlers[context.method == .head ? .get : context.method] else {
                throw Problem(.methodNotAllowed, "Use one of these methods here: \(allow).", headers: [.allow: allow])
            }
            return try await handler(request, context)
        }
    }
}

/// Writes the router's own errors the way all others are written.
private struct Problems: RouterMiddleware {
    func handle(
        _ request: Request, context: WebContext, next: (Request, WebContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let error as HTTPError {
            let detail = "Nothing is served under this path. The numbers of a site are at /api/v1/sites/{site}."
            throw Problem(error.status, error.status == .notFound ? detail : error.description)
        }
    }
}

private let definitionsJSON: JSONObject = [
    "definitions": .array(
        definitions.map { .object(["term": JSON($0.term), "definition": JSON($0.definition)]) })
]
