import Counting
import Foundation
import Glibc
import Logging
import ServiceLifecycle
import Testing
import Web

/// A server on real sockets: 127.0.0.1 on a free port, and a unix socket in a directory of its own.
struct TestServer: Sendable {
    let port: UInt16
    let unixPath: String
    let connections: WebConnections
    let group: ServiceGroup
    let web: WebServer

    /// Waits until nobody can connect any more.
    func acceptsNoMore() async throws {
        try await until {
            do {
                _ = try await connect()
                return false
            } catch let error as SocketError {
                return error.number == ECONNREFUSED
            }
        }
    }

    /// Begins to stop in good order.
    func stop() async { await group.triggerGracefulShutdown() }

    /// A connection to the TCP port, or to the unix socket.
    func connect(local: Bool = false) async throws -> Client {
        try await local ? Client.connect(toUnixSocket: unixPath) : Client.connect(toPort: port)
    }

    /// One request on a connection of its own.
    func ask(
        _ method: String, _ path: String, host: String? = "localhost", local: Bool = false,
        _ fields: [String] = []
    ) async throws -> ReceivedResponse {
        let client = try await connect(local: local)
        let fields = (host.map { ["Host: \($0)"] } ?? []) + fields + ["Connection: close"]
        try await client.send("\(method) \(path) HTTP/1.1\r\n\(fields.joined(separator: "\r\n"))\r\n\r\n")
        return try await client.response(hasBody: method != "HEAD")
    }
}

extension TestServer {
    /// A connection on which a stream of events has been asked for.
    func watch(_ path: String, _ fields: [String] = []) async throws -> Client {
        let client = try await connect()
        try await client.send(
            "GET \(path) HTTP/1.1\r\n\((["Host: localhost"] + fields).joined(separator: "\r\n"))\r\n\r\n")
        return client
    }

    /// One form on a connection of its own.
    func form(_ path: String, _ form: String, _ fields: [String] = []) async throws -> ReceivedResponse {
        let client = try await connect()
        let fields = ["Host: localhost", "Content-Length: \(form.utf8.count)", "Connection: close"] + fields
        try await client.send("POST \(path) HTTP/1.1\r\n\(fields.joined(separator: "\r\n"))\r\n\r\n\(form)")
        return try await client.response()
    }

    /// One GET on a connection of its own.
    func ask(
        _ path: String, host: String? = "localhost", local: Bool = false, _ fields: [String] = []
    ) async throws -> ReceivedResponse {
        try await ask("GET", path, host: host, local: local, fields)
    }
}

extension WebLimits {
    /// So long that no test depends on the speed of its machine.
    static var patient: WebLimits {
        var limits = WebLimits()
        limits.idle = .seconds(300)
        limits.request = .seconds(300)
        limits.drain = .seconds(30)
        return limits
    }
}

/// Runs a server around `body` and stops it in good order.
func withServer(
    _ configuration: WebConfiguration = WebConfiguration(limits: .patient),
    backend: TestBackend = TestBackend(report: { knownReport }),
    _ body: (TestServer) async throws -> Void
) async throws {
    let directory = FileManager.default.temporaryDirectory.appending(path: "footfall-\(UUID().uuidString.prefix(8))")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    let tcp = try Listening.tcp()
    let unixPath = directory.appending(path: "s").path()
    let unix = try Listening.unix(at: unixPath)
    let connections = WebConnections()
    let logger = Logger(label: "web", factory: { _ in SwiftLogNoOpLogHandler() })
    let server = WebServer(
        listeners: [
            WebListener(descriptor: tcp.descriptor, isLocal: false), WebListener(descriptor: unix, isLocal: true),
        ],
        backend: backend, configuration: configuration, connections: connections)
    let group = ServiceGroup(
        configuration: ServiceGroupConfiguration(
            services: [.init(service: server, successTerminationBehavior: .gracefullyShutdownGroup)], logger: logger))
    try await withThrowingTaskGroup { tasks in
        tasks.addTask { try await group.run() }
        try await body(
            TestServer(port: tcp.port, unixPath: unixPath, connections: connections, group: group, web: server))
        await group.triggerGracefulShutdown()
        try await tasks.waitForAll()
    }
    try FileManager.default.removeItem(at: directory)
}

/// A response as it came.
struct ReceivedResponse: Sendable {
    let status: Int
    /// By name in lower case.
    let fields: [String: String]
    let body: String

    /// The body as Foundation reads it.
    var json: [String: Any] {
        get throws { try #require(try JSONSerialization.jsonObject(with: Data(body.utf8)) as? [String: Any]) }
    }

    /// The detail of a problem; checks the rest of it on the way.
    var problem: String {
        get throws {
            #expect(fields["content-type"] == "application/problem+json; charset=utf-8")
            let problem = try json
            #expect(problem["type"] as? String == "about:blank")
            #expect(problem["status"] as? Int == status)
            #expect((problem["title"] as? String)?.isEmpty == false)
            return try #require(problem["detail"] as? String)
        }
    }
}

/// What the test's own sockets can fail with.
struct SocketError: Error { let call: String, number: CInt }

/// A client that sends exactly the bytes it is told to. Its blocking calls have a queue of their own, because the
/// threads of Swift's pool are few and the server needs them.
final class Client: Sendable {
    private let descriptor: CInt
    private let queue = DispatchQueue(label: "client")
    private let received = Received()

    /// Bytes that came and belong to no answer yet; touched on the queue only.
    private final class Received: @unchecked Sendable { var bytes: [UInt8] = [] }

    private init(_ descriptor: CInt) { self.descriptor = descriptor }

    deinit { _ = Glibc.close(descriptor) }

    static func connect(toPort port: UInt16) async throws -> Client {
        try await onQueue(DispatchQueue(label: "connect")) { Client(try Connecting.tcp(port)) }
    }

    static func connect(toUnixSocket path: String) async throws -> Client {
        try await onQueue(DispatchQueue(label: "connect")) { Client(try Connecting.unix(path)) }
    }

    func send(_ text: String) async throws {
        try await onQueue(queue) { [descriptor] in
            var rest = Array(text.utf8)[...]
            while !rest.isEmpty {
                let n = unsafe rest.withUnsafeBytes {
                    unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
                }
                guard n > 0 else { throw SocketError(call: "send", number: errno) }
                rest = rest.dropFirst(n)
            }
        }
    }

    /// Says that no more will come from this side.
    func finish() async throws {
        try await onQueue(queue) { [descriptor] in _ = shutdown(descriptor, CInt(SHUT_WR)) }
    }

    /// The next answer; a `HEAD` has no body whatever its length field says.
    func response(hasBody: Bool = true) async throws -> ReceivedResponse {
        try await onQueue(queue) { [descriptor, received] in
            var end: Int?
            while end == nil {
                end = received.bytes.indices.first { received.bytes[$0...].starts(with: "\r\n\r\n".utf8) }
                if end == nil, try !Self.receive(descriptor, received) {
                    throw SocketError(call: "response", number: 0)
                }
            }
            let head = end ?? 0
            let lines = String(decoding: received.bytes[..<head], as: UTF8.self).components(separatedBy: "\r\n")
            var fields: [String: String] = [:]
            for line in lines.dropFirst() {
                let colon = try #require(line.firstIndex(of: ":"))
                let value = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
                #expect(fields.updateValue(value, forKey: line[..<colon].lowercased()) == nil)
            }
            let length = hasBody ? fields["content-length"].flatMap { Int($0) } ?? 0 : 0
            while received.bytes.count < head + 4 + length {
                if try !Self.receive(descriptor, received) { throw SocketError(call: "body", number: 0) }
            }
            let body = String(decoding: received.bytes[(head + 4)..<(head + 4 + length)], as: UTF8.self)
            received.bytes.removeFirst(head + 4 + length)
            return ReceivedResponse(
                status: try #require(Int(lines[0].split(separator: " ")[1])), fields: fields, body: body)
        }
    }

    /// What comes up to a mark and with it.
    func text(upTo mark: String) async throws -> String {
        try await onQueue(queue) { [descriptor, received] in
            while true {
                if let range = Data(received.bytes).range(of: Data(mark.utf8)) {
                    defer { received.bytes.removeFirst(range.upperBound) }
                    return String(decoding: received.bytes[..<range.upperBound], as: UTF8.self)
                }
                if try !Self.receive(descriptor, received) { throw SocketError(call: "text", number: 0) }
            }
        }
    }

    /// Goes away.
    func close() async throws {
        try await onQueue(queue) { [descriptor] in _ = shutdown(descriptor, CInt(SHUT_RDWR)) }
    }

    /// Reads until the server closes; true if nothing came before.
    func isClosed() async throws -> Bool {
        try await onQueue(queue) { [descriptor, received] in
            while try Self.receive(descriptor, received) {}
            return received.bytes.isEmpty
        }
    }

    /// False at the end, also at one by reset.
    private static func receive(_ descriptor: CInt, _ received: Received) throws -> Bool {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let n = unsafe buffer.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress, $0.count, 0) }
        if n < 0, errno != ECONNRESET { throw SocketError(call: "recv", number: errno) }
        received.bytes += buffer.prefix(max(n, 0))
        return n > 0
    }
}

private func onQueue<Value: Sendable>(
    _ queue: DispatchQueue, _ body: @escaping @Sendable () throws -> Value
) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        queue.async { continuation.resume(with: Result(catching: body)) }
    }
}
