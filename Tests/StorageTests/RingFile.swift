/// A receive ring as a killed process leaves it, built from the documented layout and not with the code that reads it.
struct RingFile {
    private(set) var bytes: [UInt8]

    struct Datagram {
        var text: String
        /// The sender.
        var address: [UInt8] = [127, 0, 0, 1]
        /// The stamp, in milliseconds.
        var stamp: Int64
    }

    private static let slots = 4096
    private static let headers = slots + 64
    private static let vectors = headers + 64 * 64
    private static let vectorBytes = 16 + 128 + 64
    /// Where the bytes of the first datagram are.
    static let payload = slots + 20_480
    /// The distance between two datagrams.
    private let stride: Int
    /// The end of the part of the head that has a checksum.
    static let head = 48

    init(incarnation: [UInt8], sequence: UInt64, before: UInt64, _ datagrams: [Datagram], version: UInt8 = 2) {
        stride = version == 1 ? 8192 : 8384
        bytes = [UInt8](repeating: 0, count: Self.payload + 64 * stride)
        write(Array("FFRING".utf8) + [0, version], at: 0)
        write(incarnation, at: 16)
        write(sequence, 8, at: 32)
        write(before, 8, at: 40)
        write(UInt64(crc32c(bytes[12..<48])), 4, at: 8)
        write(64, 4, at: Self.slots)
        write(8192, 4, at: Self.slots + 4)
        for i in 0..<64 { write(0xffff_ffff, 4, at: Self.headers + i * 64 + 56) }
        for (i, datagram) in datagrams.enumerated() { write(datagram, slot: i) }
    }

    /// The version in the head.
    var version: UInt8 {
        get { bytes[7] }
        set { bytes[7] = newValue }
    }

    private mutating func write(_ datagram: Datagram, slot: Int) {
        let header = Self.headers + slot * 64
        let vector = Self.vectors + slot * Self.vectorBytes
        let payload = Self.payload + slot * stride
        // Pointers of another process. They have no meaning here.
        write(0xdead_beef_0000, 8, at: header)
        write(16, 4, at: header + 8)
        write(0xdead_beef_1000, 8, at: header + 16)
        write(1, 8, at: header + 24)
        write(0xdead_beef_2000, 8, at: header + 32)
        write(32, 8, at: header + 40)
        write(UInt64(datagram.text.utf8.count), 4, at: header + 56)
        write(0xdead_beef_3000, 8, at: vector)
        write(8192, 8, at: vector + 8)
        // AF_INET, a port, the address.
        write(2, 2, at: vector + 16)
        write([0x12, 0x34] + datagram.address, at: vector + 18)
        // SCM_TIMESTAMPNS of SOL_SOCKET.
        let control = vector + 16 + 128
        write(32, 8, at: control)
        write(1, 4, at: control + 8)
        write(35, 4, at: control + 12)
        write(UInt64(datagram.stamp / 1000), 8, at: control + 16)
        write(UInt64(datagram.stamp % 1000 * 1_000_000), 8, at: control + 24)
        write(Array(datagram.text.utf8), at: payload)
    }

    mutating func write(_ number: UInt64, _ count: Int, at offset: Int) {
        for i in 0..<count { bytes[offset + i] = UInt8(truncatingIfNeeded: number >> UInt64(8 * i)) }
    }

    mutating func write(_ values: [UInt8], at offset: Int) {
        bytes.replaceSubrange(offset..<offset + values.count, with: values)
    }

    /// The control messages of a datagram.
    static func control(_ slot: Int) -> Range<Int> {
        let start = vectors + slot * vectorBytes + 144
        return start..<start + 64
    }
}

/// CRC-32C, a bit at a time.
func crc32c(_ bytes: some Sequence<UInt8>) -> UInt32 {
    var crc: UInt32 = 0xffff_ffff
    for byte in bytes {
        crc ^= UInt32(byte)
        for _ in 0..<8 { crc = crc >> 1 ^ (crc & 1 == 1 ? 0x82f6_3b78 : 0) }
    }
    return ~crc
}
