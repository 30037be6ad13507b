import Counting
import Synchronization

/// Which sites are told apart, once there are too many: those that were busiest then, as long as the daemon runs. Were another
/// to take the place of one, the sum of the others would fall, which a monitoring system takes for a new beginning.
final class SiteLabels: Sendable {
    private let names = Mutex(Set<String>())

    func sites(of report: Report) -> Sites { names.withLock { Sites(report.sites, named: &$0) } }
}

/// The sites that have series of their own, and those that share one.
struct Sites {
    private(set) var labelled: [SiteReport]
    private var others: [SiteReport] = []

    /// Sites told apart; of more only those with the most views, so that a monitoring system is not flooded.
    private static let labelledMax = 200
    private static let otherName = "_other"

    /// Adds to `names` the busiest of those that are told apart, while there is room.
    init(_ sites: [SiteReport], named names: inout Set<String>) {
        labelled = sites
        guard sites.count > Self.labelledMax else { return }
        if names.count < Self.labelledMax {
            // A site may be called like the others together: then it is one of them.
            let busiest = sites.indices.filter { sites[$0].name != Self.otherName && !names.contains(sites[$0].name) }
                .map { (index: $0, views: sites[$0].countedViews) }
                .sorted { ($1.views, $0.index) < ($0.views, $1.index) }
                .prefix(Self.labelledMax - names.count)
            names.formUnion(busiest.map { sites[$0.index].name })
        }
        labelled = sites.filter { names.contains($0.name) }
        others = sites.filter { !names.contains($0.name) }
    }

    func samples(of number: (SiteReport) -> some BinaryInteger) -> [Exposition.Sample] {
        var samples = labelled.map { Exposition.Sample(number($0), ("site", $0.name)) }
        if !others.isEmpty {
            // Wide enough for any number of sites of any size.
            let sum = others.reduce(Int128(0)) { $0 + Int128(number($1)) }
            samples.append(Exposition.Sample(sum, ("site", Self.otherName)))
        }
        return samples
    }
}
