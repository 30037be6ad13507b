/// A set of sites, one bit each.
struct SiteSet: Sendable {
    private var words: [UInt64] = []

    @inline(__always)
    mutating func insert(_ site: SiteIndex) {
        let word = site.number >> 6
        if word >= words.count { words += [UInt64](repeating: 0, count: word + 1 - words.count) }
        words[word] |= 1 << UInt64(site.number & 63)
    }

    /// Removes and returns all sites, in the order of their indexes.
    mutating func takeAll() -> [SiteIndex] {
        var sites: [SiteIndex] = []
        for place in words.indices {
            var rest = words[place]
            while rest != 0 {
                sites.append(SiteIndex(place << 6 | rest.trailingZeroBitCount))
                rest &= rest - 1
            }
            words[place] = 0
        }
        return sites
    }
}
