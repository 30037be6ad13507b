import Counting

extension Text {
    /// Sets the path of a page by its URL, or its path, whose escapes are undone.
    ///
    /// Scheme and host go, then everything from `?` or `#` on; what is left is percent-decoded once, cleaned, begins with
    /// `/` and has at most 512 bytes. Query keys in `keepQuery` belong to the path and follow it in the order of that
    /// list. `fileExtension` is the extension of the whole path.
    mutating func setPath(_ url: Span<UInt8>, keepQuery: [[UInt8]], _ fileExtension: inout Text) {
        removeAll()
        var start = 0
        if url.count > 0, url[0] != 0x2f, let afterScheme = Self.afterScheme(url) {
            start = afterScheme
            while start < url.count, !Self.endsAuthority(url[start]) { start += 1 }
        }
        var end = start
        while end < url.count, url[end] != 0x3f, url[end] != 0x23 { end += 1 }
        appendPercentDecoded(url.extracting(start..<end))
        fileExtension.setExtension(of: bytes.span)
        if !keepQuery.isEmpty, end < url.count, url[end] == 0x3f {
            appendQuery(url.extracting(end + 1..<url.count), keys: keepQuery)
        }
        _ = clean(limit: pathBytesMax)
        beginWith(0x2f, limit: pathBytesMax)
    }

    /// Sets what stands behind the last dot of the last name of a path, in lower case; nothing of more than 16 bytes.
    @inline(__always)
    mutating func setExtension(of path: Span<UInt8>) {
        removeAll()
        var dot = path.count &- 1
        while dot >= 0, path.count &- dot <= 17, path[dot] != 0x2e {
            if path[dot] == 0x2f { return }
            dot &-= 1
        }
        guard dot >= 0, path[dot] == 0x2e else { return }
        for i in dot &+ 1..<path.count { append(path[i] &- 0x41 < 26 ? path[i] | 0x20 : path[i]) }
    }

    /// Where the authority begins: behind `scheme://`.
    static func afterScheme(_ url: Span<UInt8>) -> Int? {
        var i = 0
        while i < url.count, i < 32, isSchemeByte(url[i]) { i += 1 }
        guard i > 0, i + 2 < url.count, url[i] == 0x3a, url[i + 1] == 0x2f, url[i + 2] == 0x2f else { return nil }
        return i + 3
    }

    private static func isSchemeByte(_ byte: UInt8) -> Bool {
        isLowerOrDigit(byte | 0x20) || byte == 0x2b || byte == 0x2d || byte == 0x2e
    }

    @inline(__always)
    static func endsAuthority(_ byte: UInt8) -> Bool { byte == 0x2f || byte == 0x3f || byte == 0x23 || byte == 0x5c }

    private mutating func appendQuery(_ query: Span<UInt8>, keys: [[UInt8]]) {
        var separator: UInt8 = 0x3f
        for key in keys {
            var start = 0
            while start < query.count, query[start] != 0x23 {
                var end = start
                while end < query.count, query[end] != 0x26, query[end] != 0x23 { end += 1 }
                if Self.isValue(of: key, query.extracting(start..<end)) {
                    append(separator)
                    appendPercentDecoded(query.extracting(start..<end))
                    separator = 0x26
                    break
                }
                if end < query.count, query[end] == 0x23 { break }
                start = end + 1
            }
        }
    }

    private static func isValue(of key: [UInt8], _ pair: Span<UInt8>) -> Bool {
        guard pair.count >= key.count, pair.count == key.count || pair[key.count] == 0x3d else { return false }
        return equal(pair.extracting(0..<key.count), key.span)
    }
}

/// How many bytes of a page's URL are its path as they stand: printable ASCII from `/` on, without escapes, up to a query or
/// fragment, of which nothing is kept. Nil where `Text` must look at it.
@inline(__always)
func plainPath(_ url: Span<UInt8>, _ escaping: Escaping, keepsQuery: Bool) -> Int? {
    guard url.count > 0, url.count <= Admission.urlBytesMax, url[0] == 0x2f else { return nil }
    var i = 0
    while i < url.count {
        let byte = url[i]
        // Controls, what lies past ASCII, escapes of the URL and of the log.
        if byte &- 0x20 > 0x5e || byte == 0x25 || byte == escaping.mark || escaping == .form && byte == 0x2b {
            return nil
        }
        if byte == 0x3f || byte == 0x23 {
            if keepsQuery { return nil }
            break
        }
        i &+= 1
    }
    return i <= pathBytesMax ? i : nil
}
