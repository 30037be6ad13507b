import NIOCore
import NIOEmbedded
import Web

/// A connection to a server without a socket, whose time is moved by hand.
struct TimedConnection {
    private let channel: NIOAsyncTestingChannel
    private let loop: NIOAsyncTestingEventLoop

    init(to server: TestServer) async throws {
        loop = NIOAsyncTestingEventLoop()
        channel = NIOAsyncTestingChannel(loop: loop)
        try await loop.executeInContext { [channel] in try server.web.serve(channel) }
        try await channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).get()
    }

    var isOpen: Bool { channel.isActive }

    func send(_ text: String) async throws { try await channel.writeInbound(ByteBuffer(string: text)) }

    /// Lets time pass.
    func wait(_ time: TimeAmount) async throws { await loop.advanceTime(by: time) }

    /// What has been sent to the client since the last call.
    func received() async throws -> String {
        var text = ""
        while let bytes = try await channel.readOutbound(as: ByteBuffer.self) { text += String(buffer: bytes) }
        return text
    }
}
