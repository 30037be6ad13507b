import Counting

/// HAProxy's HTTP log:
/// ```
/// address:port [day/Mon/year:h:m:s.ms] frontend backend/server 0/0/0/0/0 status size cookie cookie ---- 1/1/0/0/0 0/0
///     [{captures of the request}] [{captures of the answer}] "GET /path HTTP/1.1"
/// ```
/// (one line). The captures have no names. Three captures of the request are read as `Host`, `Referer` and
/// `User-Agent`, in this order, if they can be: three captures of the response look the same. HAProxy escapes
/// separators in them.
enum HAProxyLog {
    private static let timeBytes = 24

    static func read(_ bytes: Span<UInt8>) -> HitFields? {
        let addressEnd = bytes.first(of: .space, from: 0)
        var line = HitFields(.line, isRequest: true, .hash)
        var colon = addressEnd
        while colon > 0, bytes[colon - 1] != .colon {
            guard isDigit(bytes[colon - 1]) else { return nil }
            colon -= 1
        }
        guard colon > 1, colon < addressEnd else { return nil }
        line[.address] = 0..<colon - 1

        let time = addressEnd + 2
        guard time + timeBytes < bytes.count else {
            line.isCut = true
            return line
        }
        guard bytes[time + timeBytes] == .closeBracket, bytes[time + 2] == .slash, bytes[time + 6] == .slash else {
            return nil
        }
        line[.time] = time..<time + timeBytes

        var words = Words(place: time + timeBytes + 1)
        guard words.skip(3, in: bytes), let status = words.next(in: bytes), words.skip(6, in: bytes) else {
            line.isCut = true
            return line
        }
        line[.status] = status
        if words.isAt(.openBrace, in: bytes) {
            let start = words.place + 2
            let end = bytes.first(of: .closeBrace, from: start)
            setCaptures(bytes, start, end, into: &line)
            words.place = end + 1
            // The captures of the response.
            if words.isAt(.openBrace, in: bytes) { words.place = bytes.first(of: .closeBrace, from: words.place) + 1 }
        }
        guard words.isAt(.quote, in: bytes) else {
            if words.place < bytes.count { return nil }
            line.isCut = true
            return line
        }
        let request = words.place + 2
        let end = bytes.first(of: .quote, from: request)
        line.isCut = end == bytes.count
        // A long URL is cut, but its closing quote remains. Only the protocol is missing then.
        let isWhole = !line.isCut && RequestLine.protocolStart(bytes, request, end) != nil
        line.setRequest(bytes, request..<end, isCut: !isWhole)
        return line
    }

    private static func setCaptures(_ bytes: Span<UInt8>, _ start: Int, _ end: Int, into line: inout HitFields) {
        let first = bytes.first(of: .bar, from: start)
        let second = bytes.first(of: .bar, from: first + 1)
        guard second < end, bytes.first(of: .bar, from: second + 1) >= end else { return }
        guard mayBeHost(bytes, start..<first), second - first <= 2 || bytes.first(of: .slash, from: first + 1) < second
        else { return }
        line[.host] = start..<first
        line[.referrer] = first + 1..<second
        line[.agent] = second + 1..<end
        line.hasAgent = true
        line.isAgentCut = end == bytes.count
    }

    private static func mayBeHost(_ bytes: Span<UInt8>, _ place: Range<Int>) -> Bool {
        for i in place where bytes[i] == .slash || bytes[i] == .semicolon || bytes[i] == .equals { return false }
        return true
    }

    /// Words with a space before each.
    private struct Words {
        var place: Int

        /// The next word, if the one after it has begun.
        mutating func next(in bytes: Span<UInt8>) -> Range<Int>? {
            let end = bytes.first(of: .space, from: place + 1)
            guard place < bytes.count, bytes[place] == .space, end < bytes.count else { return nil }
            defer { place = end }
            return place + 1..<end
        }

        mutating func skip(_ count: Int, in bytes: Span<UInt8>) -> Bool {
            for _ in 0..<count where next(in: bytes) == nil { return false }
            return true
        }

        /// True if the next word begins with `byte`.
        func isAt(_ byte: UInt8, in bytes: Span<UInt8>) -> Bool {
            place + 1 < bytes.count && bytes[place] == .space && bytes[place + 1] == byte
        }
    }
}
