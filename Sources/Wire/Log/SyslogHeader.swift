import Counting

/// What stands before the message of a syslog datagram: RFC 3164 or 5424, or the shorter forms that servers and relays
/// send.
/// ```
/// <134>Nov 23 07:49:44 edge1 haproxy[27339]: message      host and tag may be missing
/// <134>2026-11-23T07:49:44.506+00:00 edge1 haproxy: message
/// <134>1 2026-11-23T07:49:45.918874+00:00 edge1 haproxy 27339 - [id s="demo"] message
/// <6>message
/// ```
/// The part in angle brackets may be missing too, as in the files that a log daemon writes. Dates are stepped over and not
/// believed; nothing here reads a number but the priority.
struct SyslogHeader {
    /// The program's name, `footfall` or `ff_SITE`; empty where there is none.
    private(set) var tag = 0..<0
    /// The value of `s` in the structured data.
    private(set) var site: Range<Int>?
    /// Where the message begins.
    private(set) var message = 0
    /// A date was there.
    private(set) var isDated = false
    /// Where a date of RFC 3339 stands.
    private(set) var date: Range<Int>?

    /// `ff_` and the longest name of a site.
    static let tagBytesMax = 67

    /// Reads the header of `line`; nil where `<` begins none.
    @inline(__always)
    init?(_ line: Span<UInt8>) {
        guard line.count > 0 else { return }
        if line[0] == UInt8(ascii: "<") {
            guard let end = Self.priorityEnd(line) else { return nil }
            message = end
            if end &+ 1 < line.count, line[end] == UInt8(ascii: "1"), line[end &+ 1] == 0x20 {
                readVersion1(line, end &+ 2)
                return
            }
        }
        guard let dateEnd = skipDate(line, message) else { return }
        isDated = true
        readTag(line, dateEnd)
    }

    /// Up to three digits, at most 191.
    @inline(__always)
    private static func priorityEnd(_ line: Span<UInt8>) -> Int? {
        var priority = 0
        var i = 1
        while i < line.count, isDigit(line[i]) {
            guard i < 4 else { return nil }
            priority = priority &* 10 &+ Int(line[i] &- 0x30)
            i &+= 1
        }
        guard i > 1, priority <= 191, i < line.count, line[i] == UInt8(ascii: ">") else { return nil }
        return i &+ 1
    }

    /// `Nov 23 07:49:44 ` or `2026-11-23T07:49:44.506789+00:00 `.
    @inline(__always)
    private mutating func skipDate(_ line: Span<UInt8>, _ start: Int) -> Int? {
        if start &+ 16 <= line.count, line[start &+ 3] == 0x20, line[start &+ 6] == 0x20, line[start &+ 9] == 0x3a,
            line[start &+ 12] == 0x3a, line[start &+ 15] == 0x20, line[start] &- 0x41 < 26, isDigit(line[start &+ 14])
        {
            return start &+ 16
        }
        guard start &+ 20 < line.count, line[start &+ 4] == 0x2d, line[start &+ 7] == 0x2d, isDigit(line[start]),
            line[start &+ 10] | 0x20 == UInt8(ascii: "t"), line[start &+ 13] == 0x3a
        else { return nil }
        var end = start &+ 19
        while end < line.count, line[end] != 0x20 {
            guard end < start &+ 36 else { return nil }
            end &+= 1
        }
        guard end < line.count else { return nil }
        date = start..<end
        return end &+ 1
    }

    /// `tag: `, `tag[pid]: ` or `host tag: `; where there is none, the message begins at once.
    @inline(__always)
    private mutating func readTag(_ line: Span<UInt8>, _ start: Int) {
        message = start
        // A host may be an address of IPv6.
        if takeTag(line, start, mayBeHost: true) { return }
        var space = start
        while space < line.count, line[space] != 0x20 {
            guard space < start &+ 255 else { return }
            space &+= 1
        }
        if space < line.count, takeTag(line, space &+ 1, mayBeHost: false) { return }
    }

    @inline(__always)
    private mutating func takeTag(_ line: Span<UInt8>, _ start: Int, mayBeHost: Bool) -> Bool {
        var end = start
        while end < line.count, isTagByte(line[end]), end < start &+ Self.tagBytesMax { end &+= 1 }
        guard end > start, end < line.count else { return false }
        var colon = end
        if line[end] == 0x5b {
            colon = end &+ 1
            while colon < line.count, line[colon] != 0x5d, colon < end &+ 16 { colon &+= 1 }
            colon &+= 1
        }
        guard colon < line.count, line[colon] == 0x3a else { return false }
        if colon &+ 1 < line.count, line[colon &+ 1] != 0x20 {
            // Nor is an address of IPv6 a tag.
            if mayBeHost || NetworkAddress(line.extracting(start..<line.first(of: 0x20, from: start))) != nil {
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
        isLowerOrDigit(byte | 0x20) || byte == 0x5f || byte == 0x2d || byte == 0x2e || byte == 0x2f
    }

    /// RFC 5424: date, host, tag, process, message id, structured data, message.
    private mutating func readVersion1(_ line: Span<UInt8>, _ start: Int) {
        message = line.count
        var i = start
        for part in 0..<5 {
            let end = line.first(of: 0x20, from: i)
            guard end < line.count else { return }
            if part == 0, end - i >= 19 { date = i..<end }
            if part == 2, end - i <= Self.tagBytesMax { tag = i..<end }
            i = end + 1
        }
        isDated = true
        guard i < line.count else { return }
        if line[i] == 0x2d {
            i += 1
        } else {
            while i < line.count, line[i] == 0x5b { i = element(line, i) }
        }
        guard i < line.count, line[i] == 0x20 else { return }
        i += 1
        // A byte order mark may begin the text.
        if i + 2 < line.count, line[i] == 0xef, line[i + 1] == 0xbb, line[i + 2] == 0xbf { i += 3 }
        message = i
        skipSpaces(line)
    }

    /// Relays add spaces before a message.
    @inline(__always)
    private mutating func skipSpaces(_ line: Span<UInt8>) {
        while message < line.count, line[message] == 0x20 { message &+= 1 }
    }

    /// Steps over `[id name="value" …]`, and keeps a site.
    private mutating func element(_ line: Span<UInt8>, _ start: Int) -> Int {
        var i = start + 1
        while i < line.count, line[i] != 0x5d {
            guard line[i] == 0x22 else {
                i += 1
                continue
            }
            // `s=` behind a space names the site.
            let isSite = i >= 3 && line[i - 1] == 0x3d && line[i - 2] == UInt8(ascii: "s") && line[i - 3] == 0x20
            let value = i + 1
            i = value
            while i < line.count, line[i] != 0x22 { i += line[i] == 0x5c ? 2 : 1 }
            guard i < line.count else { return line.count }
            if isSite, site == nil { site = value..<i }
            i += 1
        }
        return min(i + 1, line.count)
    }
}
