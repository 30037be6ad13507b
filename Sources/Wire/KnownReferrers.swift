import Counting

/// Remembers the hosts of recent referrers, and whether they are listed as spam.
///
/// A referrer is recognised by its bytes up to the slash behind the host, so it does not matter from which page of the
/// host a visitor comes.
///
/// - Complexity: O(bytes of the host) with a few instructions for 8 bytes; 16 KiB.
struct KnownReferrers: Sendable {
    /// Bytes up to the slash, slash included, and what they are.
    private struct Entry {
        /// Bytes of the text; 0 for an empty entry.
        var count: UInt8 = 0
        /// Where the host begins.
        var start: UInt8 = 0
        var isSpam = false
    }

    private var entries = [Entry](repeating: Entry(), count: count)
    /// The texts, `textMax` bytes for each entry.
    private var texts = [UInt8](repeating: 0, count: count * textMax)
    private static let count = 256
    private static let textMax = 64
    /// The shortest text: from here the place among the entries is taken.
    private static let textMin = 16

    /// The place of the host of `raw`, and true if it is listed as spam.
    @inline(__always)
    func find(_ raw: Span<UInt8>) -> (host: Range<Int>, isSpam: Bool)? {
        guard raw.count >= Self.textMin else { return nil }
        let place = Self.place(raw)
        let entry = entries[place]
        let count = Int(entry.count)
        guard count > 0, raw.count >= count else { return nil }
        let text = texts.span.extracting(place &* Self.textMax..<place &* Self.textMax &+ count)
        guard equal(text, raw.extracting(first: count)) else { return nil }
        return (Int(entry.start)..<count &- 1, entry.isSpam)
    }

    /// Remembers a referrer, if a slash follows its host.
    mutating func insert(_ raw: Span<UInt8>, host: Range<Int>, isSpam: Bool) {
        let count = host.upperBound + 1
        guard Self.textMin...Self.textMax ~= count, raw.count >= count, raw[host.upperBound] == .slash else { return }
        let place = Self.place(raw)
        entries[place] = Entry(count: UInt8(count), start: UInt8(host.lowerBound), isSpam: isSpam)
        for i in 0..<count { texts[place * Self.textMax + i] = raw[i] }
    }

    /// From 8 bytes in the middle of the shortest text.
    @inline(__always)
    private static func place(_ raw: Span<UInt8>) -> Int {
        Int(truncatingIfNeeded: (raw.word(at: 8) &* 0x9e37_79b9_7f4a_7c15) &>> 56)
    }
}
