import Glibc

/// Sockets as systemd would hand them over: bound and listening.
enum Listening {
    /// 127.0.0.1 on a free port.
    static func tcp() throws -> (descriptor: CInt, port: UInt16) {
        let descriptor = try new(AF_INET)
        var address = loopback(port: 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        try check(
            "bind",
            unsafe withUnsafePointer(to: &address) {
                unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe bind(descriptor, $0, length) }
            })
        try check("listen", listen(descriptor, 128))
        try check(
            "getsockname",
            unsafe withUnsafeMutablePointer(to: &address) { address in
                unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe getsockname(descriptor, $0, &length)
                }
            })
        return (descriptor, UInt16(bigEndian: address.sin_port))
    }

    /// A unix socket at `path`.
    static func unix(at path: String) throws -> CInt {
        let descriptor = try new(AF_UNIX)
        try check("bind", unsafe unixSocket(path) { unsafe bind(descriptor, $0, $1) })
        try check("listen", listen(descriptor, 128))
        return descriptor
    }
}

/// The other ends.
enum Connecting {
    static func tcp(_ port: UInt16) throws -> CInt {
        let descriptor = try new(AF_INET)
        var address = loopback(port: port)
        try check(
            "connect",
            unsafe withUnsafePointer(to: &address) {
                unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }, closing: descriptor)
        return descriptor
    }

    static func unix(_ path: String) throws -> CInt {
        let descriptor = try new(AF_UNIX)
        try check("connect", unsafe unixSocket(path) { unsafe connect(descriptor, $0, $1) }, closing: descriptor)
        return descriptor
    }
}

/// A stream socket that gives up waiting after ten minutes: a broken server fails a test, and a slow machine does not.
private func new(_ family: CInt) throws -> CInt {
    let descriptor = socket(family, CInt(SOCK_STREAM.rawValue), 0)
    try check("socket", descriptor < 0 ? -1 : 0)
    var timeout = timeval(tv_sec: 600, tv_usec: 0)
    let size = socklen_t(MemoryLayout<timeval>.size)
    try check("setsockopt", unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, size))
    return descriptor
}

private func loopback(port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return address
}

private func unixSocket(_ path: String, _ call: (UnsafePointer<sockaddr>, socklen_t) -> CInt) -> CInt {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    precondition(path.utf8.count < MemoryLayout.size(ofValue: address.sun_path))
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
    return unsafe withUnsafePointer(to: &address) {
        unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            unsafe call($0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
    }
}

private func check(_ call: String, _ result: CInt, closing descriptor: CInt? = nil) throws {
    guard result < 0 else { return }
    let error = SocketError(call: call, number: errno)
    if let descriptor { close(descriptor) }
    throw error
}
