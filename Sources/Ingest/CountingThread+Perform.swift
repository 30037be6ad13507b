public import Counting

/// Asks the counting thread with `await`. Hits use `ask` instead, so that nothing on their way waits.
extension CountingThread {
    /// Runs `body` on the counting thread with the current engine, and returns its result. Nil if too many requests
    /// wait or the thread ends first.
    public func perform<T: Sendable>(_ body: @escaping @Sendable (Engine) -> T) async -> T? {
        await response(orIfRefused: nil) { done in
            .look({ engine in done(body(engine)) }, abandon: { done(nil) })
        }
    }

    /// Changes what is served. `attempt` runs every 100 ms until it returns a value; then its changes are published.
    /// Nil if too many requests wait or the thread ends first.
    public func change<T: Sendable>(_ attempt: @escaping @Sendable (inout IngestPipeline) -> T?) async -> T? {
        await response(orIfRefused: nil) { done in
            let change: @Sendable (inout IngestPipeline) -> (@Sendable () -> Void)? = { pipeline in
                guard let value = attempt(&pipeline) else { return nil }
                return { done(value) }
            }
            return .change(change, abandon: { done(nil) })
        }
    }

    /// Writes the record that `make` makes from the current counts, and returns it. Nil if it could not be written;
    /// then nothing has changed.
    public func write(_ make: @escaping @Sendable (Engine) -> Record) async -> Record? {
        let written = await change { pipeline -> Record?? in
            let record = make(pipeline.engine)
            return .some(pipeline.addOrRefuse(record) ? record : nil)
        }
        return written ?? nil
    }

    /// Makes a checkpoint. True if the disk then has everything counted before.
    public func checkpoint() async -> Bool {
        await response(orIfRefused: false) { done in .checkpoint(done) }
    }

    private func response<T: Sendable>(
        orIfRefused refused: T, _ request: (@escaping @Sendable (T) -> Void) -> Request
    ) async -> T {
        await withCheckedContinuation { continuation in
            let isAsked = ask(request { continuation.resume(returning: $0) })
            if !isAsked { continuation.resume(returning: refused) }
        }
    }
}
