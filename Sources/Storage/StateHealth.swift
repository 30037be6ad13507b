public import Counting
import Platform

/// How durable the counts are, in sentences for people.
public struct StateHealth: Sendable {
    private let journal: Journal
    private let checkpointer: Checkpointer
    private let directory: String
    private let journalCapBytes: Int

    /// A power cut must not cost more than a second.
    private static let syncMillisecondsMax: Int64 = 1000
    /// A checkpoint that has run for longer waits for a disk that does not respond.
    private static let checkpointMillisecondsMax: Int64 = 60_000
    /// How long a refusal is reported: nothing retries it by itself.
    private static let refusalMilliseconds: Int64 = 30_000

    /// The health of a journal with a cap of `journalCapBytes`, and of the checkpoints in `directory`.
    public init(_ journal: Journal, _ checkpointer: Checkpointer, directory: String, journalCapBytes: Int) {
        self.journal = journal
        self.checkpointer = checkpointer
        self.directory = directory
        self.journalCapBytes = journalCapBytes
    }

    /// What does not work, one sentence each; empty if all is well.
    public var degraded: [String] {
        let now = Clocks.steady
        return Self.sentences(of: journal.status, at: now) + Self.sentences(of: checkpointer.status, at: now)
    }

    /// The same as warnings for the numbers, and what will soon fail.
    public var warnings: [Warning] {
        var sentences = degraded
        if let free = DiskSpace(at: directory)?.freeBytes, free < UInt64(journalCapBytes) {
            sentences.append(
                "\(free >> 20) MiB are free in \(directory), less than the journal may need; make room or lower "
                    + "journal_cap in [state]")
        }
        return sentences.map { Warning(.disk, $0) }
    }

    private static func sentences(of journal: Journal.Status, at now: Int64) -> [String] {
        var sentences: [String] = []
        if let failure = journal.failure {
            sentences.append("\(failure); \(journal.numbers.bufferedBytes) bytes of counts are buffered in memory")
        } else if let refusal = journal.refusal, now - refusal.at < refusalMilliseconds {
            sentences.append("\(refusal.failure); a request over HTTP was refused")
        } else if let failure = journal.spareFailure {
            sentences.append("\(failure); the journal can continue until its segment is full")
        }
        if let failure = journal.syncFailure {
            sentences.append("\(failure); counts since the last checkpoint would not survive a power cut")
        }
        if let since = journal.unsyncedSince, now - since > syncMillisecondsMax {
            sentences.append("the disk has taken \((now - since) / 1000) s to sync the journal")
        }
        return sentences
    }

    private static func sentences(of checkpoint: Checkpointer.Status, at now: Int64) -> [String] {
        var sentences: [String] = []
        if let failure = checkpoint.failure { sentences.append("no checkpoint: \(failure)") }
        if let failure = checkpoint.logFailure {
            sentences.append("the database's log is not emptied (a long read may block it): \(failure)")
        }
        if let since = checkpoint.runningSince, now - since > checkpointMillisecondsMax {
            sentences.append("a checkpoint has been waiting for the disk for \((now - since) / 1000) s")
        }
        return sentences
    }
}
