import Counting

/// The common and the combined log format of Apache and nginx, with or without the virtual host in front:
/// ```
/// [host[:port] ]address ident user [day/Mon/year:h:m:s zone] "GET /path HTTP/1.1" status size[ …]["referrer" "agent"[ …]]
/// ```
/// Anything between the size and the referrer is skipped. The address may be a list as in X-Forwarded-For.
///
/// Text in quotes comes from the visitor. Servers escape quotes in it, so none can be forged. A user's name may contain
/// spaces and brackets.
enum CombinedLog {
    /// `[23/Nov/2026:07:49:43 +0000] "`
    private static let timeBytes = 29

    @inline(__always)
    static func read(_ bytes: Span<UInt8>) -> HitFields? {
        var quotes = QuoteScanner()
        var open = quotes.next(in: bytes)
        while open < bytes.count, !endsTime(bytes, open) { open = quotes.next(in: bytes) }
        guard open < bytes.count else { return nil }
        var line = HitFields(.line, isRequest: true, .backslash)
        let bracket = open &- timeBytes
        line[.time] = bracket &+ 1..<open &- 2
        guard setAddress(bytes, end: bracket, into: &line) else { return nil }

        let close = quotes.next(in: bytes)
        line.setRequest(bytes, open &+ 1..<close, isCut: close == bytes.count)
        let status = close &+ 2
        guard status < bytes.count else {
            line.isCut = true
            return line
        }
        guard bytes[close &+ 1] == .space else { return nil }
        let statusEnd = bytes.first(of: .space, from: status)
        guard statusEnd < bytes.count else {
            line.isCut = true
            return line
        }
        line[.status] = status..<statusEnd
        let quote = quotes.next(in: bytes)
        // The common format ends here.
        guard quote < bytes.count, bytes[quote &- 1] == .space else { return line }
        setReferrerAndAgent(bytes, quote, &quotes, into: &line)
        return line
    }

    @inline(__always)
    private static func endsTime(_ bytes: Span<UInt8>, _ quote: Int) -> Bool {
        let bracket = quote &- timeBytes
        return bracket > 1 && bytes[quote &- 1] == .space && bytes[quote &- 2] == .closeBracket
            && bytes[bracket] == .openBracket
            && bytes[bracket &- 1] == .space && bytes[bracket &+ 3] == .slash && bytes[bracket &+ 7] == .slash
    }

    /// Sets the address. It is the second word if the first one is the virtual host.
    @inline(__always)
    private static func setAddress(_ bytes: Span<UInt8>, end: Int, into line: inout HitFields) -> Bool {
        var first = bytes.first(of: .space, from: 0)
        guard first > 0, first &+ 1 < end else { return false }
        if bytes[first &- 1] == .comma {
            first = listEnd(bytes, first)
            line[.address] = 0..<min(first, end)
            return true
        }
        let second = bytes.first(of: .space, from: first &+ 1)
        if second &- first > 2 {
            let isList = bytes[second &- 1] == .comma
            if NetworkAddress(bytes.extracting(first &+ 1..<(isList ? second &- 1 : second))) != nil {
                line[.host] = 0..<first
                line[.address] = first &+ 1..<min(isList ? listEnd(bytes, second) : second, end)
                return true
            }
        }
        // `host - - - [`, and `host:80 name - - [` if the server resolves names: the visitor is unknown.
        if end &- first != 5, bytes[0] > UInt8(ascii: "9"), NetworkAddress(bytes.extracting(0..<first)) == nil,
            endsInPort(bytes, first) || end &- first == 7 && bytes[first &+ 1] == .dash && bytes[first &+ 3] == .dash
        {
            line[.host] = 0..<first
            line[.address] = first &+ 1..<second
            return true
        }
        line[.address] = 0..<first
        return true
    }

    /// The end of a list of addresses. Its first address ends in a comma before `space`.
    private static func listEnd(_ bytes: Span<UInt8>, _ space: Int) -> Int {
        var end = space
        while end < bytes.count, bytes[end &- 1] == .comma { end = bytes.first(of: .space, from: end &+ 1) }
        return end
    }

    /// True if digits after a colon end at `end`.
    private static func endsInPort(_ bytes: Span<UInt8>, _ end: Int) -> Bool {
        var i = end
        while i > 0, isDigit(bytes[i - 1]) { i -= 1 }
        return i < end && i > 1 && bytes[i - 1] == .colon
    }

    /// Sets referrer and agent.
    @inline(__always)
    private static func setReferrerAndAgent(
        _ bytes: Span<UInt8>, _ quote: Int, _ quotes: inout QuoteScanner, into line: inout HitFields
    ) {
        let referrer = quote &+ 1
        let referrerEnd = quotes.next(in: bytes)
        let agent = quotes.next(in: bytes) &+ 1
        line.hasAgent = true
        guard agent <= bytes.count else {
            line.isCut = true
            line.isAgentCut = true
            return
        }
        let agentEnd = quotes.next(in: bytes)
        if referrer == referrerEnd, agent == agentEnd, goesOnAsHAProxy(bytes, agentEnd &+ 1) {
            line.hasAgent = false
            return
        }
        line[.referrer] = referrer..<referrerEnd
        line[.agent] = agent..<agentEnd
        line.isAgentCut = agentEnd == bytes.count
        line.isCut = line.isAgentCut
        // Additional fields are in quotes as well, and the line may be cut inside one.
        while quotes.next(in: bytes) < bytes.count { line.isCut.toggle() }
    }
}

/// HAProxy's own combined format always leaves referrer and agent empty. It continues with the client's port,
/// milliseconds and the frontend: ` 34626 506 "web"`.
private func goesOnAsHAProxy(_ bytes: Span<UInt8>, _ start: Int) -> Bool {
    var i = start
    for _ in 0..<2 {
        guard i + 1 < bytes.count, bytes[i] == .space, isDigit(bytes[i + 1]) else { return false }
        i += 1
        while i < bytes.count, isDigit(bytes[i]) { i += 1 }
    }
    return i + 1 < bytes.count && bytes[i] == .space && bytes[i + 1] == .quote
}

/// Finds quotes without a backslash before them, 64 bytes at a time.
struct QuoteScanner {
    private var scanner = FieldScanner(.quote, .quote)

    /// The place of the next quote, or the end.
    @inline(__always)
    mutating func next(in bytes: Span<UInt8>) -> Int {
        while true {
            let place = scanner.next(in: bytes)
            guard place < bytes.count, place > 0, bytes[place &- 1] == .backslash, isEscaped(bytes, place) else {
                return place
            }
        }
    }

    /// True if an odd number of backslashes is before the quote. Each backslash belongs to one quote only.
    private func isEscaped(_ bytes: Span<UInt8>, _ place: Int) -> Bool {
        var i = place
        while i > 0, bytes[i - 1] == .backslash { i -= 1 }
        return (place - i) % 2 == 1
    }
}
