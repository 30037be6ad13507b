import Counting
import NIOHTTP1
import Synchronization

/// The number of responses by route and status, and how long responses took, since the start.
final class RequestCounts: Sendable {
    private struct Kind: Hashable {
        let route: String
        let code: UInt
    }

    private let state = Mutex<(counts: [Kind: UInt64], durations: Histogram)>(([:], Histogram(bounds)))

    /// In seconds. A fast response takes about 50 µs; a hit waits for the counting thread; a list of many sites takes
    /// longest.
    private static let bounds = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5]

    /// Counts a request that was answered `nanoseconds` after its head.
    func add(_ route: String, _ status: HTTPResponseStatus, _ nanoseconds: Int64) {
        state.withLock { state in
            state.counts[Kind(route: route, code: status.code), default: 0] += 1
            state.durations.add(Double(nanoseconds) / 1e9)
        }
    }

    var durations: Histogram { state.withLock { $0.durations } }

    var counts: [(route: String, code: UInt, count: UInt64)] {
        state.withLock { $0.counts }.map { ($0.key.route, $0.key.code, $0.value) }
            .sorted { ($0.0, $0.1) < ($1.0, $1.1) }
    }
}
