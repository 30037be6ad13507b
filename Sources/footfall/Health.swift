import Counting
import Glibc
import Ingest
import Logging
import Platform
import ServiceLifecycle
import Settings
import Storage
import Supervision
import Web

/// How well the counts are kept, in the words of `/readyz`, the status line and the metrics.
final class Health: Sendable {
    private let state: Settings.State
    private let journal: Journal
    private let checkpointer: Checkpointer
    private let replayed: (hits: UInt64, seconds: Double)
    private let lost: (frames: UInt64, hits: UInt64)

    /// A power cut must not cost more than a second.
    private static let syncMax: Int64 = 1000
    /// A checkpoint that has been running for so many milliseconds waits for a disk that does not answer.
    private static let checkpointRunMax: Int64 = 60_000

    /// How long a refusal stands for the next one: nothing tries again by itself.
    private static let refusalMilliseconds: Int64 = 30_000

    init(
        _ state: Settings.State, _ journal: Journal, _ checkpointer: Checkpointer, _ recovery: Recovery,
        replaySeconds: Double
    ) {
        self.state = state
        self.journal = journal
        self.checkpointer = checkpointer
        replayed = (recovery.replayedHits, replaySeconds)
        lost = (
            recovery.losses.reduce(0) { $0 + UInt64($1.frames.count) },
            recovery.losses.reduce(0) { $0 + ($1.hits ?? 0) }
        )
    }

    /// What does not work as it should, a sentence each; empty while all is well.
    var degraded: [String] {
        var sentences: [String] = []
        let journal = journal.status
        if let failure = journal.failure {
            sentences.append("\(failure); \(journal.heldBytes) bytes of counts are held in memory")
        } else if let refusal = journal.refusal, Clocks.steady - refusal.at < Self.refusalMilliseconds {
            sentences.append("\(refusal.failure); what was asked for over HTTP was refused")
        } else if let failure = journal.spareFailure {
            sentences.append("\(failure); the journal goes on until its segment is full")
        }
        if let failure = journal.syncFailure {
            sentences.append("\(failure); counts since the last checkpoint would not survive a power cut")
        }
        if let since = journal.unsyncedSince, Clocks.steady - since > Self.syncMax {
            sentences.append("the disk has taken \((Clocks.steady - since) / 1000) s to sync the journal")
        }
        let checkpoint = checkpointer.status
        if let failure = checkpoint.failure { sentences.append("no checkpoint: \(failure)") }
        if let failure = checkpoint.logFailure {
            sentences.append("the database's log is not emptied, does somebody read for long? \(failure)")
        }
        if let since = checkpoint.runningSince, Clocks.steady - since > Self.checkpointRunMax {
            sentences.append("a checkpoint has been waiting for the disk for \((Clocks.steady - since) / 1000) s")
        }
        return sentences
    }

    /// The same where the numbers are shown, and what will not work before long.
    var warnings: [Warning] {
        var sentences = degraded
        if let free = freeBytes, free < UInt64(state.journalCapBytes) {
            sentences.append(
                "\(free >> 20) MiB are free in \(state.directory), less than the journal may need; make room or lower "
                    + "journal_cap in [state]")
        }
        return sentences.map { Warning(.disk, $0) }
    }

    /// Room on the disk for those who are not root; nil where it does not say.
    private var freeBytes: UInt64? {
        var room = statvfs()
        guard unsafe statvfs(state.directory, &room) == 0 else { return nil }
        return UInt64(room.f_bavail) * UInt64(room.f_frsize)
    }

    /// One line for people: what is amiss, else who is online and what has been counted.
    func summary(of report: Report) -> String {
        guard degraded.isEmpty else { return "degraded: " + degraded.joined(separator: "; ") }
        let online = report.sites.reduce(0) { $0 + $1.online }
        let visits = report.sites.reduce(Int128(0)) { $0 + Int128($1.totalVisits) }
        return "\(grouped(online)) online · \(grouped(visits)) visits · \(grouped(report.sites.count)) sites"
    }

    func numbers(longestPauseNanoseconds: Int64) -> DurabilityNumbers {
        let journal = journal.status
        let checkpoint = checkpointer.status
        var numbers = DurabilityNumbers()
        numbers.journalWrittenBytes = journal.writtenBytes
        numbers.journalUnsyncedBytes = journal.unsyncedBytes
        numbers.journalHeldBytes = journal.heldBytes
        numbers.journalBytes = journal.bytes
        numbers.journalSyncSeconds = journal.syncSeconds
        numbers.checkpointLastSuccess = checkpoint.lastSuccess.map { Moment(milliseconds: $0) }
        numbers.checkpointSeconds = checkpoint.seconds
        numbers.checkpointPauseSeconds = Double(longestPauseNanoseconds) / 1e9
        numbers.checkpointFailures = checkpoint.failures
        numbers.replayedRecords = replayed.hits
        numbers.replaySeconds = replayed.seconds
        numbers.lostFrames = lost.frames
        numbers.lostHits = lost.hits
        return numbers
    }
}

/// Tells the log and the supervisor when the health changes; what goes on for long is in the metrics.
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

    /// A sentence without its numbers, which change all the time.
    private static func kind(_ sentence: String) -> String { sentence.filter { !$0.isNumber } }
}
