import Foundation
import Glibc
import Settings

/// A client of the running daemon, over its local socket.
struct LocalClient {
    private let sockets: [LocalSocket]

    /// A client of the daemon of the settings; if none are named, of a daemon started by hand or by systemd.
    init(_ option: SettingsOption) throws {
        let isNamed = option.config != nil || environment["FOOTFALL_STATE_RUNTIME"] != nil
        let runtime: String
        do {
            runtime = try option.read().state.runtime
        } catch {
            // With a mistake in the settings, a daemon may still run with the former ones.
            say("\(error)")
            guard !isNamed else { throw Exit.configuration }
            runtime = Settings(environment: environment).state.runtime
        }
        let others = isNamed ? [] : ["/run", "/run/footfall"]
        sockets = ((Self.isTrusted(runtime) ? [runtime] : []) + others).map(LocalSocket.init(runtime:))
    }

    /// Everyone can create a directory in `/dev/shm` and answer there instead of the daemon.
    private static func isTrusted(_ runtime: String) -> Bool {
        guard runtime.hasPrefix("/dev/shm/") else { return true }
        let owner = try? FileManager.default.attributesOfItem(atPath: runtime)[.ownerAccountID] as? UInt32
        return owner == nil || owner == getuid()
    }

    /// A daemon answers. Ends the command if this user may not ask it.
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

    /// Returns the body of a 200. Any other response is printed to standard error and ends the command.
    func get(_ target: String) throws -> Data { try ask("GET", target) }

    /// The same for a request with a JSON body.
    func ask(_ method: String, _ target: String, _ body: some Encodable) throws -> Data {
        try ask(method, target, body: try JSONEncoder().encode(body))
    }

    /// What is degraded; nil if nothing is.
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
