/// What the sockets have done since the process began, for those who watch; no state depends on it.
public struct IngestNumbers: Sendable {
    /// One socket.
    public struct Listener: Sendable {
        /// How people know it.
        public var name: String
        /// Datagrams read from it, and those of them that were read as beacons.
        public var datagrams: UInt64 = 0, parsed: UInt64 = 0
        /// Datagrams the kernel had no room for since the socket was opened.
        public var drops: UInt64 = 0
        /// Bytes that wait in it, by the kernel's reckoning.
        public var queuedBytes = 0

        /// A socket that nothing came through yet.
        public init(name: String) { self.name = name }
    }

    /// In their own order.
    public var listeners: [Listener] = []
    /// Datagrams read at a time.
    public var batches = Histogram([1, 2, 4, 8, 16, 32, 63])
    /// Seconds that the first datagram of each batch had waited since the kernel took it in.
    public var delays = Histogram([0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.1, 1, 10])

    /// Nothing yet.
    public init() {}
}
