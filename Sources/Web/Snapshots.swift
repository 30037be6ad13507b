import Counting
import NIOHTTP1
import Synchronization

/// The numbers of sites as answers. What was written once is sent again as long as it is the same.
final class Snapshots: Sendable {
    private let state: WebState
    /// What was last written of a site, for the owner and for anybody.
    private let written = Mutex<[String: [Bool: Written]]>([:])

    private struct Written {
        let report: SiteReport, second: Int64, visible: Set<PublicNumber>?, rendered: Rendered
    }

    /// Sites of which an answer is kept; past it all are forgotten.
    private static let sitesKept = 1000

    init(state: WebState) { self.state = state }

    @Sendable func all(_ request: Request) throws(Problem) -> Reply {
        try request.requireOwner("The list of sites is", at: "/api/v1/sites")
        return .after { [state] in
            let report = state.report()
            let all = report.warnings + state.warnings()
            let sites = report.sites.map { site in
                JSON.object(
                    siteJSON(site, asOf: report.asOf, warnings: (report.siteWarnings[site.name] ?? []) + all))
            }
            return Rendered(["sites": .array(sites)], caching: ownersCaching).answer(to: request)
        }
    }

    @Sendable func one(_ request: Request) throws(Problem) -> Reply {
        let name = String(request.parameters[0])
        let report = state.report()
        guard let site = report.site(name) else {
            throw Problem.unknownSite
        }
        let visible = request.isOwners ? nil : state.publicNumbers(name)
        return .now(rendered(site, in: report, visible: visible).answer(to: request))
    }

    private func rendered(_ site: SiteReport, in report: Report, visible: Set<PublicNumber>?) -> Rendered {
        let asOf = report.asOf
        let last = written.withLock { $0[site.name]?[visible == nil] }
        if let last, last.report === site, last.second == asOf.second, last.visible == visible { return last.rendered }
        let warnings = (report.siteWarnings[site.name] ?? []) + report.warnings + state.warnings()
        let json = siteJSON(site, asOf: asOf, warnings: warnings, visible: visible)
        let rendered = Rendered(json, caching: visible == nil ? ownersCaching : "max-age=1", isOpen: visible != nil)
        written.withLock { written in
            if written.count == Self.sitesKept, written[site.name] == nil { written.removeAll(keepingCapacity: true) }
            written[site.name, default: [:]][visible == nil] = Written(
                report: site, second: asOf.second, visible: visible, rendered: rendered)
        }
        return rendered
    }
}

/// The owner's answers never lie in a cache that others share.
let ownersCaching = "private, max-age=1"
