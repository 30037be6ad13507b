/// Numbers in the text that Prometheus reads, format 0.0.4. Each family is written once, with all its samples:
/// ```
/// # HELP footfall_site_bots_total Hits of declared bots.
/// # TYPE footfall_site_bots_total counter
/// footfall_site_bots_total{site="portal"} 77
/// ```
struct Exposition {
    /// The media type of the text.
    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// What a family's numbers do.
    enum Kind: String {
        /// Goes up only, but for a restart from zero.
        case counter
        case gauge
    }

    /// One number of a family, told from the others by a label.
    struct Sample {
        fileprivate let value: String
        fileprivate let label: (name: String, value: String)?

        /// A number that is written in full, however great.
        init(_ value: some BinaryInteger, _ label: (name: String, value: String)? = nil) {
            self.value = String(value)
            self.label = label
        }

        init(_ value: Double) {
            self.value = value.isNaN ? "NaN" : value.isInfinite ? (value < 0 ? "-Inf" : "+Inf") : "\(value)"
            label = nil
        }
    }

    private let prefix: String
    /// What was written so far, in UTF-8.
    private(set) var bytes: [UInt8] = []

    /// A text in which the names of all families begin with `prefix`.
    init(prefix: String) { self.prefix = prefix }

    /// Adds a family, also one without samples. `help` is one line without a backslash.
    mutating func family(_ name: String, _ kind: Kind, _ help: String, _ samples: [Sample]) {
        let name = prefix + name
        write("# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n")
        for sample in samples {
            write(name)
            if let label = sample.label {
                write("{\(label.name)=\"")
                quote(label.value)
                write("\"}")
            }
            write(" \(sample.value)\n")
        }
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
