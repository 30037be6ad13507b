public import Counting

/// How code that may wait asks the counting thread. A hit is asked for with `ask`: nothing waits on its way.
extension CountingThread {
    /// What `body` finds in the engine as it is, run on the counting thread. Nil where too many requests wait or the thread
    /// ends before.
    public func perform<T: Sendable>(_ body: @escaping @Sendable (Engine) -> T) async -> T? {
        await response(orIfRefused: nil) { done in
            .look({ engine in done(body(engine)) }, abandon: { done(nil) })
        }
    }

    /// Changes what is served: `attempt` is run every 100 ms until it gives a value, and what it has done is published then.
    /// Nil where too many requests wait or the thread ends before.
    public func change<T: Sendable>(_ attempt: @escaping @Sendable (inout IngestPipeline) -> T?) async -> T? {
        await response(orIfRefused: nil) { done in
            let change: @Sendable (inout IngestPipeline) -> (@Sendable () -> Void)? = { pipeline in
                guard let value = attempt(&pipeline) else { return nil }
                return { done(value) }
            }
            return .change(change, abandon: { done(nil) })
        }
    }

    /// Writes the record that `make` makes of the counts as they are, and gives it back. Nil where it is not written, and
    /// nothing has changed.
    public func write(_ make: @escaping @Sendable (Engine) -> Record) async -> Record? {
        let written = await change { pipeline -> Record?? in
            let record = make(pipeline.engine)
            return .some(pipeline.addOrRefuse(record) ? record : nil)
        }
        return written ?? nil
    }

    /// Makes a checkpoint. True when the disk holds all that was counted before.
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
