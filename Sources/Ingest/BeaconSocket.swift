import Foundation
import Glibc

/// A UDP socket that beacons arrive at, bound by the daemon or handed over.
///
/// Asks the kernel for receive stamps in nanoseconds, so that a hit counts when it came and not when it was read.
public final class BeaconSocket: Sendable {
    /// The descriptor; closed with the socket.
    public let descriptor: CInt
    /// How people know the socket: its address, or the name it was handed over by.
    public let name: String
    /// Bytes of receive buffer the kernel granted, by its own reckoning (which doubles what is asked for).
    public let receiveBuffer: Int
    /// Handed over: it lives on when this process ends.
    public let isInherited: Bool
    /// Tells the socket from every other one, for as long as it lives; also across processes and boots.
    public let cookie: UInt64

    /// Takes over a bound datagram socket.
    public convenience init(inherited descriptor: CInt, name: String) throws(SocketError) {
        guard option(descriptor, SO_TYPE, CInt(0)) == CInt(SOCK_DGRAM.rawValue) else { throw .notDatagram(name) }
        self.init(descriptor: descriptor, name: name, isInherited: true)
    }

    /// Opens and binds a socket at a numeric address. The receive buffer is what the kernel will give of `receiveBuffer`.
    public convenience init(host: String, port: UInt16, receiveBuffer: Int) throws(SocketError) {
        let descriptor = try SocketAddress(host: host, port: port).bound(SOCK_DGRAM)
        // The first passes rmem_max and needs CAP_NET_ADMIN; the second never does.
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

    /// What the kernel knows of the socket's memory, at once and not with the next datagram: datagrams it had no room for
    /// since the socket was opened, modulo 2³², and bytes that wait to be read, by its own reckoning.
    public var memory: (drops: UInt32, queuedBytes: Int) {
        let info = option(descriptor, SO_MEMINFO, [9 of UInt32](repeating: 0))
        // linux/sock_diag.h: SK_MEMINFO_RMEM_ALLOC is 0, SK_MEMINFO_DROPS is 8.
        return (info[8], Int(info[0]))
    }

    /// The kernel counts sockets anew from every boot: this tells boots apart. Where `/proc/sys` is shut, the service's unit
    /// says it.
    private static let boot: UInt64 = {
        let name = ProcessInfo.processInfo.environment["BOOT_ID"] ?? PortOwner.text("/proc/sys/kernel/random/boot_id")
        let digits = name.filter(\.isHexDigit)
        return UInt64(digits.suffix(16), radix: 16) ?? 0
    }()

    // asm-generic/socket.h
    private static let socketCookie: CInt = 57
}

/// A socket that cannot be had, with what the operator can do about it.
public enum SocketError: Error, Equatable, CustomStringConvertible {
    /// Somebody has the port.
    case inUse(String, by: String?)
    /// The address is none of this machine's, or the port is privileged, or the like.
    case cannotBind(String, reason: String)
    /// A socket was handed over that is no datagram socket.
    case notDatagram(String)
    /// A socket was handed over that does not listen for connections.
    case notListening(String)

    /// One sentence: what happened, who is in the way, what to do.
    public var description: String {
        switch self {
        case .inUse(let address, let owner?):
            "\(address) is in use by \(owner); stop it, or listen elsewhere (see [beacon] and [http] listen)"
        case .inUse(let address, nil):
            "\(address) is in use by another program; stop it, or listen elsewhere (see [beacon] and [http] listen)"
        case .cannotBind(let address, let reason):
            "cannot listen at \(address): \(reason); choose an address of this machine (see [beacon] and [http] listen)"
        case .notDatagram(let name):
            "the socket handed over as \(name) takes no datagrams; use ListenDatagram= in its unit"
        case .notListening(let name):
            "the socket handed over as \(name) takes no connections; use ListenStream= in its unit"
        }
    }
}
