/// What the sockets have done since the process began. For monitoring only; no state depends on it.
public struct IngestNumbers: Sendable {
    /// One socket.
    public struct Listener: Sendable {
        /// The name for people.
        public var name: String
        /// Datagrams read from it, and how many of them were parsed as beacons.
        public var datagrams: UInt64 = 0, parsed: UInt64 = 0
        /// Datagrams dropped by the kernel for lack of room since the socket was opened.
        public var drops: UInt64 = 0
        /// Bytes waiting in it, as the kernel counts them.
        public var queuedBytes = 0

        /// A socket that has received nothing yet.
        public init(name: String) { self.name = name }
    }

    /// In the order of the sockets.
    public var listeners: [Listener] = []
    /// Datagrams per batch.
    public var batches = Histogram([1, 2, 4, 8, 16, 32, 63])
    /// Seconds that the first datagram of each batch waited after the kernel received it.
    public var delays = Histogram([0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.1, 1, 10])

    /// Nothing yet.
    public init() {}
}
