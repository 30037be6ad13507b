import Counting

/// The text of one field: as it stands in the bytes it came in where that will do, else decoded in a buffer that is used again
/// for the next hit.
struct FieldText: Sendable {
    private var place = 0..<0
    private var isDecoded = false
    private var buffer = Text()

    /// The text; `bytes` are those it was read from.
    @inline(__always)
    @_lifetime(copy bytes, borrow self)
    func span(in bytes: Span<UInt8>) -> Span<UInt8> {
        if isDecoded { return buffer.span }
        return bytes.extracting(place)
    }

    /// How many bytes it has if it was decoded; nil where it stands as it came.
    @inline(__always)
    var decodedCount: Int? { isDecoded ? buffer.bytes.count : nil }

    /// Sets the text to what stands at `place`.
    @inline(__always)
    mutating func set(_ place: Range<Int>) { (self.place, isDecoded) = (place, false) }

    /// Sets the text to no bytes.
    @inline(__always)
    mutating func removeAll() { set(0..<0) }

    /// Decodes and cleans a value; true if it was cut to `limit`.
    mutating func setClean(_ value: Span<UInt8>, _ escaping: Escaping, limit: Int) -> Bool {
        isDecoded = true
        return buffer.setClean(value, escaping, limit: limit)
    }

    /// Sets the text to the path of a page, by its URL.
    mutating func setPath(_ url: borrowing Text, keepQuery: [[UInt8]], _ fileExtension: inout Text) {
        isDecoded = true
        buffer.setPath(url.span, keepQuery: keepQuery, &fileExtension)
    }

    /// Sets the text to the host of a URL; false where it has none.
    mutating func setReferrerHost(_ url: borrowing Text) -> Bool { setReferrerHost(url.span) }

    /// Sets the text to the host of a URL; false where it has none.
    mutating func setReferrerHost(_ url: Span<UInt8>) -> Bool {
        isDecoded = true
        buffer.setReferrerHost(url)
        return !buffer.bytes.isEmpty
    }
}
