import Glibc
import Platform

/// How long to wait between two batches of a stream, so that one wake-up serves many datagrams.
///
/// With plain senders, a wake-up for each datagram costs four times as much as a sleep of 50 µs, and a journal adds a
/// write per batch. So the sleep grows until a batch is three quarters full, between 50 and 400 µs. A datagram of a
/// stream never waits longer than that plus the kernel's own delay, about 0.5 ms together. A single datagram does not
/// wait at all.
public struct BatchCoalescer {
    private var nanoseconds = shortest
    private var lastBatch: Int64 = 0

    private static let shortest = 50_000
    private static let longest = 400_000
    /// Datagrams wanted in a batch. The rest of the batch is room for a burst.
    private static let batch = ReceiveRing.batchMax * 3 / 4
    /// Batches closer together than this are a stream.
    private static let streamNanoseconds: Int64 = 1_000_000

    /// The first batch is not part of a stream.
    public init() {}

    /// Sleeps after a batch of `count` datagrams, at least one, that was not full, if the batch before it was recent.
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
