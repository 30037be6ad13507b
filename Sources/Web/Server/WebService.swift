import Counting
import Synchronization

/// What the connections of a server share: the routes in force, and the counts of responses.
final class WebService: Sendable {
    let requests: RequestCounts
    private let feed: LiveFeed
    private let makeRouter: @Sendable (WebConfiguration) -> Router
    private let current: Mutex<Router>

    init(_ backend: any Backend, _ configuration: WebConfiguration, _ connections: WebConnections) {
        let tokens = Tokens(backend)
        let keys = SiteKeys(backend)
        let feed = LiveFeed(backend, tokens, configuration.limits)
        let requests = RequestCounts()
        let metrics = MetricsRoutes(
            backend: backend, requests: requests, connections: connections, feed: feed, labels: SiteLabels())
        makeRouter = { configuration in
            let groups: [any RouteGroup] = [
                HitRoutes(backend: backend, proxies: configuration.proxies), WidgetRoutes(),
                DashboardRoutes(backend: backend, tokens: tokens), SiteRoutes(backend),
                LiveRoutes(backend: backend, feed: feed),
                HistoryRoutes(backend: backend), ChangeRoutes(backend: backend),
                KeyRoutes(backend: backend, keys: keys), TokenRoutes(tokens: tokens), StatusRoutes(backend: backend),
                OperationRoutes(backend: backend), metrics,
            ]
            return Router(groups, backend, Access(configuration, tokens))
        }
        self.requests = requests
        self.feed = feed
        current = Mutex(makeRouter(configuration))
    }

    /// The routes for the newest settings.
    var router: Router { current.withLock { $0 } }

    func reload(_ configuration: WebConfiguration) {
        let router = makeRouter(configuration)
        current.withLock { $0 = router }
        // The new settings may admit other owners. A client that is still an owner reconnects by itself.
        feed.closeOwners()
    }
}
