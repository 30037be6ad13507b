public import Counting
import Dispatch
public import Storage
import Zones

/// Answers questions about the past from three sources at one moment: the tables, the rows that wait for a checkpoint, and
/// the quarter hour that is running.
///
/// Rows leave the engine in numbered batches, and the database knows its newest batch. So every row is in an answer exactly
/// once, even while a checkpoint runs.
public struct HistoryService: Sendable {
    private let reader: HistoryReader
    private let checkpointer: Checkpointer
    private let engine: any EngineReader

    /// Combines the tables with what `checkpointer` has not saved yet and with the running engine.
    public init(reader: HistoryReader, checkpointer: Checkpointer, engine: any EngineReader) {
        self.reader = reader
        self.checkpointer = checkpointer
        self.engine = engine
    }

    /// The history of a site in a range; `rows` are those that are not in `kept`.
    private struct Parts {
        var kept: KeptHistory
        var live: LiveHistory
        var rows: [HistoryRow]
    }

    /// A site's history in columns.
    public func series(_ query: SeriesQuery) async -> SeriesAnswer {
        let zone = LocalCalendar.zone(named: query.timezone)
        guard let pending = await pending(of: query.site) else { return .unavailable }
        let since = pending.live.since.second
        var beginning: Int64?
        if case .beginning? = query.from {
            let added = pending.rows.compactMap { row -> LocalDay? in
                if case .audit(let audit) = row, audit.site == query.site { audit.day } else { nil }
            }
            let kept = await read { reader throws(StorageError) in try reader.beginning(of: query.site) }
            guard let kept else { return .unavailable }
            let first = (added + [kept].compactMap { $0 }).min()
            beginning = max(0, zone.day(at: min(since, first.map { Int64($0.number) * 86_400 } ?? since)).begins)
        }
        let range = SeriesRange(query, in: zone, now: pending.live.asOf.second, beginning: beginning)
        guard let range else { return .empty }
        // The whole history may always be asked for.
        guard range.bucketsMax <= Series.countMax || beginning != nil else { return .tooLong }
        let (bounds, step) = (range.bounds, range.step)
        let isOfDays = step == .day || step == .month
        let days = isOfDays ? zone.days(from: bounds[0], to: bounds[bounds.count - 1] - 1) : []
        guard let parts = await parts(query.site, bounds[0]..<bounds[bounds.count - 1]) else { return .unavailable }
        var series = Series(bounds: bounds)
        do throws(MalformedBytes) {
            for day in parts.kept.days { try series.add(day: day.day, packed: day.hours) }
        } catch {
            return .unavailable
        }
        Self.add(parts, of: query.site, since: since, to: &series)
        if isOfDays { Self.addDays(parts, of: query.site, days, to: &series) }
        let labels = step == .day ? days.map { LocalDay(number: $0.number) } : []
        return .series(series, step: step, days: labels, asOf: parts.live.asOf)
    }

    /// The rankings of a local day; empty if none are kept, nil if the disk cannot be read.
    public func rankings(_ site: SiteIndex, _ day: LocalDay) async -> (pages: Top, referrers: Top)? {
        let today: (day: LocalDay, pages: Top, referrers: Top)? = await engine.read { engine in
            (
                engine.rollover(of: site).day, engine.topPages(of: site, rows: .max),
                engine.topReferrers(of: site, rows: .max)
            )
        }
        guard let today else { return nil }
        if day == today.day { return (today.pages, today.referrers) }
        guard let pending = await pending(of: site) else { return nil }
        // A day that ended a moment ago may not be in the tables yet.
        for case .day(site, let closed) in pending.rows.reversed() where closed.day == day {
            return (closed.pages, closed.referrers)
        }
        let kept = await read { reader throws(StorageError) in try reader.rankings(of: site, on: day) }
        let none = Top(rows: [], other: 0, isApproximate: false)
        return kept.map { $0 ?? (none, none) }
    }

    // MARK: One moment

    /// The rows that may not be in the tables yet, each with its batch, and the newest batch; nil if nobody counts any more.
    private func pending(of site: SiteIndex) async -> (
        live: LiveHistory, rows: [HistoryRow], newest: UInt64, batches: [UInt64]
    )? {
        await engine.read { [checkpointer] engine in
            let live = engine.live(of: site)
            let pending = checkpointer.pendingRows
            return (
                live, pending.batches.flatMap(\.rows) + live.rows, pending.newest,
                pending.batches.flatMap { batch in batch.rows.map { _ in batch.number } } + live.rows.map { _ in .max }
            )
        }
    }

    /// Tables and memory at one moment. Both are read again if a checkpoint saved a newer batch in between.
    private func parts(_ site: SiteIndex, _ range: Range<Int64>) async -> Parts? {
        for _ in 0..<10 {
            guard let pending = await pending(of: site) else { return nil }
            let days = range.lowerBound / 86_400...(range.upperBound - 1) / 86_400
            let kept = await read { reader throws(StorageError) in try reader.history(of: site, days: days) }
            guard let kept else { return nil }
            guard kept.batch <= pending.newest else { continue }
            let rows = zip(pending.rows, pending.batches).filter { $0.1 > kept.batch }.map(\.0)
            return Parts(kept: kept, live: pending.live, rows: rows)
        }
        return nil
    }

    private static let disk = DispatchQueue(label: "footfall.history")

    /// Reads the tables on a queue that may block, one reader at a time; nil if the disk cannot be read.
    private func read<T: Sendable>(
        _ body: @escaping @Sendable (HistoryReader) throws(StorageError) -> T
    ) async -> T? {
        await withCheckedContinuation { continuation in
            Self.disk.async {
                do throws(StorageError) {
                    continuation.resume(returning: try body(reader))
                } catch {
                    continuation.resume(returning: nil)
                }
            }
        }
    }

    // MARK: Columns

    private static func add(_ parts: Parts, of site: SiteIndex, since: Int64, to series: inout Series) {
        // A site's quarter hours may be older than the site: they were restored from elsewhere, with their uptime.
        let since = min(since, parts.kept.firstSecond ?? since)
        for up in parts.kept.uptime { series.addUptime(from: max(up.from.second, since), to: up.to.second + 1) }
        for row in parts.rows {
            switch row {
            case .quarter(site, let quarter): series.add(quarter)
            case .uptime(let from, let to): series.addUptime(from: max(from.second, since), to: to.second + 1)
            default: break
            }
        }
        series.add(parts.live.quarter)
        if let up = parts.live.upSince { series.addUptime(from: max(up.second, since), to: parts.live.asOf.second + 1) }
    }

    /// Adds what belongs to local days: corrections and unique visitors.
    private static func addDays(_ parts: Parts, of site: SiteIndex, _ days: [Zone.Day], to series: inout Series) {
        let begins = Dictionary(days.map { ($0.number, $0.begins) }) { first, _ in first }
        for correction in parts.kept.corrections {
            if let second = begins[correction.day.number] {
                series.correct(at: second, visits: correction.visits, views: correction.views)
            }
        }
        for (day, count) in parts.kept.visitors {
            if let second = begins[day.number] { series.addVisitors(at: second, count) }
        }
        for row in parts.rows {
            switch row {
            case .day(site, let closed):
                if let second = begins[closed.day.number] { series.addVisitors(at: second, closed.visitors) }
            case .audit(let audit) where audit.site == site && audit.kind == .correction:
                if let second = audit.day.flatMap({ begins[$0.number] }) {
                    series.correct(at: second, visits: audit.visits, views: audit.views)
                }
            default: break
            }
        }
        if let second = begins[parts.live.day.number] { series.addVisitors(at: second, parts.live.visitors) }
    }
}

/// The owner of the engine, who lets others read it.
public protocol EngineReader: Sendable {
    /// Calls `body` with the counts at one moment; nil if nobody counts any more.
    func read<T: Sendable>(_ body: @escaping @Sendable (Engine) -> T) async -> T?
}
