import Foundation
import Testing

/// What a scraper reads: the families with their kinds, and the numbers of their series.
struct Scrape {
    /// By the name of the family.
    private(set) var kinds: [String: String] = [:]
    /// By the name of the series with its label, as written, without the project's prefix.
    private(set) var numbers: [String: String] = [:]
    /// The names of the series in the order of the text.
    private(set) var series: [String] = []

    /// Reads the text strictly: each family once, in one piece, explained before its kind and its kind before its
    /// numbers; no series twice.
    init(_ text: String) throws {
        #expect(text.hasSuffix("\n"))
        var explained: String?
        var family: String?
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            // What every program has is not ours.
            if line.hasPrefix("process_") || line.hasPrefix("# HELP process_") || line.hasPrefix("# TYPE process_") {
                continue
            }
            if let match = line.wholeMatch(of: #/# HELP footfall_([a-z_]+) \S.*\./#) {
                explained = String(match.1)
            } else if let match = line.wholeMatch(of: #/# TYPE footfall_([a-z_]+) (counter|gauge|histogram)/#) {
                family = String(match.1)
                #expect(explained == family, "not explained, or twice: \(line)")
                #expect(kinds.updateValue(String(match.2), forKey: String(match.1)) == nil, "twice: \(line)")
                explained = nil
            } else {
                let match = try #require(
                    line.wholeMatch(
                        of:
                            #/footfall_(([a-z_]+)(?:\{[a-z]+="(?:[^"\\]|\\[\\"n])*"(?:,[a-z]+="(?:[^"\\]|\\[\\"n])*")*\})?) (\S+)/#
                    ), "\(line)")
                let isHistogram = family.map { kinds[$0] == "histogram" } ?? false
                let name = isHistogram ? String(match.2.replacing(#/_(bucket|sum|count)$/#, with: "")) : String(match.2)
                #expect(family == name, "outside of its family: \(line)")
                #expect(numbers.updateValue(String(match.3), forKey: String(match.1)) == nil, "twice: \(line)")
                series.append(String(match.1))
            }
        }
    }

    /// The number of a series as it was written.
    subscript(series: String) -> String? { numbers[series] }
}

extension TestServer {
    /// The owner's scrape.
    func scrape() async throws -> Scrape {
        let response = try await ask("/metrics", local: true)
        #expect(response.status == 200)
        return try Scrape(response.body)
    }
}
