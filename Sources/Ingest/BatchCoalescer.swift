import Glibc
import Platform

/// How long to wait between two batches of a stream, so that one wake-up serves many datagrams.
///
/// With plain senders a wake-up for each datagram costs four times as much as a nap of 50 µs, and a journal adds a write
/// a batch. So the nap becomes as long as it takes for a batch to be three quarters full, within 50 and 400 µs: a
/// datagram of a stream never waits longer than that and what the kernel adds, some 0.5 ms together. A lone datagram does
/// not wait at all.
public struct BatchCoalescer {
    private var nanoseconds = shortest
    private var lastBatch: Int64 = 0

    private static let shortest = 50_000
    private static let longest = 400_000
    /// Datagrams a batch should have: some room for those of a burst.
    private static let batch = ReceiveRing.batchMax * 3 / 4
    /// Batches closer than this are a stream.
    private static let streamNanoseconds: Int64 = 1_000_000

    /// The first batch is no stream.
    public init() {}

    /// Rests after a batch of `count` datagrams, at least one, that was not full, if it came soon after another one.
    public mutating func rest(after count: Int) {
        let now = Clocks.steadyNanoseconds
        defer { lastBatch = Clocks.steadyNanoseconds }
        guard now - lastBatch < Self.streamNanoseconds else {
            nanoseconds = Self.shortest
            return
        }
        nanoseconds = min(max(nanoseconds * Self.batch / count, Self.shortest), Self.longest)
        var time = timespec(tv_sec: 0, tv_nsec: nanoseconds)
        _ = unsafe nanosleep(&time, nil)
    }
}
