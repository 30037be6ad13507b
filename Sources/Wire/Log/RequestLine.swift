import Counting

extension HitFields {
    /// Sets method and URL from the request line `GET /path HTTP/1.1`. An invalid one (`<BADREQ>`, the first bytes of
    /// TLS) has neither method nor path.
    @inline(__always)
    mutating func setRequest(_ bytes: Span<UInt8>, _ request: Range<Int>, isCut: Bool) {
        var i = request.lowerBound
        while i < request.upperBound, isUpper(bytes[i]) { i &+= 1 }
        guard i > request.lowerBound, i < request.upperBound, bytes[i] == .space else { return }
        self[.method] = request.lowerBound..<i
        let start = i &+ 1
        var end = request.upperBound
        if !isCut {
            end =
                RequestLine.protocolStart(bytes, start, end)
                ?? (escaping == .json ? RequestLine.escapedStart(bytes, start, end) : end)
        }
        self[.url] = start..<end
        isURLCut = isCut
    }
}

/// The parts of a request line.
enum RequestLine {
    /// The space before `HTTP\/1.1`, which some servers write in JSON; otherwise `end`.
    fileprivate static func escapedStart(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> Int {
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
            if bytes[space] == .space, space &+ 8 <= bytes.count,
                bytes.word(at: space) & 0xffff_ffff_ffff == 0x2f50_5454_4820
            {
                return space
            }
            space &-= 1
        }
        return nil
    }
}
