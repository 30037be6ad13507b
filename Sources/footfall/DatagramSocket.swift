import Glibc
import Ingest
import Settings

/// Sends datagrams to one address. None is ever answered.
struct DatagramSocket: ~Copyable {
    private let descriptor: CInt

    /// Ends the command with status 69 where there is no way to the address.
    init(to address: ListenAddress) throws {
        do {
            descriptor = try SocketAddress(host: address.host, port: address.port).connected()
        } catch {
            say("cannot send to \(address)")
            throw Exit.unavailable
        }
    }

    deinit { close(descriptor) }

    /// False where it is known already that nobody listens.
    @discardableResult
    func send(_ datagram: [UInt8]) -> Bool {
        unsafe Glibc.send(descriptor, datagram, datagram.count, 0) == datagram.count
    }
}
