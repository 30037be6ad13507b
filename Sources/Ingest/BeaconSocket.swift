import Foundation
import Glibc

/// A UDP socket for beacons, bound by the daemon or inherited.
///
/// It asks the kernel for receive stamps in nanoseconds, so that a hit counts at the moment it arrived, not when it was
/// read.
public final class BeaconSocket: Sendable {
    /// The descriptor. It is closed with the socket.
    public let descriptor: CInt
    /// The name for people: the socket's address, or the name under which it was passed.
    public let name: String
    /// The receive buffer that the kernel granted, in bytes as the kernel counts them (twice what was requested).
    public let receiveBuffer: Int
    /// True if another process passed the socket: it stays open when this process ends.
    public let isInherited: Bool
    /// Identifies the socket as long as it exists, across processes and boots.
    public let cookie: UInt64

    /// Adopts a bound datagram socket.
    public convenience init(inherited descriptor: CInt, name: String) throws(SocketError) {
        guard option(descriptor, SO_TYPE, CInt(0)) == CInt(SOCK_DGRAM.rawValue) else { throw .notDatagram(name) }
        self.init(descriptor: descriptor, name: name, isInherited: true)
    }

    /// Opens and binds a socket at a numeric address. The kernel may grant less than `receiveBuffer`.
    public convenience init(host: String, port: UInt16, receiveBuffer: Int) throws(SocketError) {
        let descriptor = try SocketAddress(host: host, port: port).bound(SOCK_DGRAM)
        // The first option may exceed rmem_max and needs CAP_NET_ADMIN. The second may not.
        setOption(descriptor, SOL_SOCKET, SO_RCVBUF, CInt(clamping: receiveBuffer))
        setOption(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, CInt(clamping: receiveBuffer))
        self.init(descriptor: descriptor, name: SocketAddress.name(of: descriptor), isInherited: false)
    }

    private init(descriptor: CInt, name: String, isInherited: Bool) {
        self.descriptor = descriptor
        self.isInherited = isInherited
        self.name = name
        setOption(descriptor, SOL_SOCKET, SO_TIMESTAMPNS, 1)
        receiveBuffer = Int(option(descriptor, SO_RCVBUF, CInt(0)))
        cookie = option(descriptor, Self.socketCookie, UInt64(0)) ^ Self.boot
    }

    deinit { close(descriptor) }

    /// The kernel's current numbers of the socket, without waiting for a datagram: datagrams dropped for lack of room
    /// since the socket was opened, modulo 2³², and bytes waiting to be read, as the kernel counts them.
    public var memory: (drops: UInt32, queuedBytes: Int) {
        let info = option(descriptor, SO_MEMINFO, [9 of UInt32](repeating: 0))
        // linux/sock_diag.h: SK_MEMINFO_RMEM_ALLOC is 0, SK_MEMINFO_DROPS is 8.
        return (info[8], Int(info[0]))
    }

    /// The kernel numbers sockets from the start at every boot, so this tells boots apart. If `/proc/sys` is closed to
    /// the service, its unit passes the value.
    private static let boot: UInt64 = {
        let name = ProcessInfo.processInfo.environment["BOOT_ID"] ?? PortOwner.text("/proc/sys/kernel/random/boot_id")
        let digits = name.filter(\.isHexDigit)
        return UInt64(digits.suffix(16), radix: 16) ?? 0
    }()

    // asm-generic/socket.h
    private static let socketCookie: CInt = 57
}

/// Why a socket cannot be used, with what the operator can do about it.
public enum SocketError: Error, Equatable, CustomStringConvertible {
    /// Another process has the port.
    case inUse(String, by: String?)
    /// The address does not belong to this machine, the port is privileged, or similar.
    case cannotBind(String, reason: String)
    /// An inherited socket is not a datagram socket.
    case notDatagram(String)
    /// An inherited socket does not listen for connections.
    case notListening(String)

    /// One sentence: what happened, which process has the port, what to do.
    public var description: String {
        switch self {
        case .inUse(let address, let owner?):
            "\(address) is in use by \(owner); stop it, or listen elsewhere (see [beacon] and [http] listen)"
        case .inUse(let address, nil):
            "\(address) is in use by another program; stop it, or listen elsewhere (see [beacon] and [http] listen)"
        case .cannotBind(let address, let reason):
            "cannot listen at \(address): \(reason); choose an address of this machine (see [beacon] and [http] listen)"
        case .notDatagram(let name):
            "the inherited socket \(name) is not a datagram socket; use ListenDatagram= in its unit"
        case .notListening(let name):
            "the inherited socket \(name) does not accept connections; use ListenStream= in its unit"
        }
    }
}
