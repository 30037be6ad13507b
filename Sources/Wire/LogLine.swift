import Counting

/// One line of an access log, as places in it: not decoded, not yet believed.
///
/// Each format finds its fields by its own shape: `CombinedLog`, `HAProxyLog`, `JSONLog`, `TabbedLog`. None of them
/// traps, allocates, or looks at a byte more than a fixed number of times.
public struct LogLine: Sendable {
    /// What a line may say.
    enum Field: Int {
        case site, host, address, method, status, url, referrer, agent, visitor, event, time
        /// What a server calls itself, whatever it was asked for; and where a rewrite has led.
        case serverName, rewritten
    }

    /// By field: first byte in the high half, end in the low one; 0 where it was not sent. Of an array each look at a field
    /// made a copy, which was a tenth of a line's time.
    private var places = SIMD16<UInt32>()
    /// How its values are written.
    let escaping: Escaping
    /// The format names the agent, so that an empty one says something.
    var hasAgent = false
    /// The line ends before its format does.
    var isCut = false
    /// The last byte of the URL is not its end.
    var isURLCut = false
    /// The last byte of the agent is not its end.
    var isAgentCut = false

    init(_ escaping: Escaping) { self.escaping = escaping }

    /// Where a field stands; of several values the first counts.
    @inline(__always)
    subscript(_ field: Field) -> Range<Int>? {
        get {
            let place = places[field.rawValue]
            return place == 0 ? nil : Int(place &>> 16)..<Int(place & 0xffff)
        }
        set {
            guard places[field.rawValue] == 0, let place = newValue else { return }
            places[field.rawValue] = UInt32(truncatingIfNeeded: place.lowerBound &<< 16 | place.upperBound)
        }
    }

    /// The line in `body`, whose format it tells by itself; nil where it has none of them. `body` has fewer than 65,536
    /// bytes and no line end.
    @inline(__always)
    init?(_ body: Span<UInt8>, isTruncated: Bool = false) {
        guard body.count > 2, body.count < 1 << 16 else { return nil }
        let line: LogLine?
        if body[0] == UInt8(ascii: "{") {
            line = JSONLog.line(body)
        } else if let separator = TabbedLog.separator(body) {
            line = TabbedLog.line(body, separator)
        } else {
            let space = body.first(of: 0x20, from: 0)
            let isHAProxy = space &+ 1 < body.count && body[space &+ 1] == UInt8(ascii: "[")
            line = isHAProxy ? HAProxyLog.line(body, addressEnd: space) : CombinedLog.line(body)
        }
        guard let line else { return nil }
        self = line
        if isTruncated, !isCut {
            // Its format cannot tell: then it is the last field that is cut.
            isCut = true
            isURLCut = isURLCut || self[.url]?.upperBound == body.count
            isAgentCut = isAgentCut || self[.agent]?.upperBound == body.count
            if self[.status]?.upperBound == body.count { remove(.status) }
        }
        // It may have named an agent further on. HAProxy would have done so before.
        if isCut, escaping != .hash, self[.agent] == nil {
            isAgentCut = true
            hasAgent = false
        }
    }

    /// Forgets a field.
    @inline(__always)
    mutating func remove(_ field: Field) { places[field.rawValue] = 0 }

    /// Takes the request line `GET /path HTTP/1.1`. One that is none (`<BADREQ>`, the first bytes of TLS) says neither
    /// method nor path.
    @inline(__always)
    mutating func takeRequest(_ bytes: Span<UInt8>, _ request: Range<Int>, isCut: Bool) {
        var i = request.lowerBound
        while i < request.upperBound, bytes[i] &- 0x41 < 26 { i &+= 1 }
        guard i > request.lowerBound, i < request.upperBound, bytes[i] == 0x20 else { return }
        self[.method] = request.lowerBound..<i
        let start = i &+ 1
        var end = request.upperBound
        if !isCut {
            end =
                Self.protocolStart(bytes, start, end)
                ?? (escaping == .json ? Self.escapedStart(bytes, start, end) : end)
        }
        self[.url] = start..<end
        isURLCut = isCut
    }

    /// The space before `HTTP\/1.1`, as some write it in JSON; else `end`.
    private static func escapedStart(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> Int {
        var space = end - 8
        while space >= start, end - space <= 11 {
            // " HTTP\/", lowest first.
            if space + 8 <= bytes.count, bytes.word(at: space) & 0xff_ffff_ffff_ffff == 0x2f_5c50_5454_4820 {
                return space
            }
            space -= 1
        }
        return end
    }

    /// The space before `HTTP/1.1` or `HTTP/2`.
    @inline(__always)
    static func protocolStart(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> Int? {
        var space = end &- 7
        while space >= start, end &- space <= 10 {
            // " HTTP/", lowest first.
            if bytes[space] == 0x20, space &+ 8 <= bytes.count,
                bytes.word(at: space) & 0xffff_ffff_ffff == 0x2f50_5454_4820
            {
                return space
            }
            space &-= 1
        }
        return nil
    }
}

extension Span<UInt8> {
    /// The first place of `byte` from `start` on; the end where there is none. 16 bytes at a time.
    @inline(__always)
    func first(of byte: UInt8, from start: Int) -> Int {
        var i = start
        while i &+ 16 <= count {
            let found = words(vector(at: i) .== SIMD16<UInt8>(repeating: byte))
            if found[0] != 0 { return i &+ found[0].trailingZeroBitCount &>> 3 }
            if found[1] != 0 { return i &+ 8 &+ found[1].trailingZeroBitCount &>> 3 }
            i &+= 16
        }
        while i < count, self[i] != byte { i &+= 1 }
        return i
    }
}
