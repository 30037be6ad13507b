import Counting
import History
import Ingest

/// The engine of the counting thread, as history looks at it.
struct LiveEngine: EngineReader {
    let counting: CountingThread

    func read<T: Sendable>(_ body: @escaping @Sendable (Engine) -> T) async -> T? {
        await counting.perform(body)
    }
}
