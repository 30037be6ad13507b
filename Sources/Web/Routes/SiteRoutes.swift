import Counting
import NIOHTTP1
import Synchronization

/// The present numbers of sites. A response is made once and sent as long as its numbers are the same.
final class SiteRoutes: RouteGroup {
    private let backend: any Backend
    /// The last response of a site, for the owner and for anybody.
    private let written = Mutex<[String: [Bool: Written]]>([:])

    private struct Written {
        let report: SiteReport, second: Int64, visible: Set<PublicNumber>?, response: CachedResponse
    }

    /// The most sites whose responses are kept. Past this number, all are forgotten.
    private static let sitesKept = 1000

    init(_ backend: any Backend) { self.backend = backend }

    var routes: [Route] {
        [
            Route(.GET, "/api/v1/sites", .owner("The list of sites is"), all) {
                RouteDescription(
                    "listSites", .numbers, "The numbers of all sites",
                    """
                    All numbers are of one moment. Sites that are no longer in the settings are included. There is \
                    no paging: there are at most `[limits] sites` sites.
                    """,
                    isStable: true,
                    [
                        .json("The sites.", "SiteList", caching: .secondPrivate)
                    ])
            },
            Route(.GET, "/api/v1/sites/{site}", .publicNumbers, one) {
                RouteDescription(
                    "getSite", .numbers, "The numbers of a site",
                    "The public numbers, or all numbers for the owner. All are of one moment.",
                    isStable: true,
                    [
                        .json("The snapshot.", "Snapshot", caching: .second)
                    ])
            },
        ]
    }

    @Sendable private func all(_ request: HTTPRequest) throws(Problem) -> ResponseAction {
        return .after { [backend] in
            let report = backend.report
            let all = report.warnings + backend.warnings
            let sites = report.sites.map { site in
                JSON.object(
                    siteJSON(site, asOf: report.asOf, warnings: (report.siteWarnings[site.name] ?? []) + all))
            }
            let removed = report.sites.map(\.name).filter { !backend.isServed($0) }
            return CachedResponse(
                ["sites": .array(sites), "removed": .array(removed.map { JSON($0) })], caching: ownersCaching
            ).response(to: request)
        }
    }

    @Sendable private func one(_ request: HTTPRequest) throws(Problem) -> ResponseAction {
        let name = String(request.parameters[0])
        let report = backend.report
        guard let site = report.site(name) else {
            throw Problem.unknownSite
        }
        let visible = request.isOwners ? nil : backend.publicNumbers(of: name)
        return .now(response(site, in: report, visible: visible).response(to: request))
    }

    private func response(_ site: SiteReport, in report: Report, visible: Set<PublicNumber>?) -> CachedResponse {
        let asOf = report.asOf
        let last = written.withLock { $0[site.name]?[visible == nil] }
        if let last, last.report === site, last.second == asOf.second, last.visible == visible { return last.response }
        let warnings = (report.siteWarnings[site.name] ?? []) + report.warnings + backend.warnings
        let json = siteJSON(site, asOf: asOf, warnings: warnings, visible: visible)
        let response = CachedResponse(
            json, caching: visible == nil ? ownersCaching : "max-age=1", isOpen: visible != nil)
        written.withLock { written in
            if written.count == Self.sitesKept, written[site.name] == nil { written.removeAll(keepingCapacity: true) }
            written[site.name, default: [:]][visible == nil] = Written(
                report: site, second: asOf.second, visible: visible, response: response)
        }
        return response
    }
}

/// No shared cache stores the owner's responses.
let ownersCaching = "private, max-age=1"
