import Counting
import Synchronization

/// The sites with their own series when there are too many for all: the busiest at that time, as long as the daemon
/// runs. If one site replaced another, the sum of the others would fall, and a monitoring system takes that for a
/// restart.
final class SiteLabels: Sendable {
    private let names = Mutex(Set<String>())

    func sites(of report: Report) -> Sites { names.withLock { Sites(report.sites, named: &$0) } }
}

/// The sites with their own series, and those that share one.
struct Sites {
    private(set) var labelled: [SiteReport]
    private var others: [SiteReport] = []

    /// The most sites with their own series, so that a monitoring system is not flooded.
    private static let labelledMax = 200
    private static let otherName = "_other"

    /// Adds the busiest sites to `names` while there is room.
    init(_ sites: [SiteReport], named names: inout Set<String>) {
        labelled = sites
        guard sites.count > Self.labelledMax else { return }
        if names.count < Self.labelledMax {
            // A site may have the name of the shared series: then it belongs to it.
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
            // 128 bits hold the sum of any number of sites.
            let sum = others.reduce(Int128(0)) { $0 + Int128(number($1)) }
            samples.append(Exposition.Sample(sum, ("site", Self.otherName)))
        }
        return samples
    }
}
