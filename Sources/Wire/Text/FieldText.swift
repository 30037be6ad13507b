import Counting

/// The text of one field: in the original bytes if they need no change, otherwise decoded in a buffer that is reused
/// for the next hit.
struct FieldText: Sendable {
    private var place = 0..<0
    private var isDecoded = false
    private var buffer = Text()

    /// The text. `bytes` are those from which it was read.
    @inline(__always)
    @_lifetime(copy bytes, borrow self)
    func span(in bytes: Span<UInt8>) -> Span<UInt8> {
        if isDecoded { return buffer.span }
        return bytes.extracting(place)
    }

    /// The number of its bytes if it was decoded; nil if it is in the original bytes.
    @inline(__always)
    var decodedCount: Int? { isDecoded ? buffer.bytes.count : nil }

    /// Sets the text to the bytes at `place`.
    @inline(__always)
    mutating func set(_ place: Range<Int>) { (self.place, isDecoded) = (place, false) }

    /// Makes the text empty.
    @inline(__always)
    mutating func removeAll() { set(0..<0) }

    /// Decodes and cleans a value. True if it was cut to `limit`.
    mutating func setClean(_ value: Span<UInt8>, _ escaping: Escaping, limit: Int) -> Bool {
        isDecoded = true
        return buffer.setClean(value, escaping, limit: limit)
    }

    /// The text, if it was decoded.
    var decoded: Span<UInt8> {
        @_lifetime(borrow self) get { buffer.span }
    }

    /// Sets the text to the path of a page, from its URL.
    mutating func setPath(_ url: borrowing Text, keepQuery: [[UInt8]], _ fileExtension: inout Text) {
        isDecoded = true
        buffer.setPath(url.span, keepQuery: keepQuery, &fileExtension)
    }

    /// Sets the text to the host of a URL. False if it has none.
    mutating func setReferrerHost(_ url: borrowing Text) -> Bool { setReferrerHost(url.span) }

    /// Sets the text to the host of a URL. False if it has none.
    mutating func setReferrerHost(_ url: Span<UInt8>) -> Bool {
        isDecoded = true
        buffer.setReferrerHost(url)
        return !buffer.bytes.isEmpty
    }
}
