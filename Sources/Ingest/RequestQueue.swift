public import Counting
import Platform
import Synchronization
public import Wire

/// Requests from other threads to the counting thread. Answers run on the counting thread and must not wait for
/// anything.
public enum Request: Sendable {
    /// Counts a hit. The answer is the numbers of its site, this hit included, when it would survive a kill of the
    /// process.
    case hit(BrowserHit, @Sendable (Result<SiteReport, BeaconRejection>) -> Void)
    /// Changes what is served. It is tried every 100 ms until it returns its answer, which is called when the change is
    /// published. It is abandoned if the thread ends first.
    case change(@Sendable (inout IngestPipeline) -> (@Sendable () -> Void)?, abandon: @Sendable () -> Void)
    /// Reads the current counts, between captures. It is abandoned if the thread ends first.
    case look(@Sendable (Engine) -> Void, abandon: @Sendable () -> Void)
    /// Makes a checkpoint. The answer is true if the disk then has everything counted before.
    case checkpoint(@Sendable (Bool) -> Void)

    /// Answers that nothing has happened.
    func refuse() {
        switch self {
        case .hit(_, let answer): answer(.failure(.internal))
        case .checkpoint(let answer): answer(false)
        case .change(_, let abandon), .look(_, let abandon): abandon()
        }
    }
}

/// Requests that wait for the counting thread, in their order, and at most `waitingMax` of them.
final class RequestQueue: Sendable {
    private let state = Mutex<(waiting: [Request], refused: Int, isOver: Bool)>(([], 0, false))
    /// True if something waits and the wake-up is signalled.
    private let isSignalled = Atomic(false)
    private let wakeup: Wakeup

    private static let waitingMax = 4096
    /// The most requests between two reads of the sockets.
    private static let atOnce = 64

    /// `wakeup` ends the sleep of the counting thread.
    init(_ wakeup: Wakeup) { self.wakeup = wakeup }

    /// Adds a request. False if too many wait or the thread is ending; then there is no answer.
    func add(_ request: Request) -> Bool {
        state.withLock { state in
            guard state.waiting.count < Self.waitingMax, !state.isOver else {
                if case .hit = request { state.refused += 1 }
                return false
            }
            state.waiting.append(request)
            // Signal under the lock. Otherwise a signal could come after its request was dequeued, and never be
            // cleared.
            if !isSignalled.exchange(true, ordering: .acquiringAndReleasing) { wakeup.signal() }
            return true
        }
    }

    /// The next requests, up to a hit whose stamp is not due, and the number of hits refused since the last call. For
    /// the counting thread.
    func dequeue(isDue: (Int64) -> Bool) -> (requests: [Request], refused: Int) {
        guard isSignalled.load(ordering: .acquiring) else { return ([], 0) }
        return state.withLock { state in
            let due = state.waiting.prefix(Self.atOnce).prefix { request in
                if case .hit(let hit, _) = request { isDue(hit.stamp) } else { true }
            }
            let taken = Array(due)
            state.waiting.removeFirst(taken.count)
            if state.waiting.isEmpty {
                isSignalled.store(false, ordering: .releasing)
                wakeup.clear()
            }
            defer { state.refused = 0 }
            return (taken, state.refused)
        }
    }

    /// Accepts no more requests, and refuses the waiting ones.
    func end() {
        let waiting = state.withLock { state in
            state.isOver = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for request in waiting { request.refuse() }
    }
}
