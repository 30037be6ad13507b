import Counting

/// A native beacon as nginx can write it with a `log_format`: `f1`, then `key=value` with a TAB before each.
///
/// TAB is the only separator that nginx escapes in a visitor's text. A relay writes it as `#011`, which a visitor may
/// send too. In that case the first of several values counts, and neither a visitor's own id nor a time is used.
enum TabbedLog {
    /// The separator of the fields.
    enum Separator {
        case tab, relayed
        var length: Int { self == .tab ? 1 : 4 }
    }

    @inline(__always)
    static func separator(_ bytes: Span<UInt8>) -> Separator? {
        guard bytes.holds("f", "1", at: 0) else { return nil }
        if bytes[2] == .tab { return .tab }
        return isRelayedTab(bytes, 2) ? .relayed : nil
    }

    static func read(_ bytes: Span<UInt8>) -> HitFields? {
        guard let separator = separator(bytes) else { return nil }
        var line = HitFields(.line, isRequest: true, .backslash)
        var start = 2 + separator.length
        while start < bytes.count {
            var end = start
            while end < bytes.count, !(separator == .tab ? bytes[end] == .tab : isRelayedTab(bytes, end)) { end += 1 }
            if end - start >= 2, bytes[start + 1] == .equals, let field = field(bytes[start]),
                separator == .tab || field != .visitor && field != .time
            {
                line[field] = start + 2..<end
            }
            start = end + separator.length
        }
        line.hasAgent = line[.agent] != nil
        return line
    }

    /// The field of a beacon's one-letter key.
    static func field(_ key: UInt8) -> HitFields.Field? {
        switch key {
        case UInt8(ascii: "s"): .site
        case UInt8(ascii: "h"): .host
        case UInt8(ascii: "i"): .address
        case UInt8(ascii: "m"): .method
        case UInt8(ascii: "c"): .status
        case UInt8(ascii: "u"): .url
        case UInt8(ascii: "r"): .referrer
        case UInt8(ascii: "a"): .agent
        case UInt8(ascii: "v"): .visitor
        case UInt8(ascii: "n"): .event
        case UInt8(ascii: "t"): .time
        default: nil
        }
    }

    private static func isRelayedTab(_ bytes: Span<UInt8>, _ i: Int) -> Bool {
        i + 3 < bytes.count && bytes[i] == .numberSign && bytes.holds("0", "1", at: i + 1)
            && bytes[i + 3] == UInt8(ascii: "1")
    }
}
