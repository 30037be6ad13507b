import Wire

/// A numeric address and a port to listen on, written `127.0.0.1:7373` or `[::1]:7373`.
struct ListenAddress: Sendable, Equatable, CustomStringConvertible {
    /// Without brackets.
    var host: String
    /// 0: any free port.
    var port: UInt16
    var isIPv6: Bool

    var description: String { isIPv6 ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// Nobody outside this machine can reach it.
    var isLoopback: Bool { isIPv6 ? host == "::1" : host.hasPrefix("127.") }
}

extension ListenAddress {
    init?(_ text: String) {
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

extension Form where Value == ListenAddress {
    static let listenAddress = Form(
        allowed: "a numeric address and a port, such as \"127.0.0.1:7373\" or \"[::1]:7373\"",
        read: { if case .text(let text) = $0 { ListenAddress(text) } else { nil } },
        write: { quoted($0.description) })
}
