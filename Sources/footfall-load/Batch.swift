import CKernel

/// Up to 64 datagrams side by side in memory, sent with one call.
struct Batch {
    /// Datagrams that the kernel accepts in one call.
    static let datagramsMax = 64

    /// The bytes of all datagrams so far. Added bytes belong to the datagram that `close` ends.
    var bytes: [UInt8] = []
    /// Where each closed datagram ends.
    private var ends: [Int] = []

    init() {
        bytes.reserveCapacity(Self.datagramsMax * 8192)
        ends.reserveCapacity(Self.datagramsMax)
    }

    var count: Int { ends.count }

    /// Ends a datagram, which may be empty. Returns its length.
    mutating func close() -> Int {
        precondition(count < Self.datagramsMax, "a batch has at most 64 datagrams")
        let length = bytes.count - start(of: count)
        ends.append(bytes.count)
        return length
    }

    /// Empties the batch and keeps its memory.
    mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
    }

    /// Sends datagram `first` and the following ones. Returns how many the kernel accepted, or a negative error number.
    func send(from first: Int, to descriptor: CInt) -> Int {
        unsafe bytes.withUnsafeBufferPointer { bytes in
            unsafe withUnsafeTemporaryAllocation(of: UnsafePointer<UInt8>?.self, capacity: count - first) { starts in
                unsafe withUnsafeTemporaryAllocation(of: UInt32.self, capacity: count - first) { lengths in
                    for i in first..<count {
                        unsafe starts.initializeElement(
                            at: i - first, to: bytes.baseAddress.map { unsafe $0 + start(of: i) })
                        unsafe lengths.initializeElement(at: i - first, to: UInt32(ends[i] - start(of: i)))
                    }
                    return Int(
                        unsafe ck_send(descriptor, starts.baseAddress, lengths.baseAddress, UInt32(count - first)))
                }
            }
        }
    }

    private func start(of datagram: Int) -> Int { datagram == 0 ? 0 : ends[datagram - 1] }
}

extension [UInt8] {
    @inline(__always)
    mutating func append(text: StaticString) {
        unsafe append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    @inline(__always)
    mutating func append(decimal number: Int) {
        var digits: [20 of UInt8] = .init(repeating: 0)
        var rest = UInt64(number)
        var first = 20
        repeat {
            first &-= 1
            digits[first] = 0x30 | UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        } while rest > 0
        for i in first..<20 { append(digits[i]) }
    }

    /// Appends a group of an IPv6 address, without leading zeros.
    @inline(__always)
    mutating func append(group: UInt16) {
        var shift: UInt16 = group >= 0x1000 ? 12 : group >= 0x100 ? 8 : group >= 0x10 ? 4 : 0
        while true {
            let digit = UInt8(truncatingIfNeeded: group &>> shift) & 15
            append(digit < 10 ? 0x30 | digit : 0x57 &+ digit)
            if shift == 0 { return }
            shift &-= 4
        }
    }
}
