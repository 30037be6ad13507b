import Counting

/// How a sender escapes bytes.
enum Escaping: UInt8, Sendable {
    /// `+` and `%HH`, as in forms and native beacons.
    case form
    /// `\xHH`, `\"`, `\\`, `\t` …: nginx and Apache.
    case backslash
    /// `#HH`: HAProxy.
    case hash
    /// `\uHHHH`, `\"`, `\/`, `\n` …; and `\xHH`, which Apache writes into JSON against the standard.
    case json
    /// Nothing is escaped.
    case unescaped

    /// The byte that begins an escape.
    @inline(__always)
    var mark: UInt8 {
        switch self {
        case .form: .percent
        case .backslash, .json: .backslash
        case .hash: .numberSign
        // Text that passes unchanged contains no NUL.
        case .unescaped: .nul
        }
    }

    /// True if the bytes of a value are its text: printable ASCII without escapes.
    @inline(__always)
    func leaves(_ value: Span<UInt8>) -> Bool {
        self == .form ? spelling(of: value) == .plain : isPrintable(value, except: mark)
    }
}

/// True if all bytes are printable ASCII, and none is `mark`.
@inline(__always)
func isPrintable(_ bytes: Span<UInt8>, except mark: UInt8) -> Bool {
    var i = 0
    while i &+ 16 <= bytes.count {
        if isOther(bytes.vector(at: i), mark) { return false }
        i &+= 16
    }
    if i < bytes.count, bytes.count >= 16 { return !isOther(bytes.vector(at: bytes.count &- 16), mark) }
    while i < bytes.count {
        if !isPrintable(bytes[i]) || bytes[i] == mark { return false }
        i &+= 1
    }
    return true
}

@inline(__always)
private func isOther(_ block: SIMD16<UInt8>, _ mark: UInt8) -> Bool {
    let outside = (block &- SIMD16<UInt8>(repeating: .space)) .> SIMD16<UInt8>(repeating: UInt8(ascii: "~") &- .space)
    let others = words(outside .| (block .== SIMD16<UInt8>(repeating: mark)))
    return others[0] | others[1] != 0
}

extension Text {
    /// Decodes the escapes of `value`. A broken escape stays as it is. At most `limit` bytes, cut before a character
    /// that would not fit. True if something was cut.
    mutating func decode(_ value: Span<UInt8>, _ escaping: Escaping, limit: Int) -> Bool {
        if escaping == .form { return decodeForm(value, limit: limit) }
        removeAll()
        var i = 0
        while i < value.count {
            if bytes.count >= limit {
                cut(to: limit)
                return true
            }
            if value[i] != escaping.mark || escaping == .unescaped {
                append(value[i])
                i += 1
            } else if escaping == .hash {
                i += appendHexadecimal(value, i, digitsAt: i + 1)
            } else {
                i += appendBackslashed(value, i, isJSON: escaping == .json)
            }
        }
        guard bytes.count > limit else { return false }
        cut(to: limit)
        return true
    }

    /// Appends the byte of two hex digits, or the mark itself. Returns the number of bytes used from the value.
    private mutating func appendHexadecimal(_ value: Span<UInt8>, _ mark: Int, digitsAt i: Int) -> Int {
        guard i + 1 < value.count, let high = hexValue(value[i]), let low = hexValue(value[i + 1]) else {
            append(value[mark])
            return 1
        }
        append(high << 4 | low)
        return i + 2 - mark
    }

    private mutating func appendBackslashed(_ value: Span<UInt8>, _ mark: Int, isJSON: Bool) -> Int {
        guard mark + 1 < value.count else {
            append(value[mark])
            return 1
        }
        switch value[mark + 1] {
        case UInt8(ascii: "x"): return appendHexadecimal(value, mark, digitsAt: mark + 2)
        case UInt8(ascii: "u") where isJSON: return appendUnicode(value, mark)
        case UInt8(ascii: "n"): append(.lineFeed)
        case UInt8(ascii: "t"): append(.tab)
        case UInt8(ascii: "r"): append(.carriageReturn)
        case UInt8(ascii: "b"): append(.backspace)
        case UInt8(ascii: "f"): append(.formFeed)
        case UInt8(ascii: "v"): append(.verticalTab)
        case let byte where byte == .quote || byte == .backslash || byte == .slash || byte == .apostrophe: append(byte)
        default:
            append(value[mark])
            return 1
        }
        return 2
    }

    /// Appends `\uHHHH`, or two of them if they are the halves of one character. Half a character becomes U+FFFD.
    private mutating func appendUnicode(_ value: Span<UInt8>, _ mark: Int) -> Int {
        guard let unit = Self.unit(value, mark) else {
            append(value[mark])
            return 1
        }
        if UTF16.isLeadSurrogate(UInt16(truncatingIfNeeded: unit)), let low = Self.unit(value, mark + 6),
            UTF16.isTrailSurrogate(UInt16(truncatingIfNeeded: low))
        {
            appendScalar(0x10000 + (unit & 0x3ff) << 10 + low & 0x3ff)
            return 12
        }
        appendScalar(unit)
        return 6
    }

    private static func unit(_ value: Span<UInt8>, _ mark: Int) -> UInt32? {
        guard mark + 5 < value.count, value[mark] == .backslash, value[mark + 1] == UInt8(ascii: "u") else {
            return nil
        }
        var unit: UInt32 = 0
        for i in mark + 2..<mark + 6 {
            guard let digit = hexValue(value[i]) else { return nil }
            unit = unit << 4 | UInt32(digit)
        }
        return unit
    }

    /// Appends a character as UTF-8. Half a character becomes U+FFFD.
    private mutating func appendScalar(_ scalar: UInt32) {
        for byte in (Unicode.Scalar(scalar) ?? "\u{FFFD}").utf8 { append(byte) }
    }
}
