import Counting
import History
import Ingest

/// The engine of the counting thread, as history looks at it.
struct LiveEngine: EngineReader {
    let counting: CountingThread

    func read<T: Sendable>(_ body: @escaping @Sendable (Engine) -> T) async -> T? {
        await withCheckedContinuation { continuation in
            let isAsked = counting.ask(
                .look({ continuation.resume(returning: body($0)) }, abandon: { continuation.resume(returning: nil) }))
            if !isAsked { continuation.resume(returning: nil) }
        }
    }
}
