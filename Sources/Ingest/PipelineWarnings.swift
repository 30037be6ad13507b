import Counting
import Wire

extension IngestPipeline {
    func addWarnings(to report: inout Report) {
        report.siteWarnings = sites.warnings(at: now)
        for site in report.sites {
            guard let since = site.silentSince, isServed(site.name) else { continue }
            report.siteWarnings[site.name, default: []].append(
                Warning(
                    .silence,
                    "No view since \(since.rfc3339), although a week before there were some at this time. Does the page still "
                        + "send?"))
        }
        report.warnings = warnings
    }

    private func isServed(_ name: String) -> Bool { sites.find(Array(name.utf8).span) != nil }

    /// What concerns every site.
    private var warnings: [Warning] {
        func isRecent(_ moment: Moment?) -> Bool {
            // Of a leap forward it is the moment after, which may still be to come.
            moment.map { abs(now.milliseconds - $0.milliseconds) < Self.warningMilliseconds } ?? false
        }
        var warnings: [Warning] = []
        if isRecent(droppedAt) {
            warnings.append(
                Warning(
                    .kernelDrops,
                    "The kernel dropped datagrams within the last hour. A larger receive_buffer in [beacon] takes a longer "
                        + "burst, if net.core.rmem_max allows it."))
        }
        if isRecent(clockJumpedAt) || timekeeper.lead > 0 {
            warnings.append(
                Warning(
                    .clock,
                    "The clock of this machine jumped within the last hour"
                        + (timekeeper.lead > 0 ? "; time goes at half its speed until it has caught up." : ".")))
        }
        return warnings
    }

    private static let warningMilliseconds: Int64 = 3_600_000
}
