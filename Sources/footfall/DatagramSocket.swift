import Glibc
import Ingest
import Settings

/// Sends datagrams to one address. They are never answered.
struct DatagramSocket: ~Copyable {
    private let descriptor: CInt

    /// Ends the command with status 69 if the address cannot be reached.
    init(to address: ListenAddress) throws {
        do {
            descriptor = try SocketAddress(host: address.host, port: address.port).connected()
        } catch {
            say("cannot send to \(address)")
            throw Exit.unavailable
        }
    }

    deinit { close(descriptor) }

    /// Returns false if it is already known that nobody listens.
    @discardableResult
    func send(_ datagram: [UInt8]) -> Bool {
        unsafe Glibc.send(descriptor, datagram, datagram.count, 0) == datagram.count
    }
}
