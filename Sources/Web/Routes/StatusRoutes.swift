import Counting
import NIOHTTP1

/// The state of the daemon itself, all from one report.
struct StatusRoutes: RouteGroup {
    let backend: any Backend

    var routes: [Route] {
        [
            Route(.GET, "/api/v1/status", .owner("The state of the daemon is"), status) {
                RouteDescription(
                    "getStatus", .operations, "The state of the daemon itself",
                    "What came in, and how safely it is stored. All numbers are from one report.",
                    [
                        .json("The status.", "Status")
                    ])
            },
            Route(.GET, "/healthz", .anybody, { _ in .now(.fresh("ok".utf8, type: "text/plain")) }) {
                RouteDescription(
                    "isAlive", .operations, "Whether the daemon is alive",
                    "For programs that restart it if it is not.",
                    isStable: true,
                    [
                        ResponseDescription("It is.", type: "text/plain", ["type": "string", "const": "ok"])
                    ])
            },
            Route(.GET, "/readyz", .anybody, ready) {
                RouteDescription(
                    "isReady", .operations, "Whether the daemon does everything it should",
                    """
                    The replay is done, the journal accepts counts, and the checkpoints are recent. A 503 is no \
                    reason to restart the daemon.
                    """,
                    isStable: true,
                    [
                        ResponseDescription("It does.", type: "text/plain", ["type": "string", "const": "ready"]),
                        .problem(503, "It does not. The detail says what is degraded."),
                    ])
            },
        ]
    }

    @Sendable private func status(_ request: HTTPRequest) throws(Problem) -> ResponseAction {
        let report = backend.report
        let durability = backend.durability
        func count(_ counter: Counter) -> JSON { JSON(report.counters[counter]) }
        func reasons(_ reasons: [(name: String, counter: Counter)]) -> JSON {
            var object: JSONObject = [:]
            for reason in reasons { object.append(reason.name, count(reason.counter)) }
            return .object(object)
        }
        let warnings = (report.warnings + backend.warnings).map {
            JSON.object(["code": JSON($0.code.rawValue), "detail": JSON($0.detail)])
        }
        return .now(
            .json([
                "as_of": JSON(report.asOf.rfc3339), "version": JSON(backend.version),
                "degraded": .array(backend.degraded.map { JSON($0) }), "warnings": .array(warnings),
                "ingest": .object([
                    "datagrams": count(.datagrams), "records": count(.records), "views": count(.views),
                    "pings": count(.pings), "duplicates": count(.duplicates), "bots": count(.bots),
                    "kernel_drops": count(.kernelDrops), "tracked_visitors": JSON(report.trackedVisitors),
                    "untracked_visitors": count(.untracked),
                    "rejected_datagrams": reasons(DatagramRejection.allCases.map { ($0.rawValue, $0.counter) }),
                    "rejected_beacons": reasons(BeaconRejection.allCases.map { ($0.rawValue, $0.counter) }),
                ]),
                "durability": .object([
                    "journal_bytes": JSON(durability.journal.bytes),
                    "journal_unsynced_bytes": JSON(durability.journal.unsyncedBytes),
                    "journal_held_bytes": JSON(durability.journal.bufferedBytes),
                    "checkpoint_last_success": durability.checkpoints.lastSuccess.map { JSON($0.rfc3339) } ?? .null,
                    "checkpoint_failures": JSON(durability.checkpoints.failures),
                    "lost_hits": JSON(durability.recovery.lostHits),
                ]),
            ]))
    }

    @Sendable private func ready(_ request: HTTPRequest) throws(Problem) -> ResponseAction {
        let degraded = backend.degraded
        guard degraded.isEmpty else {
            throw Problem(.serviceUnavailable, "Degraded: \(degraded.joined(separator: "; ")).")
        }
        return .now(.fresh("ready".utf8, type: "text/plain"))
    }
}
