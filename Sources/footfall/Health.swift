import Counting
import Logging
import ServiceLifecycle
import Settings
import Storage
import Supervision
import Web

/// How well the counts are kept, in the words of `/readyz`, the status line and the metrics.
final class Health: Sendable {
    private let state: StateHealth
    private let journal: Journal
    private let checkpointer: Checkpointer
    private let recovery: RecoveryNumbers

    init(
        _ settings: Settings.State, _ journal: Journal, _ checkpointer: Checkpointer, _ recovery: Recovery,
        replaySeconds: Double
    ) {
        state = StateHealth(
            journal, checkpointer, directory: settings.directory, journalCapBytes: settings.journalCapBytes)
        self.journal = journal
        self.checkpointer = checkpointer
        self.recovery = recovery.numbers(seconds: replaySeconds)
    }

    var degraded: [String] { state.degraded }
    var warnings: [Warning] { state.warnings }

    /// One line for people: what is degraded; otherwise how many are online, and the visits.
    func summary(of report: Report) -> String {
        guard degraded.isEmpty else { return "degraded: " + degraded.joined(separator: "; ") }
        let online = report.sites.reduce(0) { $0 + $1.online }
        let visits = report.sites.reduce(Int128(0)) { $0 + Int128($1.totalVisits) }
        return "\(grouped(online)) online · \(counted(visits, "visit")) · \(counted(report.sites.count, "site"))"
    }

    func numbers(longestPauseNanoseconds: Int64) -> DurabilityNumbers {
        var numbers = DurabilityNumbers()
        numbers.journal = journal.status.numbers
        numbers.checkpoints = checkpointer.status.numbers
        numbers.checkpoints.longestPauseSeconds = Double(longestPauseNanoseconds) / 1e9
        numbers.recovery = recovery
        return numbers
    }
}

/// Writes changes of health to the log and to systemd. What lasts is in the metrics.
struct HealthService: Service {
    let health: Health
    let report: @Sendable () -> Report
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var before: [String] = []
            var status = ""
            while !Task.isCancelled {
                let now = health.degraded
                if now.map(Self.kind) != before.map(Self.kind) { tell(now) }
                before = now
                let summary = health.summary(of: report())
                if summary != status { Supervisor.status(summary) }
                status = summary
                try? await Task.sleep(for: .seconds(1))
            }
        }
        Supervisor.stopping()
    }

    private func tell(_ degraded: [String]) {
        let reasons = degraded.joined(separator: "; ")
        if degraded.isEmpty {
            logger.write(.well)
        } else {
            logger.write(.degraded, ["reasons": "\(reasons)"])
        }
    }

    /// A sentence without its numbers, which change constantly.
    private static func kind(_ sentence: String) -> String { sentence.filter { !$0.isNumber } }
}
