import Glibc

/// How long to wait between two batches of a stream, so that one wake-up serves many datagrams.
///
/// With plain senders a wake-up for each datagram costs four times as much as a nap of 50 µs. A journal adds a write a
/// batch, so the nap grows while batches are small, to 400 µs: a datagram of a stream never waits longer than that and
/// what the kernel adds, some 0.5 ms together. A lone datagram does not wait at all.
public struct StreamNap {
    private var nanoseconds = shortest
    private var lastBatch: Int64 = 0

    private static let shortest = 50_000
    private static let longest = 400_000
    /// Batches closer than this are a stream.
    private static let streamNanoseconds: Int64 = 1_000_000

    /// The first batch is no stream.
    public init() {}

    /// Rests after a batch of `count` datagrams that was not full, if it came soon after another one.
    public mutating func rest(after count: Int) {
        let now = Clocks.steadyNanoseconds
        defer { lastBatch = Clocks.steadyNanoseconds }
        guard now - lastBatch < Self.streamNanoseconds else {
            nanoseconds = Self.shortest
            return
        }
        if count < 16 { nanoseconds = min(nanoseconds * 2, Self.longest) }
        if count > 40 { nanoseconds = max(nanoseconds / 2, Self.shortest) }
        var time = timespec(tv_sec: 0, tv_nsec: nanoseconds)
        _ = unsafe nanosleep(&time, nil)
    }
}
