import Glibc

/// A numeric IPv4 or IPv6 address with a port.
public struct SocketAddress: Sendable {
    private let host: String
    private let port: UInt16

    /// `127.0.0.1` or `::1`; port 0 takes any free one.
    public init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    private var text: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// A listening stream socket, not accepting yet what it does not have to.
    public func listening() throws(SocketError) -> CInt {
        let descriptor = try bound(SOCK_STREAM)
        guard listen(descriptor, 1024) == 0 else {
            let reason = Self.reason(errno)
            close(descriptor)
            throw .cannotBind(text, reason: reason)
        }
        return descriptor
    }

    /// A bound socket of the type.
    func bound(_ type: __socket_type) throws(SocketError) -> CInt {
        let family = host.contains(":") ? AF_INET6 : AF_INET
        let descriptor = socket(family, CInt(type.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw .cannotBind(text, reason: Self.reason(errno)) }
        var one: CInt = 1
        if type == SOCK_STREAM {
            _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<CInt>.size))
        }
        if family == AF_INET6 {
            _ = unsafe setsockopt(
                descriptor, CInt(IPPROTO_IPV6), IPV6_V6ONLY, &one, socklen_t(MemoryLayout<CInt>.size))
        }
        let status = unsafe withSockaddr { address, length in unsafe bind(descriptor, address, length) }
        if status != 0 {
            let error = errno
            close(descriptor)
            if error == EADDRINUSE {
                throw .inUse(text, by: PortOwner.find(port: port, isDatagram: type == SOCK_DGRAM))
            }
            throw .cannotBind(text, reason: Self.reason(error))
        }
        return descriptor
    }

    /// A datagram socket that sends to this address.
    public func connected() throws(SocketError) -> CInt {
        let family = host.contains(":") ? AF_INET6 : AF_INET
        let descriptor = socket(family, CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0, unsafe withSockaddr({ unsafe connect(descriptor, $0, $1) }) == 0 else {
            let reason = Self.reason(errno)
            if descriptor >= 0 { close(descriptor) }
            throw .cannotBind(text, reason: reason)
        }
        return descriptor
    }

    private func withSockaddr(_ body: (UnsafePointer<sockaddr>?, socklen_t) -> CInt) -> CInt {
        if host.contains(":") {
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = port.bigEndian
            guard unsafe inet_pton(AF_INET6, host, &address.sin6_addr) == 1 else { return Self.invalid() }
            return unsafe withUnsafePointer(to: &address) {
                unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe body($0, socklen_t(MemoryLayout<sockaddr_in6>.size))
                }
            }
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        guard unsafe inet_pton(AF_INET, host, &address.sin_addr) == 1 else { return Self.invalid() }
        return unsafe withUnsafePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    private static func invalid() -> CInt {
        errno = EINVAL
        return -1
    }

    private static func reason(_ error: CInt) -> String {
        guard let text = unsafe strerror(error) else { return "error \(error)" }
        return unsafe String(cString: text)
    }

    /// Checks that a socket that was handed over under `name` listens for connections.
    public static func checkListening(_ descriptor: CInt, name: String) throws(SocketError) {
        var isListening: CInt = 0
        var length = socklen_t(MemoryLayout<CInt>.size)
        let status = unsafe getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &isListening, &length)
        guard status == 0, isListening == 1 else { throw .notListening(name) }
    }

    /// The address a socket is bound to, as `127.0.0.1:7373` or `[::1]:7373`; a unix socket has its path.
    public static func name(of descriptor: CInt) -> String {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let status = unsafe withUnsafeMutablePointer(to: &storage) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe getsockname(descriptor, $0, &length) }
        }
        guard status == 0 else { return "?" }
        var text = [CChar](repeating: 0, count: 64)
        switch CInt(storage.ss_family) {
        case AF_INET:
            return unsafe withUnsafePointer(to: &storage) {
                unsafe $0.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                    var address = unsafe $0.pointee.sin_addr
                    unsafe inet_ntop(AF_INET, &address, &text, socklen_t(text.count))
                    return unsafe "\(Self.string(text)):\(UInt16(bigEndian: $0.pointee.sin_port))"
                }
            }
        case AF_INET6:
            return unsafe withUnsafePointer(to: &storage) {
                unsafe $0.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) {
                    var address = unsafe $0.pointee.sin6_addr
                    unsafe inet_ntop(AF_INET6, &address, &text, socklen_t(text.count))
                    return unsafe "[\(Self.string(text))]:\(UInt16(bigEndian: $0.pointee.sin6_port))"
                }
            }
        default: return "unix"
        }
    }

    private static func string(_ text: [CChar]) -> String {
        String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
