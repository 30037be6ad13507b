import Glibc
import Platform

/// A numeric IPv4 or IPv6 address with a port.
public struct SocketAddress: Sendable {
    private let host: String
    private let port: UInt16

    /// `127.0.0.1` or `::1`. Port 0 means any free port.
    public init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    private var text: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// A listening stream socket. It does not accept connections yet.
    public func listening() throws(SocketError) -> CInt {
        let descriptor = try bound(SOCK_STREAM)
        guard listen(descriptor, 1024) == 0 else {
            let reason = SystemError.last.description
            close(descriptor)
            throw .cannotBind(text, reason: reason)
        }
        return descriptor
    }

    func bound(_ type: __socket_type) throws(SocketError) -> CInt {
        try unsafe opened(type) { descriptor, address in
            if type == SOCK_STREAM { setOption(descriptor, SOL_SOCKET, SO_REUSEADDR, 1) }
            // An IPv4 socket refuses this option and does not need it.
            setOption(descriptor, CInt(IPPROTO_IPV6), IPV6_V6ONLY, 1)
            return unsafe bind(descriptor, address.ai_addr, address.ai_addrlen)
        }
    }

    /// A datagram socket that sends to this address.
    public func connected() throws(SocketError) -> CInt {
        try unsafe opened(SOCK_DGRAM) { unsafe connect($0, $1.ai_addr, $1.ai_addrlen) }
    }

    private func opened(_ type: __socket_type, _ use: (CInt, addrinfo) -> CInt) throws(SocketError) -> CInt {
        var hints = unsafe addrinfo()
        unsafe hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV
        unsafe hints.ai_socktype = CInt(type.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        guard unsafe getaddrinfo(host, "\(port)", &hints, &found) == 0, let address = unsafe found?.pointee else {
            throw .cannotBind(text, reason: SystemError(EINVAL).description)
        }
        defer { unsafe freeaddrinfo(found) }
        let descriptor = unsafe socket(address.ai_family, address.ai_socktype | CInt(SOCK_CLOEXEC.rawValue), 0)
        if descriptor >= 0, unsafe use(descriptor, address) == 0 { return descriptor }
        let error = errno
        if descriptor >= 0 { close(descriptor) }
        if error == EADDRINUSE { throw .inUse(text, by: PortOwner.find(port: port, isDatagram: type == SOCK_DGRAM)) }
        throw .cannotBind(text, reason: SystemError(error).description)
    }

    /// Checks that the inherited socket `name` listens for connections.
    public static func checkListening(_ descriptor: CInt, name: String) throws(SocketError) {
        guard option(descriptor, SO_ACCEPTCONN, CInt(0)) == 1 else { throw .notListening(name) }
    }

    /// The address of a bound socket, as `127.0.0.1:7373` or `[::1]:7373`; the path of a unix socket.
    public static func name(of descriptor: CInt) -> String {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        var host = [CChar](repeating: 0, count: 64)
        var port = [CChar](repeating: 0, count: 8)
        let isKnown = unsafe withUnsafeMutablePointer(to: &storage) { storage in
            unsafe storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe getsockname(descriptor, address, &length) == 0
                    && (CInt(address.pointee.sa_family) == AF_UNIX
                        || getnameinfo(
                            address, length, &host, socklen_t(host.count), &port, socklen_t(port.count),
                            NI_NUMERICHOST | NI_NUMERICSERV) == 0)
            }
        }
        guard isKnown else { return "?" }
        if CInt(storage.ss_family) == AF_UNIX {
            return unsafe withUnsafeBytes(of: storage) {
                unsafe String(decoding: $0[2..<Int(length)].prefix { $0 != 0 }, as: UTF8.self)
            }
        }
        let name = string(host)
        return (name.contains(":") ? "[\(name)]" : name) + ":" + string(port)
    }

    private static func string(_ text: [CChar]) -> String {
        String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

func setOption(_ descriptor: CInt, _ level: CInt, _ option: CInt, _ value: CInt) {
    var value = value
    _ = unsafe setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<CInt>.size))
}

/// An option of a socket; `initial` if it has none.
func option<T: BitwiseCopyable>(_ descriptor: CInt, _ option: CInt, _ initial: T) -> T {
    var value = initial
    var length = socklen_t(MemoryLayout<T>.size)
    _ = unsafe getsockopt(descriptor, SOL_SOCKET, option, &value, &length)
    return value
}
