import Counting
import NIOHTTP1

/// The event streams.
struct LiveRoutes: RouteGroup {
    let backend: any Backend
    let feed: LiveFeed

    var routes: [Route] {
        [
            Route(.GET, "/api/v1/live", .owner("The stream of all sites is"), answersHead: false, all) {
                RouteDescription(
                    "watchSites", .live, "All sites as a stream of events",
                    "Server-sent events. Does not answer HEAD.",
                    Self.stream(
                        "Each state is a list of snapshots, as in `sites` of `GET /api/v1/sites`.",
                        example: """
                            retry: 5000\nevent: counters\ndata: {"sites":[{"site":"portal","as_of":"2026\
                            -11-23T07:45:12Z","timezone":"Asia/Ho_Chi_Minh","online":{"visitors":243,"wi\
                            ndow_seconds":300,"peak_today":{"visitors":301,"at":"2026-11-23T03:10:05Z"},\
                            "peak":{"visitors":612,"at":"2026-09-02T01:00:41Z"}},"total":{"value":57998,\
                            "of":"visits","visits":57998,"views":180002,"start_visits":20000,"start_view\
                            s":0,"since":"2026-01-01T00:00:00Z"},"today":{"visits":1204,"views":3811,"vi\
                            sitors":987},"yesterday":{"visits":1170,"views":3702,"visitors":955},"month"\
                            :{"visits":20110,"views":61022,"visitor_days":17321},"windows":{"1m":{"visit\
                            s":3,"views":9},"5m":{"visits":16,"views":50},"1h":{"visits":190,"views":602\
                            },"24h":{"visits":1377,"views":4302},"7d":{"visits":7010,"views":21022},"30d\
                            ":{"visits":26002,"views":79002}},"bots":{"today":77,"total":9001},"rejected\
                            ":{"total":12},"exact":{"online":true,"visitors_today":true,"visitors_error"\
                            :0},"warnings":[]}]}\n\n
                            """))
            },
            Route(.GET, "/api/v1/sites/{site}/live", .publicNumbers, answersHead: false, one) {
                RouteDescription(
                    "watchSite", .live, "A site as a stream of events",
                    "Server-sent events: the public numbers, or all for the owner. Does not answer HEAD.",
                    Self.stream(
                        "Each state is a snapshot, as of `GET /api/v1/sites/{site}`.",
                        example: """
                            retry: 5000\nevent: counters\ndata: {"site":"portal","as_of":"2026-11-23T07:\
                            45:12Z","timezone":"Asia/Ho_Chi_Minh","online":{"visitors":243,"window_secon\
                            ds":300},"total":{"value":57998,"of":"visits","since":"2026-01-01T00:00:00Z"\
                            },"exact":{"online":true},"warnings":[]}\n\n
                            """))
            },
        ]
    }

    /// The responses that both streams have.
    private static func stream(_ state: String, example: String) -> [ResponseDescription] {
        [
            .text(
                """
                \(state) The stream begins with `retry: 5000` and the present state. Then come `event: counters` with \
                the full state in one `data` line, when it has changed and at most one a second, and `: ping` after 15 s \
                without any. It does not end by itself. A client that does not read for ten seconds is cut, and so is \
                one whose token is revoked. Then the connection is closed.
                """, type: "text/event-stream", example: example,
                fields: [
                    "X-Accel-Buffering": [
                        "description": "Tells proxies not to buffer the events.", "required": true,
                        "schema": ["type": "string", "const": "no"],
                    ], "Access-Control-Allow-Origin": .field("OpenIfPublic"),
                ]),
            .problem(503, "The most streams that are allowed are open."),
        ]
    }

    @Sendable private func all(_ request: HTTPRequest) throws(Problem) -> ResponseAction {
        .events(feed, LiveFeed.Topic(site: nil, isOwners: true), owner: request.owner)
    }

    @Sendable private func one(_ request: HTTPRequest) throws(Problem) -> ResponseAction {
        let name = String(request.parameters[0])
        guard backend.report.site(name) != nil else { throw Problem.unknownSite }
        return .events(feed, LiveFeed.Topic(site: name, isOwners: request.isOwners), owner: request.owner)
    }
}
