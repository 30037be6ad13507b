import NIOCore
import NIOHTTP1

/// The response to a request. Its fields are stored as they are sent, so a response that is sent often is encoded once.
struct Response: Sendable {
    private(set) var status: HTTPResponseStatus
    private(set) var body: ByteBuffer
    private var fields: [UInt8] = []
    /// The part of the head that is the same each time it is sent.
    private var prepared: [UInt8]?
    /// The content security policy: what a page may load and do.
    var policy = "default-src 'none'"

    init(_ status: HTTPResponseStatus, body: ByteBuffer = ByteBuffer(), type: String? = nil) {
        self.status = status
        self.body = body
        if let type { add("Content-Type", type) }
    }

    /// A response that no cache stores; `type` is the media type of a UTF-8 text.
    static func fresh(_ body: some Collection<UInt8>, type: String, _ status: HTTPResponseStatus = .ok) -> Response {
        var response = Response(status, body: ByteBuffer(bytes: body), type: type + "; charset=utf-8")
        response.add("Cache-Control", "no-store")
        return response
    }

    static func json(_ object: JSONObject) -> Response { fresh(JSON.object(object).bytes, type: "application/json") }

    /// Adds a field. Its name and value come from us and contain no line breaks.
    mutating func add(_ name: String, _ value: String) { fields += "\(name): \(value)\r\n".utf8 }

    private func head(isEndless: Bool = false) -> [UInt8] {
        var head = Array("HTTP/1.1 \(status.code) \(status.reasonPhrase)\r\n".utf8) + fields
        if status != .notModified, !isEndless { head += "Content-Length: \(body.readableBytes)\r\n".utf8 }
        head +=
            "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\nContent-Security-Policy: \(policy)\r\n"
            .utf8
        return head
    }

    /// The same response with its head encoded. It must not be changed afterwards.
    func preparedToSend() -> Response {
        var response = self
        response.prepared = head()
        return response
    }

    /// Writes the bytes to send; for a HEAD request, only the head. An endless response ends with its connection.
    func write(to buffer: inout ByteBuffer, isHead: Bool, isLast: Bool, isEndless: Bool = false) {
        buffer.writeBytes(prepared ?? head(isEndless: isEndless))
        buffer.writeString(HTTPDate.field())
        buffer.writeStaticString(isLast ? "Connection: close\r\n\r\n" : "\r\n")
        if !isHead { buffer.writeImmutableBuffer(body) }
    }
}
