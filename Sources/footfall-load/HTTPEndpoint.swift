import ArgumentParser
import Glibc
import Platform

/// The daemon's HTTP address: `http://127.0.0.1:7374`, with or without a path in front of its routes.
struct HTTPEndpoint: ExpressibleByArgument {
    private let host: String, port: String, prefix: String
    private let authority: String

    /// The longest response that is read, and how long one may take.
    private static let bytesMax = 16 << 20
    private static let secondsMax = 5

    init?(argument: String) {
        let form = #/http://(\[[0-9a-fA-F:]+\]|[^/:\[\]\s]+)(?::([0-9]{1,5}))?(/[^\s?#]*?)?/?/#
        guard let url = argument.wholeMatch(of: form) else { return nil }
        authority = url.1 + (url.2.map { ":" + $0 } ?? "")
        host = url.1.hasPrefix("[") ? String(url.1.dropFirst().dropLast()) : String(url.1)
        port = String(url.2 ?? "80")
        prefix = String(url.3 ?? "")
    }

    /// No response. A daemon that is restarting looks like this for a while.
    struct Silence: Error, CustomStringConvertible {
        let description: String
    }

    /// Sends one GET over a connection of its own.
    func get(_ target: String) throws(Silence) -> (status: Int, body: String) {
        let descriptor = try connected()
        defer { close(descriptor) }
        var request = Array("GET \(prefix)\(target) HTTP/1.1\r\nHost: \(authority)\r\nConnection: close\r\n\r\n".utf8)
        while !request.isEmpty {
            let count = unsafe send(descriptor, request, request.count, CInt(MSG_NOSIGNAL))
            guard count > 0 else { throw silence("does not accept a request", errno) }
            request.removeFirst(count)
        }
        var answer: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 65_536)
        while answer.count < Self.bytesMax {
            let count = unsafe recv(descriptor, &piece, piece.count, 0)
            guard count >= 0 else { throw silence("stopped in the middle of a response", errno) }
            if count == 0 { break }
            answer += piece[..<count]
        }
        let text = String(decoding: answer, as: UTF8.self)
        // These are characters, and CR LF is one.
        guard let end = text.firstRange(of: "\r\n\r\n"),
            let status = text.split(separator: " ", maxSplits: 2).dropFirst().first.flatMap({ Int($0) })
        else { throw Silence(description: "http://\(authority) closed the connection without a response") }
        let head = text[..<end.lowerBound].lowercased()
        if let length = head.firstMatch(of: #/\r\ncontent-length: *([0-9]+)/#).flatMap({ Int($0.1) }),
            text[end.upperBound...].utf8.count < length
        {
            throw Silence(description: "http://\(authority) stopped in the middle of a response")
        }
        return (status, String(text[end.upperBound...]))
    }

    private func connected() throws(Silence) -> CInt {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        guard unsafe getaddrinfo(host, port, &hints, &found) == 0 else {
            throw Silence(description: "no address for \(host)")
        }
        defer { unsafe freeaddrinfo(found) }
        var error = ENOENT
        var next = unsafe found
        while let address = unsafe next?.pointee {
            let descriptor = unsafe socket(
                address.ai_family, address.ai_socktype | CInt(SOCK_CLOEXEC.rawValue), address.ai_protocol)
            var time = timeval(tv_sec: Self.secondsMax, tv_usec: 0)
            for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
                _ = unsafe setsockopt(descriptor, SOL_SOCKET, option, &time, socklen_t(MemoryLayout<timeval>.size))
            }
            if unsafe connect(descriptor, address.ai_addr, address.ai_addrlen) == 0 { return descriptor }
            error = errno
            if descriptor >= 0 { close(descriptor) }
            unsafe next = address.ai_next
        }
        throw silence("cannot be reached", error)
    }

    private func silence(_ what: String, _ error: CInt) -> Silence {
        Silence(description: "http://\(authority) \(what): \(SystemError(error))")
    }
}
