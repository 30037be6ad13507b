import Counting
import Foundation
import History
import Storage
import Synchronization
import Testing

/// One site, counted and kept as the daemon does it. Its clock is moved by hand.
final class CountedSite: EngineReader {
    let site = SiteIndex(0)
    let timezone: String
    private let path: String
    private let engine: Mutex<Engine>
    private let checkpointer: Checkpointer
    private let isOver = Mutex(false)

    init(_ timezone: String = "UTC", at second: Int64) throws {
        self.timezone = timezone
        path = FileManager.default.temporaryDirectory.appending(path: "footfall-test-\(UUID())").path
        let now = Moment(second: second)
        let directory = try StateDirectory(path)
        let recovery = try directory.recover(limits: Limits(), seed: HashSeed(1, 2), now: now)
        let configuration = Journal.Configuration(
            segmentBytes: 1 << 20, capBytes: 16 << 20, heldBytesMax: 1 << 20, syncMilliseconds: 50)
        (_, checkpointer) = directory.begin(recovery, configuration) { Issue.record("gave up: \($0)") }
        engine = Mutex(recovery.engine)
        let day = LocalCalendar.day(in: timezone, at: now)
        try count(
            .up(now),
            .site(
                site, SiteSettings(name: "demo", timezone: timezone),
                DayRollover(day: day.day, begins: day.begins, salt: 1),
                at: now))
    }

    var history: HistoryService {
        HistoryService(reader: HistoryReader(path), checkpointer: checkpointer, engine: self)
    }

    func read<T: Sendable>(_ body: @escaping @Sendable (Engine) -> T) async -> T? {
        isOver.withLock { $0 } ? nil : engine.withLock { body($0) }
    }

    // MARK: What happens

    func count(_ records: Record...) throws {
        var frame = Frame()
        for record in records { frame.append(record) }
        try count(frame)
    }

    /// Views by so many visitors who were never here before, at one second.
    func view(_ path: String = "/", at second: Int64, visitors: Range<UInt64>) throws {
        var frame = Frame()
        let path = Array(path.utf8)
        let none: [UInt8] = []
        for visitor in visitors {
            frame.append(
                Hit(
                    site: site, moment: Moment(second: second), kind: .view, source: .beacon, isBot: false,
                    visitor: (visitor + 1) << 20, previousVisitorKey: 0, path: path.span, origin: .direct,
                    referrer: none.span))
        }
        try count(frame)
    }

    /// The day of the site that a second lies in begins.
    func rollOver(at second: Int64) throws {
        let day = LocalCalendar.day(in: timezone, at: Moment(second: second))
        try count(.rollover(site, DayRollover(day: day.day, begins: day.begins, salt: 1)))
    }

    func pass(to second: Int64) { engine.withLock { $0.advance(to: Moment(second: second)) } }

    private func count(_ frame: Frame) throws {
        let bytes = frame.bytes
        checkpointer.journal.append(bytes.span, hits: frame.hits)
        try engine.withLock { try $0.apply(bytes.span) }
    }

    /// Nobody counts any more.
    func end() { isOver.withLock { $0 = true } }

    // MARK: Keeping

    private func request() -> Checkpointer.Request {
        let next = checkpointer.journal.next
        return Checkpointer.Request(
            engine.withLock { $0.capture() }, sequence: next.sequence - 1, hits: next.before, saltsKept: [],
            saltsThrough: 0)
    }

    /// Asks for a checkpoint, which is made meanwhile.
    func submit() { checkpointer.submit(request()) }
    var isBusy: Bool { checkpointer.isBusy }

    /// Makes a checkpoint and waits for its end.
    func keep() async throws {
        submit()
        while isBusy { try await Task.sleep(for: .milliseconds(1)) }
        #expect(checkpointer.status.failure == nil)
    }

    deinit {
        do {
            try checkpointer.stop(request())
            try FileManager.default.removeItem(atPath: path)
        } catch {
            print("left behind: \(path): \(error)")
        }
    }
}
