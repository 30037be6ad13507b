import Counting
import NIOHTTP1

/// Finds the route of a request and checks access. Serves many requests at once, on the threads of their connections.
struct Router: Sendable {
    /// The routes of one path, one for each method.
    private struct Path {
        let name: String
        let parts: [Substring]
        var routes: [Route]

        /// The route of a method; HEAD uses that of GET.
        func route(of method: HTTPMethod) -> Route? {
            routes.first { $0.method == method || method == .HEAD && $0.answersHead }
        }

        /// The allowed methods.
        var allow: String {
            let methods = routes.map(\.method.rawValue) + (routes.contains(where: \.answersHead) ? ["HEAD"] : [])
            return methods.sorted().joined(separator: ", ")
        }
    }

    private let paths: [Path]
    private let backend: any Backend
    private let access: Access

    /// The name of all requests without a route.
    static let other = "other"

    /// Serves the routes of all groups, and their description.
    init(_ groups: [any RouteGroup], _ backend: any Backend, _ access: Access) {
        self.backend = backend
        self.access = access
        let routes = groups.flatMap(\.routes)
        var paths: [Path] = []
        for route in routes + [APIDescription(of: routes, version: backend.version).route] {
            if let i = paths.firstIndex(where: { $0.name == route.path }) {
                paths[i].routes.append(route)
            } else {
                paths.append(Path(name: route.path, parts: Self.parts(route.path), routes: [route]))
            }
        }
        self.paths = paths
    }

    /// The action for a complete request, and the name of its route.
    func action(for request: HTTPRequest) -> (route: String, action: ResponseAction) {
        let parts = Self.parts(request.head.uri)
        for path in paths {
            guard let parameters = Self.match(parts, path.parts) else { continue }
            return (path.name, orProblem { () throws(Problem) in try action(for: request, on: path, parameters) })
        }
        return (
            Self.other,
            orProblem { () throws(Problem) in
                _ = try access.owner(of: request)
                throw Problem(
                    .notFound, "Nothing is served under this path. The numbers of a site are at /api/v1/sites/{site}.")
            }
        )
    }

    private func orProblem(_ action: () throws(Problem) -> ResponseAction) -> ResponseAction {
        do throws(Problem) {
            return try action()
        } catch {
            return .now(error.response)
        }
    }

    private func action(
        for request: HTTPRequest, on path: Path, _ parameters: [Substring]
    ) throws(Problem) -> ResponseAction {
        var request = request
        request.owner = try access.owner(of: request)
        guard let route = path.route(of: request.head.method) else {
            throw Problem(.methodNotAllowed, "Use one of these methods here: \(path.allow).", [("Allow", path.allow)])
        }
        request.parameters = parameters
        switch route.access {
        case .anybody, .publicNumbers: break
        case .ownerUnlessPublic(let number, let what):
            if !request.isOwners { try requireOwner(request, unless: number, what) }
        case .owner(let what): try request.requireOwner(what)
        case .ownerWhoSignsIn(let what):
            let isBrowser = request.head.headers["Accept"].contains { $0.contains("text/html") }
            if !request.isOwners, isBrowser { return .now(DashboardPage.signIn()) }
            try request.requireOwner(what)
        }
        return try route.handler(request)
    }

    private func requireOwner(
        _ request: HTTPRequest, unless number: PublicNumber, _ what: String
    ) throws(Problem) {
        let site = String(request.parameters[0])
        guard backend.report.index(of: site) != nil else { throw Problem.unknownSite }
        if !backend.publicNumbers(of: site).contains(number) { try request.requireOwner(what) }
    }

    /// The parts of a target between slashes, up to its query. By bytes: characters cost a tenth of a request's time.
    private static func parts(_ target: String) -> [Substring] {
        target.utf8.prefix { $0 != UInt8(ascii: "?") }.dropFirst()
            .split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map { Substring($0) }
    }

    /// The values of the path's parts in braces; nil if the target has another path.
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
