/// The sites by index, 16 to a chunk.
///
/// A copy of the table shares its chunks with the original. The first write to a chunk copies 16 sites, not all of
/// them.
struct SiteTable: RandomAccessCollection, Sendable {
    private var chunks: [[SiteCounters]] = []
    private(set) var count = 0

    private static let chunkSize = 16

    var startIndex: Int { 0 }
    var endIndex: Int { count }

    subscript(place: Int) -> SiteCounters {
        @inline(__always) _read { yield chunks[place / Self.chunkSize][place % Self.chunkSize] }
        @inline(__always) _modify { yield &chunks[place / Self.chunkSize][place % Self.chunkSize] }
    }

    mutating func append(_ site: SiteCounters) {
        if count % Self.chunkSize == 0 {
            chunks.append([])
            chunks[chunks.count - 1].reserveCapacity(Self.chunkSize)
        }
        chunks[chunks.count - 1].append(site)
        count += 1
    }
}
