import Wire

/// A numeric address and a port to listen on, written `127.0.0.1:7373` or `[::1]:7373`.
public struct ListenAddress: Sendable, Equatable, CustomStringConvertible {
    /// Without brackets.
    public var host: String
    /// 0 is any free port.
    public var port: UInt16
    /// `host` is an IPv6 address.
    public var isIPv6: Bool

    /// An address with a numeric host.
    public init(host: String, port: UInt16, isIPv6: Bool) {
        self.host = host
        self.port = port
        self.isIPv6 = isIPv6
    }

    /// The address as it is written in settings.
    public var description: String { isIPv6 ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// Only this machine can reach it.
    public var isLoopback: Bool { isIPv6 ? host == "::1" : host.hasPrefix("127.") }
}

extension ListenAddress {
    /// Parses an address as it is written in settings.
    public init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let digits = text[text.index(after: colon)...]
        var host = text[..<colon]
        let isIPv6 = host.hasPrefix("[") && host.hasSuffix("]")
        if isIPv6 { host = host.dropFirst().dropLast() }
        guard let port = UInt16(digits), "\(port)" == digits else { return nil }
        switch NetworkAddress(Array(host.utf8).span) {
        case .v4? where !isIPv6, .v6? where isIPv6: self.init(host: host.lowercased(), port: port, isIPv6: isIPv6)
        default: return nil
        }
    }
}

extension ValueFormat where Value == ListenAddress {
    static let listenAddress = ValueFormat(
        allowed: "a numeric address and a port, such as \"127.0.0.1:7373\" or \"[::1]:7373\"",
        read: { if case .text(let text) = $0 { ListenAddress(text) } else { nil } },
        write: { quoted($0.description) })
}
