import Foundation
import Glibc
import Settings

/// Asks the running daemon over its local socket.
struct LocalClient {
    private let sockets: [LocalSocket]

    /// A client of the daemon that the settings name; where they name none, of one by hand or of systemd's.
    init(_ option: SettingsOption) throws {
        let isNamed = option.config != nil || environment["FOOTFALL_STATE_RUNTIME"] != nil
        let runtime: String
        do {
            runtime = try option.read().state.runtime
        } catch {
            // A mistake in the settings does not keep anybody from a daemon that runs on those from before.
            say("\(error)")
            guard !isNamed else { throw Exit.configuration }
            runtime = Settings(environment: environment).state.runtime
        }
        let others = isNamed ? [] : ["/run", "/run/footfall"]
        sockets = ((Self.isTrusted(runtime) ? [runtime] : []) + others).map(LocalSocket.init(runtime:))
    }

    /// Anybody may make a directory in `/dev/shm`, and answer there in the daemon's place.
    private static func isTrusted(_ runtime: String) -> Bool {
        guard runtime.hasPrefix("/dev/shm/") else { return true }
        let owner = try? FileManager.default.attributesOfItem(atPath: runtime)[.ownerAccountID] as? UInt32
        return owner == nil || owner == getuid()
    }

    /// A daemon is there. Ends the command where there is one that this user may not ask.
    func isAnswered() throws -> Bool {
        guard let descriptor = try connect() else { return false }
        close(descriptor)
        return true
    }

    private func connect() throws -> CInt? {
        for socket in sockets {
            if let descriptor = socket.connect() { return descriptor }
            guard errno == EACCES else { continue }
            say("this user may not open \(socket.path); ask as the daemon's user, as root, or with a token over HTTP")
            throw Exit.noPermission
        }
        return nil
    }

    /// The body of a 200; anything else is said on standard error and ends the command.
    func get(_ target: String) throws -> Data { try ask("GET", target) }

    /// The same of a request with a body of JSON.
    func ask(_ method: String, _ target: String, _ body: some Encodable) throws -> Data {
        try ask(method, target, body: try JSONEncoder().encode(body))
    }

    /// What is degraded; nil while nothing is.
    func degradation() throws -> String? {
        let (status, body) = try exchange("GET", "/readyz", Data())
        return status == 200 ? nil : try decode(Problem.self, body).detail
    }

    private func ask(_ method: String, _ target: String, body: Data = Data()) throws -> Data {
        let (status, body) = try exchange(method, target, body)
        guard status == 200 else {
            let problem = try? JSONDecoder().decode(Problem.self, from: body)
            say(problem?.detail ?? "the daemon answered with status \(status)")
            throw status == 404 || status == 400 ? Exit.data : status == 422 ? Exit.configuration : Exit.unavailable
        }
        return body
    }

    private func exchange(_ method: String, _ target: String, _ body: Data) throws -> (status: Int, body: Data) {
        guard let descriptor = try connect() else {
            say("no daemon answers at \(sockets.first?.path ?? "/run/footfall.sock"); start one with `footfall serve`")
            throw Exit.unavailable
        }
        defer { close(descriptor) }
        let connection = FileHandle(fileDescriptor: descriptor, closeOnDealloc: false)
        try connection.write(
            contentsOf: Data(
                "\(method) \(target) HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(body.count)\r\n"
                    .utf8) + Data("Connection: close\r\n\r\n".utf8) + body)
        let answer = try connection.readToEnd() ?? Data()
        guard let end = answer.range(of: Data("\r\n\r\n".utf8)) else {
            say("the daemon closed the connection without an answer")
            throw Exit.unavailable
        }
        let body = answer[end.upperBound...]
        let head = String(decoding: answer[..<end.lowerBound], as: UTF8.self)
        let status = head.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        return (status, body)
    }

    private struct Problem: Decodable { let detail: String }
}
