public import Counting
import Storage
import Synchronization
public import Wire

/// What other threads ask of the one that counts. Answers are given on its thread and must not wait for anything.
public enum Request: Sendable {
    /// Counts a hit; then the numbers of its site, with it in them, which no kill takes away any more.
    case hit(BrowserHit, @Sendable (Result<SiteReport, BeaconRejection>) -> Void)
    /// Adds a record; then whether that could be written. If not, nothing has happened.
    case record(Record, @Sendable (Bool) -> Void)
    /// Changes what is served.
    case change(@Sendable (inout Intake) -> Void)

    /// Answers that nothing has happened.
    func refuse() {
        switch self {
        case .hit(_, let answer): answer(.failure(.internal))
        case .record(_, let answer): answer(false)
        case .change: break
        }
    }
}

/// Requests that wait for the counting thread, in their order and not too many.
final class Requests: Sendable {
    private let state = Mutex<(waiting: [Request], isOver: Bool)>(([], false))
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
            guard state.waiting.count < Self.waitingMax, !state.isOver else { return false }
            state.waiting.append(request)
            // Under the lock, or a signal could come after its request was taken and never be cleared.
            if !isSignalled.exchange(true, ordering: .acquiringAndReleasing) { wakeup.signal() }
            return true
        }
    }

    /// The next ones, for their thread.
    func take() -> [Request] {
        guard isSignalled.load(ordering: .acquiring) else { return [] }
        return state.withLock { state in
            let taken = Array(state.waiting.prefix(Self.atOnce))
            state.waiting.removeFirst(taken.count)
            if state.waiting.isEmpty {
                isSignalled.store(false, ordering: .releasing)
                wakeup.clear()
            }
            return taken
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
