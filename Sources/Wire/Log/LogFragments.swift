import Counting

/// The programs whose lines recently came in fragments.
///
/// `logger` splits a long line into several datagrams with a header each. The second part begins with a visitor's text,
/// which could look like a beacon. So for one second after a fragment, no beacon counts under the same tag.
struct LogFragments: Sendable {
    private var seen: [64 of (tag: UInt64, until: Int64)] = .init(repeating: (0, 0))

    /// Nobody splits a shorter line: every syslog receiver accepts this length (RFC 5424, 6.1).
    static let bytesMin = 480

    /// A short hash is enough: if two tags share it, only a beacon in that second is lost.
    private static func name(_ tag: Span<UInt8>) -> UInt64 {
        var hash = TableHash(0x666f_6f74, 0x6661_6c6c)
        hash.combine(tag)
        return hash.finalize()
    }

    mutating func note(_ tag: Span<UInt8>, at moment: Moment) {
        let name = Self.name(tag)
        seen[Int(truncatingIfNeeded: name & 63)] = (name, moment.milliseconds + 1000)
    }

    func holds(_ tag: Span<UInt8>, at moment: Moment) -> Bool {
        let name = Self.name(tag)
        let (tag, until) = seen[Int(truncatingIfNeeded: name & 63)]
        return tag == name && moment.milliseconds < until
    }
}
