public import Counting
import Synchronization

/// The last published report. The counting thread writes it; everybody else reads it and never touches the engine.
public final class Publication: Sendable {
    private let report: Mutex<Report>

    /// A publication that starts with `report`.
    public init(_ report: Report) { self.report = Mutex(report) }

    /// The newest numbers.
    public var current: Report { report.withLock { $0 } }

    func publish(_ report: Report) { self.report.withLock { $0 = report } }
}
