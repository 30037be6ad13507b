/// How long to rest between two batches of a stream, so that one wake-up serves many datagrams.
///
/// With plain senders, a wake-up for each datagram costs four times as much as a rest of 50 µs, and a journal adds a write
/// per batch. So the rest grows until one and a half batches arrive in it, between 50 µs and the longest. A datagram of
/// a stream never waits longer than that plus the kernel's own delay. A single datagram does not wait at all.
struct BatchCoalescer {
    private let longest: Int64
    /// Datagrams that should arrive in a rest.
    private let wanted: Int64
    private var nanoseconds = shortest
    /// Datagrams since the last rest.
    private var received = 0
    private var restedUntil: Int64 = 0

    private static let shortest: Int64 = 50_000
    /// Batches closer together than this are a stream.
    private static let streamNanoseconds: Int64 = 1_000_000

    /// The first batch is not part of a stream. A small receive buffer, in bytes as the kernel counts them, must be read
    /// twice as often.
    init(receiveBuffer: Int) {
        let isSmall = receiveBuffer < 4 << 20
        longest = isSmall ? 400_000 : 800_000
        wanted = Int64(isSmall ? ReceiveRing.batchMax * 3 / 4 : ReceiveRing.batchMax * 3 / 2)
    }

    /// How many nanoseconds to rest after a batch of `count` datagrams, at least one. `now` is when it arrived, by a
    /// steady clock. Nil after a full batch, because more may wait, and after a batch that is not part of a stream.
    mutating func rest(after count: Int, isFull: Bool, at now: Int64) -> Int64? {
        received += count
        guard !isFull else { return nil }
        defer { received = 0 }
        guard now - restedUntil < Self.streamNanoseconds else {
            nanoseconds = Self.shortest
            restedUntil = now
            return nil
        }
        nanoseconds = min(max(nanoseconds * wanted / Int64(received), Self.shortest), longest)
        restedUntil = now + nanoseconds
        return nanoseconds
    }
}
