import Counting

/// A decoded and cleaned value, in a buffer that is reused for the next one.
///
/// A value is decoded once, in place: first the escapes, then to valid UTF-8 without controls, then it is cut.
struct Text {
    private(set) var bytes: [UInt8] = []
    /// The input of `clean`, kept so that nothing is allocated.
    private var unclean: [UInt8] = []

    init() {
        bytes.reserveCapacity(1024)
        unclean.reserveCapacity(1024)
    }

    var span: Span<UInt8> {
        @_lifetime(borrow self) get { bytes.span }
    }

    /// Copies `value` unchanged.
    mutating func set(_ value: Span<UInt8>) {
        removeAll()
        for i in value.indices { bytes.append(value[i]) }
    }

    /// Decodes a short value. False if it is longer than `limit`, empty, or holds a NUL.
    mutating func setShort(_ value: Span<UInt8>, _ escaping: Escaping, limit: Int) -> Bool {
        if value.count <= limit, escaping.leaves(value) {
            set(value)
            return value.count > 0
        }
        return !decode(value, escaping, limit: limit) && !bytes.isEmpty && !bytes.contains(.nul)
    }

    /// Decodes and cleans a value. True if it was cut to `limit`.
    mutating func setClean(_ value: Span<UInt8>, _ escaping: Escaping, limit: Int) -> Bool {
        let isCut = decode(value, escaping, limit: limit)
        _ = clean(limit: limit)
        return isCut
    }

    /// Decodes `value` with `+` as a space and `%HH` as a byte. A `%` without two hex digits stays as it is. At most
    /// `limit` bytes, cut before a character that would not fit. True if something was cut.
    mutating func decodeForm(_ value: Span<UInt8>, limit: Int) -> Bool {
        bytes.removeAll(keepingCapacity: true)
        var i = 0
        while i < value.count {
            if bytes.count == limit {
                dropBrokenEnd()
                return true
            }
            let byte = value[i]
            if byte == .percent, let escaped = Self.escaped(value, i) {
                bytes.append(escaped)
                i += 3
            } else {
                bytes.append(byte == .plus ? .space : byte)
                i += 1
            }
        }
        return false
    }

    /// Keeps at most `limit` bytes, cut before a character that would not fit.
    mutating func cut(to limit: Int) {
        bytes.removeLast(max(0, bytes.count - limit))
        dropBrokenEnd()
    }

    /// Removes an incomplete last character.
    private mutating func dropBrokenEnd() {
        guard !bytes.isEmpty else { return }
        var lead = bytes.count - 1
        while lead > 0, bytes.count - lead < 4, bytes[lead] & 0xc0 == 0x80 { lead -= 1 }
        if bytes[lead] >= 0xc0, !Self.sequence(bytes.span, lead).isValid { bytes.removeSubrange(lead...) }
    }

    mutating func append(_ byte: UInt8) { bytes.append(byte) }

    /// Appends `value` with `%HH` as a byte. `+` stays.
    mutating func appendPercentDecoded(_ value: Span<UInt8>) {
        var i = 0
        while i < value.count {
            if value[i] == .percent, let escaped = Self.escaped(value, i) {
                bytes.append(escaped)
                i += 3
            } else {
                bytes.append(value[i])
                i += 1
            }
        }
    }

    mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }

    private static func escaped(_ value: Span<UInt8>, _ i: Int) -> UInt8? {
        guard i + 2 < value.count, let high = hexValue(value[i + 1]), let low = hexValue(value[i + 2]) else {
            return nil
        }
        return high << 4 | low
    }

    /// Makes the bytes valid UTF-8 without controls, at most `limit` of them, cut before a character that would not
    /// fit. True if something was cut.
    ///
    /// A maximal part of a broken sequence becomes one U+FFFD (Unicode 15, section 3.9). C0, DEL, C1 and the
    /// bidirectional controls are removed, so no input can change the direction of text in a terminal or a page.
    mutating func clean(limit: Int) -> Bool {
        // By far most values are already printable ASCII.
        if bytes.count <= limit, spelling(of: bytes.span) == .plain { return false }
        swap(&bytes, &unclean)
        removeAll()
        var i = 0
        while i < unclean.count {
            let (length, isValid) = Self.sequence(unclean.span, i)
            defer { i += length }
            if isValid, Self.isControl(unclean.span, i, length) { continue }
            if bytes.count + (isValid ? length : 3) > limit { return true }
            if isValid {
                for k in i..<i + length { bytes.append(unclean[k]) }
            } else {
                bytes += Self.replacement
            }
        }
        return false
    }

    /// Puts an ASCII byte in front unless it is there. The end may be cut for it.
    mutating func beginWith(_ byte: UInt8, limit: Int) {
        if bytes.first == byte { return }
        bytes.insert(byte, at: 0)
        guard bytes.count > limit else { return }
        bytes.removeLast(bytes.count - limit)
        dropBrokenEnd()
    }

    /// The UTF-8 sequence at `i`: its length if it is valid, otherwise the length of its maximal part.
    private static func sequence(_ bytes: Span<UInt8>, _ i: Int) -> (length: Int, isValid: Bool) {
        let lead = bytes[i]
        let length: Int
        var second: ClosedRange<UInt8> = 0x80...0xbf
        switch lead {
        case 0x00...0x7f: return (1, true)
        case 0xc2...0xdf: length = 2
        case 0xe0...0xef:
            length = 3
            if lead == 0xe0 { second = 0xa0...0xbf }
            if lead == 0xed { second = 0x80...0x9f }
        case 0xf0...0xf4:
            length = 4
            if lead == 0xf0 { second = 0x90...0xbf }
            if lead == 0xf4 { second = 0x80...0x8f }
        default: return (1, false)
        }
        for k in 1..<length {
            let range = k == 1 ? second : 0x80...0xbf
            guard i + k < bytes.count, range.contains(bytes[i + k]) else { return (k, false) }
        }
        return (length, true)
    }

    /// U+FFFD
    private static let replacement = Array("\u{FFFD}".utf8)

    private static func isControl(_ bytes: Span<UInt8>, _ i: Int, _ length: Int) -> Bool {
        switch (length, bytes[i]) {
        case (1, let byte): byte < .space || byte == .delete
        case (2, 0xc2): bytes[i + 1] < 0xa0
        case (2, 0xd8): bytes[i + 1] == 0x9c  // U+061C
        case (3, 0xe2):
            switch (bytes[i + 1], bytes[i + 2]) {
            case (0x80, 0x8e...0x8f), (0x80, 0xaa...0xae), (0x81, 0xa6...0xa9): true  // U+200E–F, 202A–E, 2066–9
            default: false
            }
        default: false
        }
    }
}
