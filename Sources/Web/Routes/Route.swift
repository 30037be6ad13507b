import Counting
import NIOHTTP1

/// One route: the only declaration of its method, its path, who may use it, its action, and its description.
///
/// The router, the metrics' label `route`, `HEAD`, the field Allow and `/openapi.json` all come from it. To add a
/// route, add it to the `routes` of its group.
struct Route: Sendable {
    typealias Handler = @Sendable (HTTPRequest) throws(Problem) -> ResponseAction

    let method: HTTPMethod
    /// The path, and the route's name in the metrics. A part in braces matches any part that is not empty.
    let path: String
    /// The path in the description, if it says more than `path`.
    let describedPath: String
    let access: RouteAccess
    /// Whether HEAD is allowed too: GET changes nothing, and its response ends.
    let answersHead: Bool
    let handler: Handler
    /// Made when a client asks for the description, so that a start does not wait for it.
    let description: @Sendable () -> RouteDescription

    init(
        _ method: HTTPMethod, _ path: String, describedAs describedPath: String? = nil, _ access: RouteAccess,
        answersHead: Bool = true, _ handler: @escaping Handler,
        description: @escaping @Sendable () -> RouteDescription
    ) {
        self.method = method
        self.path = path
        self.describedPath = describedPath ?? path
        self.access = access
        self.answersHead = answersHead && method == .GET
        self.handler = handler
        self.description = description
    }
}

/// Who may use a route.
enum RouteAccess: Sendable {
    /// Anybody. The owner gets the same.
    case anybody
    /// Anybody gets the public numbers of a site, and the owner gets all of them.
    case publicNumbers
    /// The owner; anybody if the site, the first part in braces, shows this number. The text begins a sentence.
    case ownerUnlessPublic(PublicNumber, String)
    /// The owner only. The text begins a sentence.
    case owner(String)
    /// The owner only; a browser gets the sign-in page. The text begins a sentence.
    case ownerWhoSignsIn(String)
}

/// Routes that belong together.
protocol RouteGroup: Sendable {
    /// The routes, in the order of the description.
    var routes: [Route] { get }
}
