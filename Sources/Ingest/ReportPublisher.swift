import Counting

/// What readers see, and when it is no longer what there is to say.
struct ReportPublisher {
    private let publication: Publication
    private let tell: @Sendable (CountingThread.Event) -> Void
    /// Something has changed since the last report.
    var isChanged = false
    private var second: Int64 = 0
    /// Numbers of the sockets as of the last frame that was committed.
    private var committed = IngestNumbers()

    init(_ publication: Publication, tell: @escaping @Sendable (CountingThread.Event) -> Void) {
        (self.publication, self.tell) = (publication, tell)
    }

    /// The last report is no longer what there is to say at `now`.
    func isDue(at now: Moment) -> Bool { isChanged || now.second != second }

    /// Publishes the numbers of `pipeline`, with those of the sockets.
    mutating func publish(_ pipeline: inout IngestPipeline, _ numbers: IngestNumbers) {
        if pipeline.now.second != second { tell(.alive) }
        // What is received and not committed is in no other number either.
        if pipeline.isCommitted { committed = numbers }
        var report = pipeline.report()
        report.ingest = committed
        publication.publish(report)
        second = pipeline.now.second
        isChanged = false
    }
}
