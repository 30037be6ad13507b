import Counting
import NIOHTTP1

/// `GET /api/v1/status`: how the daemon itself does, all of one report.
struct Status: Sendable {
    let state: WebState

    @Sendable func show(_ request: Request) throws(Problem) -> Reply {
        try request.requireOwner("How the daemon does is", at: "/api/v1/status")
        let report = state.report()
        let durability = state.durability()
        func count(_ tally: Tally) -> JSON { JSON(report.tallies[tally]) }
        func reasons(_ reasons: [(name: String, tally: Tally)]) -> JSON {
            var object: JSONObject = [:]
            for reason in reasons { object.append(reason.name, count(reason.tally)) }
            return .object(object)
        }
        let warnings = (report.warnings + state.warnings()).map {
            JSON.object(["code": JSON($0.code.rawValue), "detail": JSON($0.detail)])
        }
        return .now(
            .json([
                "as_of": JSON(report.asOf.rfc3339), "version": JSON(state.version),
                "degraded": .array(state.degraded().map { JSON($0) }), "warnings": .array(warnings),
                "ingest": .object([
                    "datagrams": count(.datagrams), "records": count(.records), "views": count(.views),
                    "pings": count(.pings), "duplicates": count(.duplicates), "bots": count(.bots),
                    "kernel_drops": count(.kernelDrops), "tracked_visitors": JSON(report.trackedVisitors),
                    "untracked_visitors": count(.untracked),
                    "rejected_datagrams": reasons(DatagramRejection.allCases.map { ($0.rawValue, $0.tally) }),
                    "rejected_beacons": reasons(BeaconRejection.allCases.map { ($0.rawValue, $0.tally) }),
                ]),
                "durability": .object([
                    "journal_bytes": JSON(durability.journalBytes),
                    "journal_unsynced_bytes": JSON(durability.journalUnsyncedBytes),
                    "journal_held_bytes": JSON(durability.journalHeldBytes),
                    "checkpoint_last_success": durability.checkpointLastSuccess.map { JSON($0.rfc3339) } ?? .null,
                    "checkpoint_failures": JSON(durability.checkpointFailures), "lost_hits": JSON(durability.lostHits),
                ]),
            ]))
    }
}
