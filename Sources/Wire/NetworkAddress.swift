import Counting

/// An IPv4 or IPv6 address. IPv4-mapped IPv6 is converted when it is created, so no later code checks for it.
public enum NetworkAddress: Hashable, Sendable {
    /// 32 bits, the first octet highest.
    case v4(UInt32)
    /// 128 bits as two halves, the first group highest.
    case v6(UInt64, UInt64)

    /// The address with these 16 bytes of a packet.
    public init(v6 high: UInt64, _ low: UInt64) {
        if high == 0, low >> 32 == 0xffff {
            self = .v4(UInt32(truncatingIfNeeded: low))
        } else {
            self = .v6(high, low)
        }
    }

    /// The address written as `203.0.113.9`, `2001:db8::1` or `::ffff:203.0.113.9`; nil for anything else. Never traps.
    @inline(__always)
    public init?(_ text: Span<UInt8>) {
        guard text.count >= 2, text.count <= 45 else { return nil }
        if let v4 = Self.dotted(text, from: 0) {
            self = .v4(v4)
        } else if let (high, low) = Self.groups(text) {
            self.init(v6: high, low)
        } else {
            return nil
        }
    }

    @inline(__always)
    private static func dotted(_ text: Span<UInt8>, from start: Int) -> UInt32? {
        var i = start
        guard var address = octet(text, &i) else { return nil }
        for _ in 0..<3 {
            guard i < text.count, text[i] == .dot else { return nil }
            i &+= 1
            guard let octet = octet(text, &i) else { return nil }
            address = address &<< 8 | octet
        }
        return i == text.count ? address : nil
    }

    /// One to three digits from `i`, at most 255. No leading zero, which some programs read as octal.
    @inline(__always)
    private static func octet(_ text: Span<UInt8>, _ i: inout Int) -> UInt32? {
        guard i < text.count, isDigit(text[i]) else { return nil }
        var octet = UInt32(text[i] &- UInt8(ascii: "0"))
        i &+= 1
        guard i < text.count, isDigit(text[i]) else { return octet }
        guard octet > 0 else { return nil }
        octet = octet &* 10 &+ UInt32(text[i] &- UInt8(ascii: "0"))
        i &+= 1
        guard i < text.count, isDigit(text[i]) else { return octet }
        octet = octet &* 10 &+ UInt32(text[i] &- UInt8(ascii: "0"))
        i &+= 1
        return octet <= 255 ? octet : nil
    }

    private static func groups(_ text: Span<UInt8>) -> (UInt64, UInt64)? {
        var groups: [8 of UInt16] = .init(repeating: 0)
        var count = 0
        var gap: Int?
        var i = 0
        while i < text.count {
            if text[i] == .colon {
                guard i + 1 < text.count, text[i + 1] == .colon, gap == nil else { return nil }
                gap = count
                i += 2
                continue
            }
            var value: UInt16 = 0
            var digits = 0
            let start = i
            while i < text.count, let digit = hexValue(text[i]), digits < 4 {
                value = value << 4 | UInt16(digit)
                digits += 1
                i += 1
            }
            if i < text.count, text[i] == .dot {
                guard count <= 6, let v4 = dotted(text, from: start) else { return nil }
                groups[count] = UInt16(v4 >> 16)
                groups[count + 1] = UInt16(truncatingIfNeeded: v4)
                count += 2
                i = text.count
                break
            }
            guard digits > 0, count < 8 else { return nil }
            groups[count] = value
            count += 1
            // One colon separates two groups. Two are a gap, found in the next iteration.
            if i < text.count {
                guard text[i] == .colon, i + 1 < text.count else { return nil }
                if text[i + 1] != .colon { i += 1 }
            }
        }
        if let gap {
            guard count < 8 else { return nil }
            let moved = count - gap
            for k in 0..<moved {
                groups[7 - k] = groups[count - 1 - k]
            }
            for k in gap..<8 - moved { groups[k] = 0 }
        } else if count != 8 {
            return nil
        }
        var halves: (UInt64, UInt64) = (0, 0)
        for k in 0..<4 {
            halves.0 = halves.0 << 16 | UInt64(groups[k])
            halves.1 = halves.1 << 16 | UInt64(groups[k + 4])
        }
        return halves
    }
}

/// A set of networks, each with an address and a prefix length.
public struct Networks: Sendable {
    private struct Network: Sendable {
        var isV6: Bool
        var high: UInt64, low: UInt64
        var bits: Int
    }
    private var networks: [Network] = []

    /// No networks.
    public init() {}

    /// Networks written as `127.0.0.0/8`, `::1/128` or `203.0.113.9`; nil if one of them is invalid.
    public init?(_ texts: [String]) {
        for text in texts {
            let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
            guard let address = NetworkAddress(Array(parts[0].utf8).span) else { return nil }
            let isV6 = if case .v6 = address { true } else { false }
            let widest = isV6 ? 128 : 32
            var bits = widest
            if parts.count == 2 {
                guard let given = Int(parts[1]), (0...widest).contains(given), "\(given)" == parts[1] else {
                    return nil
                }
                bits = given
            }
            let (high, low) = Self.halves(address)
            networks.append(Network(isV6: isV6, high: high, low: low, bits: bits))
        }
    }

    /// Loopback: `127.0.0.0/8` and `::1/128`.
    public static let loopback: Networks = {
        guard let loopback = Networks(["127.0.0.0/8", "::1/128"]) else { preconditionFailure("loopback is invalid") }
        return loopback
    }()

    /// True if the address is in one of the networks.
    public func contains(_ address: NetworkAddress) -> Bool {
        let isV6 = if case .v6 = address { true } else { false }
        let (high, low) = Self.halves(address)
        return networks.contains {
            $0.isV6 == isV6 && ($0.high ^ high) & Self.mask($0.bits) == 0
                && ($0.low ^ low) & Self.mask($0.bits - 64) == 0
        }
    }

    /// IPv4 is in the highest 32 bits, so that a prefix counts from the top for both.
    private static func halves(_ address: NetworkAddress) -> (UInt64, UInt64) {
        switch address {
        case .v4(let bits): (UInt64(bits) << 32, 0)
        case .v6(let high, let low): (high, low)
        }
    }

    private static func mask(_ bits: Int) -> UInt64 {
        bits <= 0 ? 0 : bits >= 64 ? ~0 : ~0 << UInt64(64 - bits)
    }
}

extension NetworkAddress {
    /// An address with or without a port, and with spaces around it: `192.0.2.1:80`, `[2001:db8::1]:80`, `2001:db8::1`.
    public init?(withPort text: Span<UInt8>) {
        var (start, end) = (0, text.count)
        while start < end, text[start] == .space || text[start] == .tab { start += 1 }
        while end > start, text[end - 1] == .space || text[end - 1] == .tab { end -= 1 }
        if start < end, text[start] == .openBracket {
            start += 1
            let close = text.first(of: .closeBracket, from: start)
            guard close < end else { return nil }
            end = close
        } else {
            let colon = text.first(of: .colon, from: start)
            if colon < end, text.first(of: .colon, from: colon + 1) >= end { end = colon }
        }
        self.init(text.extracting(start..<end))
    }
}
