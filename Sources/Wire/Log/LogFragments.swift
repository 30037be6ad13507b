import Counting

/// Which programs' lines came in fragments lately.
///
/// `logger` splits a long line into several datagrams with a header each. The tail of one begins with what a visitor sent,
/// which could be a beacon: within a second of a fragment, no beacon counts under the same name.
struct LogFragments: Sendable {
    private var seen: [64 of (tag: UInt64, until: Int64)] = .init(repeating: (0, 0))

    /// Nobody splits a line that is shorter: every receiver of syslog takes so much (RFC 5424, 6.1).
    static let bytesMin = 480

    /// A short hash is enough: two names that share it cost a beacon in that second, and nothing else.
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
