import Foundation
import Glibc
import Ingest
import Logging
import Supervision
import Web

/// Every socket the daemon serves, handed over by the supervisor or opened by itself.
struct Sockets {
    private(set) var beacons: [BeaconSocket] = []
    private(set) var listeners: [WebListener] = []

    /// Takes what was handed over by name (`beacon`, `http`, `local`) and opens what was not. What is handed over wins
    /// over the settings.
    init(_ settings: Settings, inherited: [InheritedSocket], logger: Logger) throws {
        for socket in inherited {
            switch socket.name {
            case "beacon":
                beacons.append(
                    try BeaconSocket(inherited: socket.descriptor, name: SocketAddress.name(of: socket.descriptor)))
            case "http", "local":
                try SocketAddress.checkListening(socket.descriptor, name: socket.name)
                listeners.append(WebListener(descriptor: socket.descriptor, isLocal: socket.name == "local"))
            default:
                logger.warning(
                    "Closed a socket with a name that means nothing", metadata: ["socket.name": "\(socket.name)"])
                close(socket.descriptor)
            }
        }
        if beacons.isEmpty { try openBeacons(settings.beacon, logger) }
        if listeners.allSatisfy(\.isLocal) {
            let address = settings.http.listen
            let descriptor = try SocketAddress(host: address.host, port: address.port).listening()
            listeners.append(WebListener(descriptor: descriptor, isLocal: false))
        }
        if !listeners.contains(where: \.isLocal) {
            let descriptor = try LocalSocket(runtime: settings.state.runtime).listen()
            listeners.append(WebListener(descriptor: descriptor, isLocal: true))
        }
    }

    /// How people reach them.
    var beaconNames: [String] { beacons.map(\.name) }
    var httpName: String { listeners.last { !$0.isLocal }.map { SocketAddress.name(of: $0.descriptor) } ?? "" }

    private mutating func openBeacons(_ settings: Settings.Beacon, _ logger: Logger) throws {
        for address in settings.listen {
            let opened = Result { () throws(SocketError) in
                try BeaconSocket(host: address.host, port: address.port, receiveBuffer: settings.receiveBufferBytes)
            }
            // A machine without IPv6 has no ::1, and nobody there will miss it.
            if case .failure(.cannotBind(let name, let reason)) = opened, address.host == "::1",
                settings.listen.count > 1
            {
                logger.notice(
                    "Left out an address this machine does not have",
                    metadata: ["address": "\(name)", "reason": "\(reason)"])
            } else {
                beacons.append(try opened.get())
            }
        }
        for socket in beacons where socket.receiveBuffer < settings.receiveBufferBytes {
            logger.warning(
                "The kernel grants a smaller receive buffer than configured; a burst may be dropped",
                metadata: [
                    "listener": "\(socket.name)", "granted.bytes": "\(socket.receiveBuffer)",
                    "mend": "sysctl -w net.core.rmem_max=\(settings.receiveBufferBytes)",
                ])
        }
    }
}
