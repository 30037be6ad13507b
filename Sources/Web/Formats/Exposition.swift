import Counting

/// Numbers in the text format of Prometheus, 0.0.4. Each family is written once, with all its samples:
/// ```
/// # HELP footfall_site_bots_total Hits of declared bots.
/// # TYPE footfall_site_bots_total counter
/// footfall_site_bots_total{site="portal"} 77
/// ```
struct Exposition {
    static let contentType = "text/plain; version=0.0.4"

    /// How a family's numbers behave.
    enum Kind: String {
        /// Only goes up, except for a restart from zero.
        case counter
        case gauge
        case histogram
    }

    /// One number of a family. Its labels distinguish it from the others.
    struct Sample {
        typealias Label = (name: String, value: String)

        fileprivate let value: String
        fileprivate let labels: [Label]
        /// The suffix that a histogram adds to the family's name.
        fileprivate var suffix = ""

        /// A whole number, written with all its digits.
        init(_ value: some BinaryInteger, _ labels: Label...) {
            self.value = String(value)
            self.labels = labels
        }

        init(_ value: Double) {
            self.value = Self.text(value)
            labels = []
        }

        fileprivate static func text(_ value: Double) -> String {
            value.isNaN ? "NaN" : value.isInfinite ? (value < 0 ? "-Inf" : "+Inf") : "\(value)"
        }

        fileprivate func named(_ suffix: String) -> Sample {
            var sample = self
            sample.suffix = suffix
            return sample
        }
    }

    private let prefix: String
    private(set) var bytes: [UInt8] = []

    /// A text in which the names of all families begin with `prefix`.
    init(prefix: String) { self.prefix = prefix }

    /// Adds a family, even one without samples. `help` is one line without a backslash. A family that every program has
    /// is not `isOurs`, and gets no prefix.
    mutating func family(_ name: String, _ kind: Kind, _ help: String, _ samples: [Sample], isOurs: Bool = true) {
        let name = (isOurs ? prefix : "") + name
        write("# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n")
        for sample in samples {
            write(name + sample.suffix)
            for (i, label) in sample.labels.enumerated() {
                write("\(i == 0 ? "{" : ",")\(label.name)=\"")
                quote(label.value)
                write("\"")
            }
            write("\(sample.labels.isEmpty ? "" : "}") \(sample.value)\n")
        }
    }

    /// Adds a histogram. Each bucket counts everything up to its bound.
    mutating func family(_ name: String, _ help: String, _ histogram: Histogram) {
        var sum: UInt64 = 0
        var samples = zip(histogram.counts, histogram.bounds + [.infinity]).map { count, bound in
            sum += count
            return Sample(sum, ("le", Sample.text(bound))).named("_bucket")
        }
        samples += [Sample(histogram.sum).named("_sum"), Sample(sum).named("_count")]
        family(name, .histogram, help, samples)
    }

    private mutating func write(_ text: String) { bytes.append(contentsOf: text.utf8) }

    private mutating func quote(_ text: String) {
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes.append(contentsOf: [UInt8(ascii: "\\"), byte])
            case UInt8(ascii: "\n"): write("\\n")
            default: bytes.append(byte)
            }
        }
    }
}
