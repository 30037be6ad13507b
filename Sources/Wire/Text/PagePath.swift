import Counting

extension Text {
    /// Sets the path of a page from its decoded URL or path.
    ///
    /// Scheme and host are removed, then everything from `?` or `#` on. The rest is percent-decoded once and cleaned;
    /// it begins with `/` and has at most 512 bytes. Query keys in `keepQuery` belong to the path and follow it in the
    /// order of that list. `fileExtension` is the extension of the whole path.
    mutating func setPath(_ url: Span<UInt8>, keepQuery: [[UInt8]], _ fileExtension: inout Text) {
        removeAll()
        var start = 0
        if url.count > 0, url[0] != .slash, let afterScheme = Self.afterScheme(url) {
            start = afterScheme
            while start < url.count, !Self.endsAuthority(url[start]) { start += 1 }
        }
        var end = start
        while end < url.count, url[end] != .questionMark, url[end] != .numberSign { end += 1 }
        appendPercentDecoded(url.extracting(start..<end))
        fileExtension.setExtension(of: bytes.span)
        if !keepQuery.isEmpty, end < url.count, url[end] == .questionMark {
            appendQuery(url.extracting(end + 1..<url.count), keys: keepQuery)
        }
        _ = clean(limit: pathBytesMax)
        beginWith(.slash, limit: pathBytesMax)
    }

    /// Sets the text after the last dot in the last name of a path, in lower case; nothing if that is longer than 16
    /// bytes.
    @inline(__always)
    mutating func setExtension(of path: Span<UInt8>) {
        removeAll()
        var dot = path.count &- 1
        while dot >= 0, path.count &- dot <= 17, path[dot] != .dot {
            if path[dot] == .slash { return }
            dot &-= 1
        }
        guard dot >= 0, path[dot] == .dot else { return }
        for i in dot &+ 1..<path.count { append(lowercased(path[i])) }
    }

    /// Where the authority begins: after `scheme://`.
    static func afterScheme(_ url: Span<UInt8>) -> Int? {
        var i = 0
        while i < url.count, i < 32, isSchemeByte(url[i]) { i += 1 }
        guard i > 0, i + 2 < url.count, url[i] == .colon, url[i + 1] == .slash, url[i + 2] == .slash else { return nil }
        return i + 3
    }

    private static func isSchemeByte(_ byte: UInt8) -> Bool {
        isAlphanumeric(byte) || byte == .plus || byte == .dash || byte == .dot
    }

    @inline(__always)
    static func endsAuthority(_ byte: UInt8) -> Bool {
        byte == .slash || byte == .questionMark || byte == .numberSign || byte == .backslash
    }

    private mutating func appendQuery(_ query: Span<UInt8>, keys: [[UInt8]]) {
        var separator: UInt8 = .questionMark
        for key in keys {
            var start = 0
            while start < query.count, query[start] != .numberSign {
                var end = start
                while end < query.count, query[end] != .ampersand, query[end] != .numberSign { end += 1 }
                if Self.isValue(of: key, query.extracting(start..<end)) {
                    append(separator)
                    appendPercentDecoded(query.extracting(start..<end))
                    separator = .ampersand
                    break
                }
                if end < query.count, query[end] == .numberSign { break }
                start = end + 1
            }
        }
    }

    private static func isValue(of key: [UInt8], _ pair: Span<UInt8>) -> Bool {
        guard pair.count >= key.count, pair.count == key.count || pair[key.count] == .equals else { return false }
        return equal(pair.extracting(0..<key.count), key.span)
    }
}

/// The length of the path in a page's URL if it needs no change: printable ASCII from `/` on, without escapes, up to a
/// query or fragment that is dropped. Nil if `Text` must process it. 16 bytes at a time, if `bytes` has that many left.
@inline(__always)
func plainPath(_ url: Range<Int>, in bytes: Span<UInt8>, _ escaping: Escaping, keepsQuery: Bool) -> Int? {
    guard !url.isEmpty, url.count <= Admission.urlBytesMax, bytes[url.lowerBound] == .slash else { return nil }
    // In a form, a plus is a space.
    let space = escaping == .form ? UInt8.plus : escaping.mark
    var end = url.lowerBound
    while end < url.upperBound {
        if end &+ 16 <= bytes.count {
            let plain = plainPathBytes(bytes.vector(at: end), escaping.mark, space)
            end &+= plain
            if plain == 16 { continue }
            guard end < url.upperBound else { break }
        }
        let byte = bytes[end]
        if !isPrintable(byte) || byte == .percent || byte == escaping.mark || byte == space { return nil }
        if byte == .questionMark || byte == .numberSign {
            if keepsQuery { return nil }
            break
        }
        end &+= 1
    }
    let length = min(end, url.upperBound) &- url.lowerBound
    return length <= pathBytesMax ? length : nil
}

/// The number of leading bytes that belong to a path and need no change.
@inline(__always)
private func plainPathBytes(_ block: SIMD16<UInt8>, _ mark: UInt8, _ space: UInt8) -> Int {
    let outside = words(
        (block &- SIMD16<UInt8>(repeating: .space)) .> SIMD16<UInt8>(repeating: UInt8(ascii: "~") &- .space))
    let percent = words(block .== SIMD16<UInt8>(repeating: .percent))
    let marks = words(block .== SIMD16<UInt8>(repeating: mark))
    let spaces = words(block .== SIMD16<UInt8>(repeating: space))
    let query = words(block .== SIMD16<UInt8>(repeating: .questionMark))
    let fragment = words(block .== SIMD16<UInt8>(repeating: .numberSign))
    let low = outside[0] | percent[0] | marks[0] | spaces[0] | query[0] | fragment[0]
    if low != 0 { return low.trailingZeroBitCount &>> 3 }
    let high = outside[1] | percent[1] | marks[1] | spaces[1] | query[1] | fragment[1]
    return high != 0 ? 8 &+ high.trailingZeroBitCount &>> 3 : 16
}
