import Counting

/// Publishes reports, and knows when the last one is out of date.
struct ReportPublisher {
    private let publication: Publication
    private let tell: @Sendable (CountingThread.Event) -> Void
    /// True if something has changed since the last report.
    var isChanged = false
    private var second: Int64 = 0
    /// The numbers of the sockets at the last committed frame.
    private var committed = IngestNumbers()

    init(_ publication: Publication, tell: @escaping @Sendable (CountingThread.Event) -> Void) {
        (self.publication, self.tell) = (publication, tell)
    }

    /// True if the last report is out of date at `now`.
    func isDue(at now: Moment) -> Bool { isChanged || now.second != second }

    /// Publishes the numbers of `pipeline` and of the sockets.
    mutating func publish(_ pipeline: inout IngestPipeline, _ numbers: IngestNumbers) {
        if pipeline.now.second != second { tell(.alive) }
        // Datagrams that are received and not committed are in no other number yet.
        if pipeline.isCommitted { committed = numbers }
        var report = pipeline.report()
        report.ingest = committed
        publication.publish(report)
        second = pipeline.now.second
        isChanged = false
    }
}
