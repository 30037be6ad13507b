import Counting
import NIOHTTP1
import Synchronization

/// `GET /metrics`: the metric families, and the source of each number. All numbers of a scrape come from one report.
struct MetricsRoutes: RouteGroup {
    let backend: any Backend
    let requests: RequestCounts
    let connections: WebConnections
    let feed: LiveFeed
    let labels: SiteLabels

    var routes: [Route] {
        [
            Route(.GET, "/metrics", .owner("The metrics are"), scrape) {
                RouteDescription(
                    "scrapeMetrics", .operations, "The metrics, for Prometheus",
                    "The text format 0.0.4. All numbers are from one report.",
                    isStable: true,
                    [
                        .text(
                            "The metrics.", type: "text/plain; version=0.0.4",
                            example: """
                                # HELP footfall_site_bots_total Hits of declared bots.\n# TYPE \
                                footfall_site_bots_total counter\nfootfall_site_bots_total{site="portal"} 77\n
                                """)
                    ])
            }
        ]
    }

    @Sendable private func scrape(_ request: HTTPRequest) throws(Problem) -> ResponseAction {
        .after { .fresh(text, type: Exposition.contentType) }
    }

    private var text: [UInt8] {
        var text = Exposition(prefix: "footfall_")
        let report = backend.report
        text.write(labels.sites(of: report), report.siteWarnings)
        text.write(report)
        text.write(report.ingest, report.counters)
        text.write(backend.durability)
        text.write(requests, connections)
        text.family("live_clients", .gauge, "Event streams that are open.", [.init(feed.count)])
        text.family(
            "live_clients_cut_total", .counter, "Event streams cut because their client did not read.",
            [.init(feed.cut)])
        let warnings = (report.warnings + backend.warnings).map(\.code)
        text.family(
            "warnings", .gauge, "1 for each kind of warning that concerns every site.",
            Warning.Code.allCases.filter(\.isAboutAll).map {
                .init(warnings.contains($0) ? 1 : 0, ("code", $0.rawValue))
            })
        text.family(
            "config_last_reload_successful", .gauge, "0 while the newest settings are refused and older ones in force.",
            [.init(backend.lastReloadSucceeded ? 1 : 0)])
        text.family(
            "degraded", .gauge, "1 while something does not work as it should; /readyz names it.",
            [.init(backend.degraded.isEmpty ? 0 : 1)])
        text.write(ProcessNumbers())
        text.family(
            "build_info", .gauge, "The version that runs; always 1.", [.init(1, ("version", backend.version))])
        return text.bytes
    }
}

extension Exposition {
    fileprivate mutating func write(_ sites: Sites, _ warnings: [String: [Warning]]) {
        family("site_online_visitors", .gauge, "Visitors online now.", sites.samples { $0.online })
        family(
            "site_visits_total", .counter, "Visits counted, without baseline and corrections.",
            sites.samples { $0.countedVisits })
        family(
            "site_views_total", .counter, "Views counted, without baseline and corrections.",
            sites.samples { $0.countedViews })
        family("site_bots_total", .counter, "Hits of declared bots.", sites.samples { $0.bots })
        family(
            "site_start_visits", .gauge, "The baseline: visits taken over from an older counter.",
            sites.samples { $0.baselineVisits }
        )
        // Sites that share a series have no warnings here.
        family(
            "site_warnings", .gauge, "1 for each warning about a site.",
            sites.labelled.flatMap { site in
                (warnings[site.name] ?? []).map { Sample(1, ("site", site.name), ("code", $0.code.rawValue)) }
            })
    }

    fileprivate mutating func write(_ report: Report) {
        func count(_ counters: Counter...) -> [Sample] { [Sample(counters.reduce(0) { $0 + report.counters[$1] })] }
        func reasons(_ reasons: [(name: String, counter: Counter)]) -> [Sample] {
            reasons.map { Sample(report.counters[$0.counter], ("reason", $0.name)) }
        }
        family("ingest_bytes_total", .counter, "Bytes of all datagrams delivered.", count(.bytes))
        family(
            "ingest_records_total", .counter,
            "Beacons and lines of logs found, those that came over HTTP and refused ones included.", count(.records))
        family(
            "ingest_rejected_datagrams_total", .counter, "Datagrams refused whole.",
            reasons(DatagramRejection.allCases.map { ($0.rawValue, $0.counter) }))
        family(
            "ingest_rejected_beacons_total", .counter, "Single beacons refused.",
            reasons(BeaconRejection.allCases.map { ($0.rawValue, $0.counter) }))
        family(
            "ingest_duplicates_total", .counter, "Views not counted because the same view came a moment before.",
            count(.duplicates))
        family(
            "tracked_visitors", .gauge, "Visitors of the last 30 minutes, all sites together.",
            [Sample(report.trackedVisitors)])
        family(
            "untracked_visitors_total", .counter, "Hits of newcomers who found the table of visitors full.",
            count(.untracked))
        family(
            "clock_steps_total", .counter, "Times the wall clock stepped back, leapt forward or started anew.",
            count(.clockStepsBack, .clockLeapsForward, .clockRestarts))
    }

    /// The first listener also has the counts of earlier processes, so that no restart resets the sums.
    fileprivate mutating func write(_ numbers: IngestNumbers, _ counters: Counters) {
        func listeners(_ total: Counter, _ number: (IngestNumbers.Listener) -> UInt64) -> [(
            name: String, count: UInt64
        )] {
            let others = numbers.listeners.dropFirst().map { (name: $0.name, count: number($0)) }
            let sum = others.reduce(0) { $0 + $1.count }
            let first = (name: numbers.listeners.first?.name ?? "", count: counters[total] - min(counters[total], sum))
            return [first] + others
        }
        let parsed = listeners(.parsedDatagrams, \.parsed)
        let all = listeners(.datagrams, \.datagrams)
        family(
            "ingest_datagrams_total", .counter,
            "Datagrams the kernel delivered: those that were read, as beacons or as lines of a log, and those refused whole.",
            zip(parsed, all).flatMap { parsed, all in
                [
                    Sample(parsed.count, ("listener", parsed.name), ("format", "read")),
                    Sample(all.count - min(all.count, parsed.count), ("listener", all.name), ("format", "refused")),
                ]
            })
        family(
            "ingest_kernel_drops_total", .counter, "Datagrams the kernel dropped because a socket's buffer was full.",
            listeners(.kernelDrops, \.drops).map { Sample($0.count, ("listener", $0.name)) })
        family("ingest_batch_datagrams", "Datagrams read at a time.", numbers.batches)
        family(
            "ingest_delay_seconds", "How long the first datagram of each batch waited after the kernel received it.",
            numbers.delays)
        family(
            "socket_queue_bytes", .gauge, "Bytes that wait in a socket, as the kernel counts them.",
            numbers.listeners.map { Sample($0.queuedBytes, ("listener", $0.name)) })
    }

    fileprivate mutating func write(_ requests: RequestCounts, _ connections: WebConnections) {
        family(
            "http_requests_total", .counter, "Requests answered, by route and status.",
            requests.counts.map { Sample($0.count, ("route", $0.route), ("code", "\($0.code)")) })
        family(
            "http_request_duration_seconds", "From a request's head to its answer.", requests.durations)
        family("http_connections", .gauge, "Connections open.", [Sample(connections.open)])
        family(
            "http_refused_connections_total", .counter, "Connections closed at once because too many were open.",
            [Sample(connections.refused)])
    }

    fileprivate mutating func write(_ process: ProcessNumbers) {
        let family = { (text: inout Exposition, name, kind, help, sample: Sample?) in
            text.family("process_" + name, kind, help, sample.map { [$0] } ?? [], isOurs: false)
        }
        family(&self, "cpu_seconds_total", .counter, "Processor time used.", process.cpuSeconds.map { Sample($0) })
        family(&self, "start_time_seconds", .gauge, "When the process began.", process.startTime.map { Sample($0) })
        family(&self, "resident_memory_bytes", .gauge, "Memory in use.", process.residentBytes.map { Sample($0) })
        family(&self, "virtual_memory_bytes", .gauge, "Memory mapped.", process.virtualBytes.map { Sample($0) })
        family(&self, "open_fds", .gauge, "Descriptors open.", process.openDescriptors.map { Sample($0) })
        family(&self, "max_fds", .gauge, "Descriptors that may be open.", process.maxDescriptors.map { Sample($0) })
    }

    fileprivate mutating func write(_ numbers: DurabilityNumbers) {
        family(
            "journal_written_bytes_total", .counter, "Bytes written to the journal since this process began.",
            [Sample(numbers.journal.writtenBytes)])
        family(
            "journal_unsynced_bytes", .gauge, "Bytes of the journal that a power cut would lose.",
            [Sample(numbers.journal.unsyncedBytes)])
        family(
            "journal_held_bytes", .gauge,
            "Bytes of frames that are buffered in memory because the journal accepts none.",
            [Sample(numbers.journal.bufferedBytes)])
        family("journal_bytes", .gauge, "Size of the journal on the disk.", [Sample(numbers.journal.bytes)])
        family(
            "journal_sync_duration_seconds", .gauge, "How long the journal's last fdatasync took.",
            [Sample(numbers.journal.syncSeconds)])
        family(
            "checkpoint_last_success_timestamp_seconds", .gauge, "When the newest checkpoint was complete.",
            numbers.checkpoints.lastSuccess.map { [Sample(Double($0.milliseconds) / 1000)] } ?? [])
        family(
            "checkpoint_duration_seconds", .gauge, "How long the last checkpoint took.",
            [Sample(numbers.checkpoints.seconds)])
        family(
            "checkpoint_pause_seconds", .gauge,
            "The longest a checkpoint has kept the counting thread busy since the start.",
            [Sample(numbers.checkpoints.longestPauseSeconds)])
        family(
            "checkpoint_failures_total", .counter, "Checkpoints that could not be saved.",
            [Sample(numbers.checkpoints.failures)])
        family(
            "replay_records", .gauge, "Records read from the journal at the start.",
            [Sample(numbers.recovery.replayedRecords)])
        family(
            "replay_duration_seconds", .gauge, "How long it took to read the state and the journal at the start.",
            [Sample(numbers.recovery.seconds)])
        family(
            "lost_frames", .gauge, "Frames of the journal found missing or damaged at the start.",
            [Sample(numbers.recovery.lostFrames)])
        family(
            "lost_hits", .gauge, "Hits lost with frames found missing or damaged at the start.",
            [Sample(numbers.recovery.lostHits)])
    }
}
