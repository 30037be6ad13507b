import Counting
import NIOCore
import NIOHTTP1

/// A response that is encoded once and sent often, with the strong entity tag of its bytes.
struct CachedResponse: Sendable {
    private let tag: String
    private let whole: Response
    private let unchanged: Response

    /// `caching` is the value of Cache-Control. `isOpen` lets pages of every origin read it.
    init(_ bytes: [UInt8], type: String, caching: String, isOpen: Bool = false) {
        var hash = StrongHash(0, 0)
        hash.combine(bytes.span)
        let tag = "\"\(String(hash.finalize(), radix: 36))\""
        func response(_ status: HTTPResponseStatus, _ body: ByteBuffer, _ type: String?) -> Response {
            var response = Response(status, body: body, type: type)
            response.add("ETag", tag)
            response.add("Cache-Control", caching)
            if isOpen {
                response.add("Access-Control-Allow-Origin", "*")
                response.add("Cross-Origin-Resource-Policy", "cross-origin")
            }
            return response.preparedToSend()
        }
        self.tag = tag
        whole = response(.ok, ByteBuffer(bytes: bytes), type)
        unchanged = response(.notModified, ByteBuffer(), nil)
    }

    init(_ object: JSONObject, caching: String, isOpen: Bool = false) {
        self.init(
            JSON.object(object).bytes, type: "application/json; charset=utf-8", caching: caching, isOpen: isOpen)
    }

    /// The bytes, or 304 if the client has them.
    func response(to request: HTTPRequest) -> Response {
        request.head.headers.contains(name: "If-None-Match")
            && request.head.headers["If-None-Match"].contains(where: isAmong) ? unchanged : whole
    }

    /// If-None-Match uses weak comparison.
    private func isAmong(_ known: String) -> Bool {
        known.split(separator: ",").contains { candidate in
            let candidate = candidate.drop { $0 == " " || $0 == "\t" }.prefix { $0 != " " && $0 != "\t" }
            return candidate == "*" || candidate == tag || candidate == "W/" + tag
        }
    }
}
