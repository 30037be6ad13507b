import Counting
import Foundation
import Synchronization
import Testing
import Web

@Suite("What Prometheus reads")
struct MetricsTests {
    /// Every family with its kind: dashboards and alerts hold on to these names.
    static let families: [String: String] = [
        "site_online_visitors": "gauge", "site_visits_total": "counter", "site_views_total": "counter",
        "site_bots_total": "counter", "site_start_visits": "gauge",
        "ingest_datagrams_total": "counter", "ingest_bytes_total": "counter", "ingest_records_total": "counter",
        "ingest_kernel_drops_total": "counter", "ingest_rejected_datagrams_total": "counter",
        "ingest_rejected_beacons_total": "counter", "ingest_duplicates_total": "counter",
        "tracked_visitors": "gauge", "untracked_visitors_total": "counter", "clock_steps_total": "counter",
        "journal_written_bytes_total": "counter", "journal_unsynced_bytes": "gauge", "journal_held_bytes": "gauge",
        "journal_bytes": "gauge", "live_clients": "gauge", "live_clients_cut_total": "counter",
        "journal_sync_duration_seconds": "gauge",
        "checkpoint_last_success_timestamp_seconds": "gauge", "checkpoint_duration_seconds": "gauge",
        "checkpoint_pause_seconds": "gauge", "checkpoint_failures_total": "counter",
        "replay_records": "gauge", "replay_duration_seconds": "gauge", "lost_frames": "gauge", "lost_hits": "gauge",
        "degraded": "gauge", "build_info": "gauge", "site_warnings": "gauge", "warnings": "gauge",
        "ingest_batch_datagrams": "histogram", "ingest_delay_seconds": "histogram", "socket_queue_bytes": "gauge",
        "http_requests_total": "counter", "http_request_duration_seconds": "histogram", "http_connections": "gauge",
        "http_refused_connections_total": "counter", "config_last_reload_successful": "gauge",
    ]

    @Test("every family has its help and its type once, even before it has a number")
    func everyFamily() async throws {
        for report in [knownReport, emptyReport] {
            try await withServer(backend: TestBackend(report: { report })) { server async throws in
                #expect(try await server.scrape().kinds == Self.families)
            }
        }
    }

    @Test("the text names its format, and no cache keeps it")
    func form() async throws {
        try await withServer { server async throws in
            let response = try await server.ask("/metrics", local: true)
            #expect(response.fields["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
            #expect(response.fields["cache-control"] == "no-store")
            #expect(response.fields["access-control-allow-origin"] == nil)
        }
    }

    @Test("a site's numbers are what was counted, without its baseline")
    func sites() async throws {
        try await withServer { server async throws in
            let scrape = try await server.scrape()
            for (name, portal, shop) in [
                ("site_online_visitors", "2", "0"), ("site_visits_total", "2", "0"), ("site_views_total", "3", "0"),
                ("site_bots_total", "1", "0"), ("site_start_visits", "50000", "0"),
            ] {
                #expect(scrape[#"\#(name){site="portal"}"#] == portal, "\(name)")
                #expect(scrape[#"\#(name){site="shop"}"#] == shop, "\(name)")
            }
        }
    }

    @Test("what came in is counted by what became of it, and refusals by their reason")
    func ingest() async throws {
        try await withServer(backend: TestBackend(report: { talliedReport })) { server async throws in
            let scrape = try await server.scrape()
            let counters: [(String, Counter)] = [
                (#"ingest_datagrams_total{listener="",format="read"}"#, .parsedDatagrams),
                ("ingest_bytes_total", .bytes), ("ingest_records_total", .records),
                (#"ingest_kernel_drops_total{listener=""}"#, .kernelDrops),
                ("ingest_duplicates_total", .duplicates), ("untracked_visitors_total", .untracked),
            ]
            for (name, counter) in counters { #expect(scrape[name] == "\(1000 + Int(counter.rawValue))", "\(name)") }
            #expect(scrape["tracked_visitors"] == "1")
            #expect(scrape["clock_steps_total"] == "\(3000 + 15 + 16 + 17)")
            for reason in DatagramRejection.allCases {
                let series = #"ingest_rejected_datagrams_total{reason="\#(reason.rawValue)"}"#
                #expect(scrape[series] == "\(1000 + Int(reason.counter.rawValue))", "\(series)")
            }
            for reason in BeaconRejection.allCases {
                let series = #"ingest_rejected_beacons_total{reason="\#(reason.rawValue)"}"#
                #expect(scrape[series] == "\(1000 + Int(reason.counter.rawValue))", "\(series)")
            }
        }
    }

    @Test("each socket has its own numbers, and the first includes those of earlier processes")
    func listeners() async throws {
        var report = talliedReport
        let (parsed, all) = (1000 + Int(Counter.parsedDatagrams.rawValue), 1000 + Int(Counter.datagrams.rawValue))
        let names = ["127.0.0.1:7373", "[::1]:7373"]
        report.ingest.listeners = names.map { IngestNumbers.Listener(name: $0) }
        report.ingest.listeners[0].datagrams = 10
        report.ingest.listeners[1].datagrams = 7
        report.ingest.listeners[1].parsed = 5
        report.ingest.listeners[1].drops = 3
        report.ingest.listeners[1].queuedBytes = 4096
        report.ingest.batches.add(1)
        report.ingest.batches.add(64)
        report.ingest.delays.add(0.00015)
        try await withServer(backend: TestBackend(report: { [report] in report })) { server async throws in
            let scrape = try await server.scrape()
            func number(_ family: String, _ listener: String, _ more: String = "") -> Int? {
                scrape["\(family){listener=\"\(listener)\"\(more)}"].flatMap { Int($0) }
            }
            #expect(number("ingest_datagrams_total", names[1], ",format=\"read\"") == 5)
            #expect(number("ingest_datagrams_total", names[1], ",format=\"refused\"") == 2)
            #expect(number("ingest_datagrams_total", names[0], ",format=\"read\"") == parsed - 5)
            #expect(number("ingest_kernel_drops_total", names[1]) == 3)
            #expect(number("ingest_kernel_drops_total", names[0]) == 1000 + Int(Counter.kernelDrops.rawValue) - 3)
            #expect(number("socket_queue_bytes", names[1]) == 4096)
            #expect(parsed > all, "these numbers are made up, and nothing traps over it")
            for (series, number) in [
                (#"ingest_batch_datagrams_bucket{le="1.0"}"#, "1"),
                (#"ingest_batch_datagrams_bucket{le="63.0"}"#, "1"),
                (#"ingest_batch_datagrams_bucket{le="+Inf"}"#, "2"), ("ingest_batch_datagrams_sum", "65.0"),
                ("ingest_batch_datagrams_count", "2"), (#"ingest_delay_seconds_bucket{le="0.0002"}"#, "1"),
                (#"ingest_delay_seconds_bucket{le="0.0001"}"#, "0"),
            ] {
                #expect(scrape[series] == number, "\(series)")
            }
        }
    }

    @Test("responses are counted by route and status, also those of refused requests and unknown paths")
    func requests() async throws {
        try await withServer { server async throws in
            _ = try await server.ask("/api/v1/sites/portal")
            _ = try await server.ask("/api/v1/sites/portal")
            _ = try await server.ask("/api/v1/sites/<nobody>\"")
            _ = try await server.ask("/nowhere/\(UInt64.random(in: 0...9))")
            _ = try await server.ask("/api/v1/sites", ["Authorization: Bearer wrong"])
            _ = try await server.ask("/healthz", host: "elsewhere.example")
            _ = try await server.ask("POST", "/healthz")
            let scrape = try await server.scrape()
            for (route, code, count) in [
                ("/api/v1/sites/{site}", 200, 2), ("/api/v1/sites/{site}", 404, 1), ("other", 404, 1),
                ("/api/v1/sites", 401, 1), ("/healthz", 421, 1), ("/healthz", 405, 1),
            ] {
                let series = #"http_requests_total{route="\#(route)",code="\#(code)"}"#
                #expect(scrape[series] == "\(count)", "\(series)")
            }
            #expect(scrape["http_request_duration_seconds_count"] == "7")
        }
    }

    @Test("warnings are numbers as well, of a site and of all")
    func warnings() async throws {
        var report = knownReport
        report.siteWarnings = ["portal": [Warning(.twoDoors, "…")]]
        report.warnings = [Warning(.clock, "…")]
        let backend = TestBackend(report: { [report] in report }) { answers in
            answers.warnings = { [Warning(.disk, "…")] }
            answers.lastReloadSucceeded = { false }
        }
        try await withServer(backend: backend) { server async throws in
            let scrape = try await server.scrape()
            #expect(scrape[#"site_warnings{site="portal",code="two_doors"}"#] == "1")
            #expect(scrape[#"warnings{code="clock"}"#] == "1" && scrape[#"warnings{code="disk"}"#] == "1")
            #expect(scrape[#"warnings{code="kernel_drops"}"#] == "0")
            #expect(scrape["config_last_reload_successful"] == "0")
            let site = try await server.ask("/api/v1/sites/portal", local: true).body
            #expect(
                site.hasSuffix(
                    #""warnings":[{"code":"two_doors","detail":"…"},{"code":"clock","detail":"…"},{"code":"disk","detail":"…"}]}"#
                ))
            let shop = try await server.ask("/api/v1/sites/shop", local: true).body
            #expect(shop.contains("clock") && !shop.contains("two_doors"))
            let page = try await server.ask("/", local: true).body
            #expect(page.contains("portal: …"))
        }
    }

    @Test("every reason of refusal has a series before anything was refused")
    func reasons() async throws {
        try await withServer { server async throws in
            let scrape = try await server.scrape()
            let rejected = scrape.series.filter { $0.contains("reason=") }
            #expect(rejected.count == DatagramRejection.allCases.count + BeaconRejection.allCases.count)
            #expect(rejected.allSatisfy { scrape[$0] == "0" })
        }
    }

    @Test("durability has numbers in bytes, seconds and counts")
    func durability() async throws {
        var numbers = DurabilityNumbers()
        numbers.journal.writtenBytes = .max
        numbers.journal.unsyncedBytes = 2
        numbers.journal.bufferedBytes = 3
        numbers.journal.bytes = 4
        numbers.journal.syncSeconds = 0.0005
        numbers.checkpoints.lastSuccess = Moment(milliseconds: 1_795_417_200_250)
        numbers.checkpoints.seconds = 0.75
        numbers.checkpoints.longestPauseSeconds = 0.00001
        numbers.checkpoints.failures = 9
        numbers.recovery.replayedRecords = 10
        numbers.recovery.seconds = 1.5
        numbers.recovery.lostFrames = 12
        numbers.recovery.lostHits = 13
        let backend = TestBackend(report: { knownReport }) { answers in
            answers.durability = { [numbers] in numbers }
            answers.version = "1.2.3"
        }
        try await withServer(backend: backend) { server async throws in
            let scrape = try await server.scrape()
            for (name, number) in [
                ("journal_written_bytes_total", "18446744073709551615"), ("journal_unsynced_bytes", "2"),
                ("journal_held_bytes", "3"), ("journal_bytes", "4"), ("journal_sync_duration_seconds", "0.0005"),
                ("checkpoint_last_success_timestamp_seconds", "1795417200.25"),
                ("checkpoint_duration_seconds", "0.75"), ("checkpoint_pause_seconds", "1e-05"),
                ("checkpoint_failures_total", "9"), ("replay_records", "10"), ("replay_duration_seconds", "1.5"),
                ("lost_frames", "12"), ("lost_hits", "13"), (#"build_info{version="1.2.3"}"#, "1"),
            ] {
                #expect(scrape[name] == number, "\(name)")
            }
        }
    }

    @Test("a checkpoint that never was has no time")
    func noCheckpoint() async throws {
        try await withServer { server async throws in
            let scrape = try await server.scrape()
            #expect(scrape.series.allSatisfy { !$0.hasPrefix("checkpoint_last_success") })
            #expect(scrape["journal_bytes"] == "0" && scrape["checkpoint_duration_seconds"] == "0.0")
        }
    }

    @Test("a number that is not finite is written as Prometheus reads it")
    func notFinite() async throws {
        var numbers = DurabilityNumbers()
        numbers.journal.syncSeconds = .nan
        numbers.checkpoints.seconds = .infinity
        numbers.checkpoints.longestPauseSeconds = -.infinity
        let backend = TestBackend(report: { knownReport }) { $0.durability = { [numbers] in numbers } }
        try await withServer(backend: backend) { server async throws in
            let scrape = try await server.scrape()
            #expect(scrape["journal_sync_duration_seconds"] == "NaN")
            #expect(scrape["checkpoint_duration_seconds"] == "+Inf")
            #expect(scrape["checkpoint_pause_seconds"] == "-Inf")
        }
    }

    @Test("being degraded is a number")
    func degraded() async throws {
        let reasons = Mutex<[String]>([])
        let backend = TestBackend(report: { knownReport }) { $0.degraded = { reasons.withLock { $0 } } }
        try await withServer(backend: backend) { server async throws in
            #expect(try await server.scrape()["degraded"] == "0")
            reasons.withLock { $0 = ["journal: disk full", "checkpoint: 40 s old"] }
            #expect(try await server.scrape()["degraded"] == "1")
        }
    }

    @Test("all numbers of a scrape are of one report")
    func oneReport() async throws {
        let asked = Atomic<Int>(0)
        let backend = TestBackend(report: {
            asked.add(1, ordering: .relaxed)
            return knownReport
        })
        try await withServer(backend: backend) { server async throws in
            _ = try await server.scrape()
            #expect(asked.load(ordering: .relaxed) == 1)
        }
    }

    @Test(
        "a stranger is refused in the same way as on the list of sites",
        arguments: [
            nil, "X-Forwarded-For: 192.0.2.1", "Origin: http://evil.example", "Sec-Fetch-Site: cross-site",
        ])
    func strangers(field: String?) async throws {
        // Without the field the machine's own address is not enough; with it, not even where it otherwise would be.
        let configuration = WebConfiguration(localAdmin: field != nil, limits: .patient)
        try await withServer(configuration) { server async throws in
            let fields = field.map { [$0] } ?? []
            let refused = try await server.ask("/metrics", fields)
            let list = try await server.ask("/api/v1/sites", fields)
            #expect(refused.status == 401 && refused.status == list.status)
            for name in ["www-authenticate", "content-type", "cache-control"] {
                #expect(refused.fields[name] == list.fields[name], "\(name)")
            }
            #expect(try refused.problem.contains("http://localhost/metrics"))
            #expect(!refused.body.contains("portal"))
            #expect(try await server.ask("/metrics", local: true, fields).status == 200)
        }
    }

    @Test("the owner on the machine itself reads them if the settings allow it")
    func localAdmin() async throws {
        try await withServer(WebConfiguration(localAdmin: true, limits: .patient)) { server async throws in
            #expect(try await server.ask("/metrics").status == 200)
        }
    }
}
