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
                    "No view since \(since.rfc3339), although there were some at this time a week before. Check that the "
                        + "page still sends."))
        }
        report.warnings = warnings
    }

    private func isServed(_ name: String) -> Bool { sites.find(Array(name.utf8).span) != nil }

    /// Warnings for all sites.
    private var warnings: [Warning] {
        func isRecent(_ moment: Moment?) -> Bool {
            // After a leap forward, `moment` is the time after the leap and may still be in the future.
            moment.map { abs(now.milliseconds - $0.milliseconds) < Self.warningMilliseconds } ?? false
        }
        var warnings: [Warning] = []
        if isRecent(droppedAt) {
            warnings.append(
                Warning(
                    .kernelDrops,
                    "The kernel dropped datagrams within the last hour. A larger receive_buffer in [beacon] absorbs a "
                        + "longer burst, if net.core.rmem_max allows it."))
        }
        if isRecent(clockJumpedAt) || timekeeper.lead > 0 {
            warnings.append(
                Warning(
                    .clock,
                    "The clock of this machine jumped within the last hour"
                        + (timekeeper.lead > 0 ? "; time runs at half speed until it has caught up." : ".")))
        }
        return warnings
    }

    private static let warningMilliseconds: Int64 = 3_600_000
}
