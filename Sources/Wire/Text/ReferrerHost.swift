import Counting

extension Text {
    /// Sets the referring host of a decoded URL: lower case, without user, port and one leading `www.`. Empty if there
    /// is none.
    mutating func setReferrerHost(_ url: Span<UInt8>) {
        removeAll()
        let start: Int
        if let afterScheme = Self.afterScheme(url) {
            start = afterScheme
        } else if url.count > 2, url[0] == .slash, url[1] == .slash {
            start = 2
        } else {
            // Not a URL: a bare host has a dot before anything else. Other text names no host.
            var i = 0
            while i < url.count, isHostByte(url[i]) { i += 1 }
            guard i < url.count ? Self.endsAuthority(url[i]) || url[i] == .colon : true else { return }
            var dot = 0
            while dot < i, url[dot] != .dot { dot += 1 }
            guard dot > 0, dot < i else { return }
            start = 0
        }
        _ = setHost(url.extracting(start..<url.count))
    }

    /// Appends the host at the beginning of an authority. True if it was cut.
    mutating func setHost(_ authority: Span<UInt8>) -> Bool {
        var start = 0
        var end = 0
        while end < authority.count, !Self.endsAuthority(authority[end]) {
            if authority[end] == .atSign { start = end + 1 }
            end += 1
        }
        // A port begins at the first colon after the brackets of an IPv6 address.
        var colon = start
        var isBracketed = start < end && authority[start] == .openBracket
        while colon < end, isBracketed || authority[colon] != .colon {
            if authority[colon] == .closeBracket { isBracketed = false }
            colon += 1
        }
        if colon - start > 4, lowercased(authority[start]) == UInt8(ascii: "w"),
            lowercased(authority[start + 1]) == UInt8(ascii: "w"),
            lowercased(authority[start + 2]) == UInt8(ascii: "w"), authority[start + 3] == .dot
        {
            start += 4
        }
        // The dot of the root names the same host.
        if colon > start &+ 1, authority[colon &- 1] == .dot { colon -= 1 }
        let isAddress = start < colon && authority[start] == .openBracket && authority[colon - 1] == .closeBracket
        for i in start..<max(start, colon) {
            let byte = authority[i]
            if byte < .space || byte == .delete { continue }
            // No other byte is in a host, so nobody can send the names in brackets that we use ourselves.
            guard isHostByte(byte) || isAddress && (byte == .colon || byte == .openBracket || byte == .closeBracket)
            else {
                removeAll()
                return false
            }
            append(lowercased(byte))
        }
        return clean(limit: referrerBytesMax)
    }
}

extension Text {
    /// Sets the virtual host of a log line, in lower case, without port or `www.`. False if it names none. A line
    /// without `host` may have it in its URL: HTTP/2 and proxies write whole URLs.
    mutating func setVirtualHost(_ host: Range<Int>?, _ url: Range<Int>?, in bytes: Span<UInt8>) -> Bool {
        removeAll()
        if let host, !host.isEmpty { return !setHost(bytes.extracting(host)) && !self.bytes.isEmpty }
        guard let url, !url.isEmpty, bytes[url.lowerBound] != .slash,
            let authority = Self.afterScheme(bytes.extracting(url))
        else { return false }
        return !setHost(bytes.extracting(url.lowerBound + authority..<url.upperBound)) && !self.bytes.isEmpty
    }
}

/// The place of the host in a referrer that needs no change: `http://` or `https://`, then lower-case letters, digits,
/// dots and dashes up to the end, a port or a path. Nil if `Text` must process it.
@inline(__always)
func plainHost(_ url: Span<UInt8>) -> Range<Int>? {
    guard url.count > 8 else { return nil }
    let http: UInt64 = 0x2f2f_3a70_7474_68  // "http://", lowest first
    let https: UInt64 = 0x2f2f_3a73_7074_7468  // "https://"
    let scheme = url.word(at: 0)
    var start = scheme == https ? 8 : scheme & 0x00ff_ffff_ffff_ffff == http ? 7 : 0
    guard start > 0 else { return nil }
    var end = start
    if start &+ 16 <= url.count { end &+= plainHostBytes(url.vector(at: start)) }
    while end < url.count {
        let byte = url[end]
        guard isLowerOrDigit(byte) || byte == .dot || byte == .dash else {
            guard byte == .slash || byte == .colon && isPort(url, end &+ 1) else { return nil }
            break
        }
        end &+= 1
    }
    if end &- start > 4, url[start] == UInt8(ascii: "w"), url[start &+ 1] == UInt8(ascii: "w"),
        url[start &+ 2] == UInt8(ascii: "w"), url[start &+ 3] == .dot
    {
        start &+= 4
    }
    return end > start && end &- start <= referrerBytesMax && url[end &- 1] != .dot ? start..<end : nil
}

/// The number of leading bytes that are lower-case letters, digits, dots and dashes.
@inline(__always)
private func plainHostBytes(_ block: SIMD16<UInt8>) -> Int {
    let isLetter = (block &- SIMD16(repeating: UInt8(ascii: "a"))) .< SIMD16(repeating: 26)
    let isDigit = (block &- SIMD16(repeating: UInt8(ascii: "0"))) .< SIMD16(repeating: 10)
    let others = words(
        .!(isLetter .| isDigit .| (block .== SIMD16(repeating: .dot)) .| (block .== SIMD16(repeating: .dash))))
    return others[0] != 0 ? others[0].trailingZeroBitCount &>> 3 : 8 &+ others[1].trailingZeroBitCount &>> 3
}

/// True if digits go up to the path or the end. Otherwise the colon may separate a user from a password.
private func isPort(_ url: Span<UInt8>, _ start: Int) -> Bool {
    var i = start
    while i < url.count, isDigit(url[i]) { i += 1 }
    return i == url.count || url[i] == .slash
}

/// Letters, digits, `.`, `-`, `_`, and bytes beyond ASCII, as in internationalised names.
@inline(__always)
private func isHostByte(_ byte: UInt8) -> Bool {
    isAlphanumeric(byte) || byte == .dot || byte == .dash || byte == .underscore || byte > .delete
}
