public import Counting
import Platform
import Synchronization
public import Wire

/// What other threads ask of the one that counts. Answers are given on its thread and must not wait for anything.
public enum Request: Sendable {
    /// Counts a hit; then the numbers of its site, with it in them, which no kill takes away any more.
    case hit(BrowserHit, @Sendable (Result<SiteReport, BeaconRejection>) -> Void)
    /// Changes what is served: tried every 100 ms until it gives its answer, which is called when the change is published,
    /// or abandoned where the thread ends before.
    case change(@Sendable (inout IngestPipeline) -> (@Sendable () -> Void)?, abandon: @Sendable () -> Void)
    /// Looks at the counts as they are, which nothing has left for a capture meanwhile; or it is abandoned, where the thread ends
    /// before.
    case look(@Sendable (Engine) -> Void, abandon: @Sendable () -> Void)
    /// Makes a checkpoint; then whether the disk holds all that was counted before.
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

/// Requests that wait for the counting thread, in their order and not too many.
final class RequestQueue: Sendable {
    private let state = Mutex<(waiting: [Request], refused: Int, isOver: Bool)>(([], 0, false))
    /// Something waits and the wake-up is signalled.
    private let isSignalled = Atomic(false)
    private let wakeup: Wakeup

    private static let waitingMax = 4096
    /// So many between two looks at the sockets.
    private static let atOnce = 64

    /// `wakeup` ends the sleep of the thread they are for.
    init(_ wakeup: Wakeup) { self.wakeup = wakeup }

    /// Hands a request over; false where too many wait already or the thread is ending, and then no answer comes.
    func add(_ request: Request) -> Bool {
        state.withLock { state in
            guard state.waiting.count < Self.waitingMax, !state.isOver else {
                if case .hit = request { state.refused += 1 }
                return false
            }
            state.waiting.append(request)
            // Under the lock, or a signal could come after its request was taken and never be cleared.
            if !isSignalled.exchange(true, ordering: .acquiringAndReleasing) { wakeup.signal() }
            return true
        }
    }

    /// The next ones up to a hit whose stamp is not due, and how many hits were refused meanwhile; for their thread.
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

    /// Takes no more, and refuses those that wait.
    func end() {
        let waiting = state.withLock { state in
            state.isOver = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for request in waiting { request.refuse() }
    }
}
