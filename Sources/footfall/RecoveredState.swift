import Counting
import History
import Ingest
import Logging
import Platform
import Settings
import Storage
import Wire

extension Settings {
    /// How the journal is kept.
    var journal: Journal.Configuration {
        Journal.Configuration(
            segmentBytes: state.segmentBytes, capBytes: state.journalCapBytes, heldBytesMax: limits.heldBytesMax,
            syncMilliseconds: state.syncMilliseconds)
    }
}

/// The state of the last process: opened, replayed, and ready to be written.
struct RecoveredState {
    private(set) var pipeline: IngestPipeline
    let ring: ReceiveRing
    let checkpointer: Checkpointer
    let health: Health
    let accessTokens: [AccessToken]
    /// The keys that sign beacons from other machines.
    let siteKeys: [SiteKey]
    let directory: StateDirectory
    let history: HistoryReader

    /// Reads the state, finishes what a killed process had begun, and serves the configured sites.
    init(_ settings: Settings, logger: Logger) throws {
        let begun = Clocks.steady
        var random = SystemRandomNumberGenerator()
        let seed = HashSeed(random.next(), random.next())
        let now = Moment(milliseconds: Clocks.wall)
        try ReceiveRing.refuseNewer(in: settings.state.runtime)
        directory = try StateDirectory(settings.state.directory)
        var recovery = try directory.recover(limits: settings.limits.counting, seed: seed, now: now)
        ring = try ReceiveRing(directory: settings.state.runtime, incarnation: recovery.incarnation)
        recovery.settle(armed: ring.armed)

        let (journal, checkpointer) = directory.begin(recovery, settings.journal) { error in
            logger.write(.unreliable, ["error": "\(error)"])
            Exit.now(Exit.unavailable)
        }
        self.checkpointer = checkpointer
        history = HistoryReader(settings.state.directory)
        // Recorded before anything is written, because the first checkpoint removes the evidence.
        Self.tell(recovery, checkpointer, now, logger)
        pipeline = IngestPipeline(
            recovery, journal: journal, rules: settings.admissionRules, calendar: LocalCalendar.day, salts: random,
            seed: seed, wall: Clocks.wall, steady: Clocks.steady)
        do throws(StorageError) {
            try pipeline.makeRoom(after: recovery, checkpointer)
        } catch {
            logger.write(.journalLong, ["error": "\(error)"])
        }
        siteKeys = try directory.siteKeys()
        let started = try pipeline.start(
            serving: settings.sites.map(\.profile), keys: siteKeys, ring: ring, checkpointer: checkpointer)
        guard started.areAllServed else {
            say("more sites than [limits] sites = \(settings.limits.counting.sites); raise it or remove some")
            throw Exit.configuration
        }
        health = Health(
            settings.state, journal, checkpointer, recovery, replaySeconds: Double(Clocks.steady - begun) / 1000)
        accessTokens = try directory.allTokens()
        if let warning = ring.warning {
            logger.write(
                .privateRing,
                ["reason": "\(warning)"])
        }
        if recovery.isNew {
            logger.write(.newState, ["incarnation": "\(recovery.incarnationName)"])
        } else {
            logger.write(
                .recovered,
                [
                    "replayed.frames": "\(recovery.replayedFrames)", "replayed.hits": "\(recovery.replayedHits)",
                    "unwritten.datagrams": "\(started.unwritten)", "losses": "\(recovery.losses.count)",
                ])
        }
    }

    /// Writes what is damaged or lost to the log and to the audit.
    private static func tell(
        _ recovery: Recovery, _ checkpointer: Checkpointer, _ now: Moment, _ logger: Logger
    ) {
        for name in recovery.quarantined {
            logger.write(.quarantined, ["file": "\(name)"])
            checkpointer.note("quarantine", name, at: now)
        }
        for loss in recovery.losses {
            logger.write(.lost, ["loss": "\(loss)"])
            checkpointer.note("loss", "\(loss)", at: now)
        }
    }
}
