import Counting

/// The part of a syslog datagram before the message: RFC 3164 or 5424, or the shorter forms of servers and relays.
/// ```
/// <134>Nov 23 07:49:44 edge1 haproxy[27339]: message      host and tag may be missing
/// <134>2026-11-23T07:49:44.506+00:00 edge1 haproxy: message
/// <134>1 2026-11-23T07:49:45.918874+00:00 edge1 haproxy 27339 - [id s="demo"] message
/// <6>message
/// ```
/// The part in angle brackets may also be missing, as in the files of a log daemon. Dates are skipped and not trusted;
/// the priority is the only number that is read.
struct SyslogHeader {
    /// The program's name, `footfall` or `ff_SITE`; empty if there is none.
    private(set) var tag = 0..<0
    /// The value of `s` in the structured data.
    private(set) var site: Range<Int>?
    /// Where the message begins.
    private(set) var message = 0
    /// True if there was a date.
    private(set) var isDated = false
    /// The place of an RFC 3339 date.
    private(set) var date: Range<Int>?

    private static let byteOrderMark = Array("\u{FEFF}".utf8)

    /// `ff_` and the longest name of a site.
    static let tagBytesMax = 67

    /// Reads the header of `line`; nil if it begins with `<` and has no valid priority.
    @inline(__always)
    init?(_ line: Span<UInt8>) {
        guard line.count > 0 else { return }
        if line[0] == UInt8(ascii: "<") {
            guard let end = Self.priorityEnd(line) else { return nil }
            message = end
            if end &+ 1 < line.count, line[end] == UInt8(ascii: "1"), line[end &+ 1] == .space {
                readVersion1(line, end &+ 2)
                return
            }
        }
        guard let dateEnd = skipDate(line, message) else { return }
        isDated = true
        readTag(line, dateEnd)
    }

    /// Reads up to three digits, at most 191.
    @inline(__always)
    private static func priorityEnd(_ line: Span<UInt8>) -> Int? {
        var priority = 0
        var i = 1
        while i < line.count, isDigit(line[i]) {
            guard i < 4 else { return nil }
            priority = priority &* 10 &+ Int(line[i] &- UInt8(ascii: "0"))
            i &+= 1
        }
        guard i > 1, priority <= 191, i < line.count, line[i] == UInt8(ascii: ">") else { return nil }
        return i &+ 1
    }

    /// `Nov 23 07:49:44 ` or `2026-11-23T07:49:44.506789+00:00 `.
    @inline(__always)
    private mutating func skipDate(_ line: Span<UInt8>, _ start: Int) -> Int? {
        if start &+ 16 <= line.count, line[start &+ 3] == .space, line[start &+ 6] == .space,
            line[start &+ 9] == .colon,
            line[start &+ 12] == .colon, line[start &+ 15] == .space, isUpper(line[start]), isDigit(line[start &+ 14])
        {
            return start &+ 16
        }
        guard start &+ 20 < line.count, line[start &+ 4] == .dash, line[start &+ 7] == .dash, isDigit(line[start]),
            lowercased(line[start &+ 10]) == UInt8(ascii: "t"), line[start &+ 13] == .colon
        else { return nil }
        var end = start &+ 19
        while end < line.count, line[end] != .space {
            guard end < start &+ 36 else { return nil }
            end &+= 1
        }
        guard end < line.count else { return nil }
        date = start..<end
        return end &+ 1
    }

    /// `tag: `, `tag[pid]: ` or `host tag: `. Without one, the message begins at once.
    @inline(__always)
    private mutating func readTag(_ line: Span<UInt8>, _ start: Int) {
        message = start
        // The host may be an IPv6 address.
        if parseTag(line, start, mayBeHost: true) { return }
        var space = start
        while space < line.count, line[space] != .space {
            guard space < start &+ 255 else { return }
            space &+= 1
        }
        if space < line.count, parseTag(line, space &+ 1, mayBeHost: false) { return }
    }

    @inline(__always)
    private mutating func parseTag(_ line: Span<UInt8>, _ start: Int, mayBeHost: Bool) -> Bool {
        var end = start
        while end < line.count, isTagByte(line[end]), end < start &+ Self.tagBytesMax { end &+= 1 }
        guard end > start, end < line.count else { return false }
        var colon = end
        if line[end] == .openBracket {
            colon = end &+ 1
            while colon < line.count, line[colon] != .closeBracket, colon < end &+ 16 { colon &+= 1 }
            colon &+= 1
        }
        guard colon < line.count, line[colon] == .colon else { return false }
        if colon &+ 1 < line.count, line[colon &+ 1] != .space {
            // An IPv6 address is not a tag either.
            if mayBeHost || NetworkAddress(line.extracting(start..<line.first(of: .space, from: start))) != nil {
                return false
            }
        }
        tag = start..<end
        message = colon &+ 1
        skipSpaces(line)
        return true
    }

    @inline(__always)
    private func isTagByte(_ byte: UInt8) -> Bool {
        isAlphanumeric(byte) || byte == .underscore || byte == .dash || byte == .dot || byte == .slash
    }

    /// RFC 5424: date, host, tag, process, message id, structured data, message.
    private mutating func readVersion1(_ line: Span<UInt8>, _ start: Int) {
        message = line.count
        var i = start
        for part in 0..<5 {
            let end = line.first(of: .space, from: i)
            guard end < line.count else { return }
            if part == 0, end - i >= 19 { date = i..<end }
            if part == 2, end - i <= Self.tagBytesMax { tag = i..<end }
            i = end + 1
        }
        isDated = true
        guard i < line.count else { return }
        if line[i] == .dash {
            i += 1
        } else {
            while i < line.count, line[i] == .openBracket { i = element(line, i) }
        }
        guard i < line.count, line[i] == .space else { return }
        i += 1
        // The text may begin with a byte order mark.
        if i + 2 < line.count, equal(line.extracting(i..<i + 3), Self.byteOrderMark.span) { i += 3 }
        message = i
        skipSpaces(line)
    }

    /// Relays add spaces before a message.
    @inline(__always)
    private mutating func skipSpaces(_ line: Span<UInt8>) {
        while message < line.count, line[message] == .space { message &+= 1 }
    }

    /// Skips `[id name="value" …]`, and stores a site's name.
    private mutating func element(_ line: Span<UInt8>, _ start: Int) -> Int {
        var i = start + 1
        while i < line.count, line[i] != .closeBracket {
            guard line[i] == .quote else {
                i += 1
                continue
            }
            // `s=` after a space names the site.
            let isSite = i >= 3 && line[i - 1] == .equals && line[i - 2] == UInt8(ascii: "s") && line[i - 3] == .space
            let value = i + 1
            i = value
            while i < line.count, line[i] != .quote { i += line[i] == .backslash ? 2 : 1 }
            guard i < line.count else { return line.count }
            if isSite, site == nil { site = value..<i }
            i += 1
        }
        return min(i + 1, line.count)
    }
}
