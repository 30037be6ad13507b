import Glibc
import Ingest
import Logging
import Platform
import Settings
import Supervision
import Web

/// All sockets of the daemon: passed by systemd, or opened by itself.
struct Sockets {
    private(set) var beacons: [BeaconSocket] = []
    private(set) var listeners: [WebListener] = []

    /// Uses the sockets that systemd passed by name (`beacon`, `http`, `local`) and opens the others. Passed sockets override
    /// the settings. Opened sockets are given to systemd, which keeps them for the next start.
    init(_ settings: Settings, inherited: [InheritedSocket], logger: Logger) throws {
        var kept = KeptSockets()
        for socket in inherited {
            switch socket.name {
            case "beacon":
                beacons.append(
                    try BeaconSocket(inherited: socket.descriptor, name: SocketAddress.name(of: socket.descriptor)))
            case "http", "local":
                try SocketAddress.checkListening(socket.descriptor, name: socket.name)
                listeners.append(WebListener(descriptor: socket.descriptor, isLocal: socket.name == "local"))
            case _ where KeptSockets.isOne(socket):
                kept.add(socket)
            default:
                logger.write(.unknownSocket, ["socket.name": "\(socket.name)"])
                close(socket.descriptor)
            }
        }
        kept.close(allBut: settings)
        warn(of: settings, logger)
        if beacons.isEmpty { try openBeacons(settings.beacon, &kept, logger) }
        if listeners.allSatisfy(\.isLocal) {
            let address = settings.http.listen
            let descriptor = try kept.adopt("http", address) {
                try Self.naming(address) { () throws(SocketError) in
                    try SocketAddress(host: address.host, port: address.port).listening()
                }
            }
            listeners.append(WebListener(descriptor: descriptor, isLocal: false))
        }
        if !listeners.contains(where: \.isLocal) {
            let descriptor = try LocalSocket(runtime: settings.state.runtime).listen()
            listeners.append(WebListener(descriptor: descriptor, isLocal: true))
        }
    }

    /// Their addresses, for people.
    var beaconNames: [String] { beacons.map(\.name) }
    var httpName: String { name { !$0.isLocal } }
    var localName: String { name(where: \.isLocal) }

    private func name(where isIt: (WebListener) -> Bool) -> String {
        listeners.last(where: isIt).map { SocketAddress.name(of: $0.descriptor) } ?? ""
    }

    /// If settings and units differ, somebody may send to an address that is not served.
    private func warn(of settings: Settings, _ logger: Logger) {
        for note in settings.differences(beacons: beaconNames, http: httpName) {
            logger.write(.otherAddress, ["note": "\(note)"])
        }
    }

    /// The port is below 1024, and this user may not open it.
    private struct PrivilegedPort: Error, CustomStringConvertible {
        let address: ListenAddress

        var description: String {
            "only root may listen at \(address), because the port is below 1024; choose a greater one (see [beacon] and [http] "
                + "listen), or let systemd open it by a socket unit"
        }
    }

    /// Opens a socket, or says that the port is privileged.
    private static func naming<T>(_ address: ListenAddress, _ open: () throws(SocketError) -> T) throws -> T {
        do {
            return try open()
        } catch SocketError.cannotBind(_, SystemError(EACCES).description) where address.port < 1024 {
            throw PrivilegedPort(address: address)
        }
    }

    private mutating func openBeacons(
        _ settings: Settings.Beacon, _ kept: inout KeptSockets, _ logger: Logger
    ) throws {
        for address in settings.listen {
            do {
                var opened: BeaconSocket?
                let descriptor = try kept.adopt("beacon", address) {
                    let socket = try Self.naming(address) { () throws(SocketError) in
                        try BeaconSocket(
                            host: address.host, port: address.port, receiveBuffer: settings.receiveBufferBytes)
                    }
                    opened = socket
                    return socket.descriptor
                }
                beacons.append(try opened ?? BeaconSocket(inherited: descriptor, name: address.description))
            } catch SocketError.cannotBind(let name, let reason)
                where address.host == "::1" && settings.listen.count > 1
            {
                // A machine without IPv6 has no ::1 and does not need it.
                logger.write(.addressLeftOut, ["address": "\(name)", "reason": "\(reason)"])
            }
        }
        for socket in beacons where socket.receiveBuffer < settings.receiveBufferBytes {
            logger.write(
                .smallBuffer,
                [
                    "listener": "\(socket.name)", "granted.bytes": "\(socket.receiveBuffer)",
                    "mend": "sysctl -w net.core.rmem_max=\(settings.receiveBufferBytes)",
                ])
        }
    }
}

/// Sockets that a former process opened and systemd kept, by their addresses.
private struct KeptSockets {
    private var descriptors: [String: CInt] = [:]

    private static let prefix = "own-"

    static func isOne(_ socket: InheritedSocket) -> Bool { socket.name.hasPrefix(prefix) }

    mutating func add(_ socket: InheritedSocket) { descriptors[socket.name] = socket.descriptor }

    /// The kept socket for this address, or a new one, which systemd then keeps.
    mutating func adopt<E: Error>(
        _ use: String, _ address: ListenAddress, orOpen open: () throws(E) -> CInt
    ) throws(E) -> CInt {
        let name = Self.name(use, address)
        if let descriptor = descriptors.removeValue(forKey: name) { return descriptor }
        let descriptor = try open()
        Supervisor.store(descriptor, name: name)
        return descriptor
    }

    /// The name of a kept socket, which must not contain a colon.
    private static func name(_ use: String, _ address: ListenAddress) -> String {
        prefix + use + "-" + address.description.replacing(":", with: "_")
    }

    /// Closes sockets whose addresses are no longer in the settings, so that they do not block other addresses.
    mutating func close(allBut settings: Settings) {
        let wanted = settings.beacon.listen.map { Self.name("beacon", $0) } + [Self.name("http", settings.http.listen)]
        let others = descriptors.filter { !wanted.contains($0.key) }
        for (name, descriptor) in others {
            Supervisor.forget(name: name)
            Glibc.close(descriptor)
            descriptors[name] = nil
        }
        if !others.isEmpty { Supervisor.waitUntilHeard() }
    }
}
