import Counting
import Glibc
import NIOCore
import NIOHTTP1
import Synchronization

/// What a request is answered with. The fields stand as they will be sent, so that an answer that is sent often is
/// written down once.
struct Answer: Sendable {
    private(set) var status: HTTPResponseStatus
    private(set) var body: ByteBuffer
    private var fields: [UInt8] = []
    /// All of the head that is the same each time it is sent.
    private var prepared: [UInt8]?
    /// The content security policy: what a page may load and do.
    var policy = "default-src 'none'"

    init(_ status: HTTPResponseStatus, body: ByteBuffer = ByteBuffer(), type: String? = nil) {
        self.status = status
        self.body = body
        if let type { add("Content-Type", type) }
    }

    /// What nobody keeps; `type` is that of a text in UTF-8.
    static func fresh(_ body: some Collection<UInt8>, type: String, _ status: HTTPResponseStatus = .ok) -> Answer {
        var answer = Answer(status, body: ByteBuffer(bytes: body), type: type + "; charset=utf-8")
        answer.add("Cache-Control", "no-store")
        return answer
    }

    static func json(_ object: JSONObject) -> Answer { fresh(JSON.object(object).bytes, type: "application/json") }

    /// Adds a field; its name and value are ours and hold no line ends.
    mutating func add(_ name: String, _ value: String) { fields += "\(name): \(value)\r\n".utf8 }

    private func head(isEndless: Bool = false) -> [UInt8] {
        var head = Array("HTTP/1.1 \(status.code) \(status.reasonPhrase)\r\n".utf8) + fields
        if status != .notModified, !isEndless { head += "Content-Length: \(body.readableBytes)\r\n".utf8 }
        head +=
            "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\nContent-Security-Policy: \(policy)\r\n"
            .utf8
        return head
    }

    /// The same answer, which is often sent and not changed any more.
    func preparedToSend() -> Answer {
        var answer = self
        answer.prepared = head()
        return answer
    }

    /// The bytes to send; for a HEAD request nothing but the head. What is endless ends with its connection.
    func write(to buffer: inout ByteBuffer, isHead: Bool, isLast: Bool, isEndless: Bool = false) {
        buffer.writeBytes(prepared ?? head(isEndless: isEndless))
        buffer.writeString(HTTPDate.field())
        buffer.writeStaticString(isLast ? "Connection: close\r\n\r\n" : "\r\n")
        if !isHead { buffer.writeImmutableBuffer(body) }
    }
}

/// An error as RFC 9457 writes it. The detail says what to do about it.
struct Problem: Error, Sendable {
    let status: HTTPResponseStatus
    let detail: String
    var fields: [(name: String, value: String)] = []

    init(_ status: HTTPResponseStatus, _ detail: String, _ fields: [(name: String, value: String)] = []) {
        self.status = status
        self.detail = detail
        self.fields = fields
    }

    static let unknownSite = Problem(.notFound, "No site has this name; footfall sites lists those there are.")

    var answer: Answer {
        let problem: JSONObject = [
            "type": JSON("about:blank"), "title": JSON(status.reasonPhrase), "status": JSON(status.code),
            "detail": JSON(detail),
        ]
        var answer = Answer.fresh(JSON.object(problem).bytes, type: "application/problem+json", status)
        for (name, value) in fields { answer.add(name, value) }
        return answer
    }
}

/// Bytes ready to be sent, with the strong entity tag of theirs.
struct Rendered: Sendable {
    private let tag: String
    private let whole: Answer
    private let unchanged: Answer

    /// `caching` is the value of Cache-Control; `isOpen` lets pages of every origin read it.
    init(_ bytes: [UInt8], type: String, caching: String, isOpen: Bool = false) {
        var hash = StrongHash(0, 0)
        hash.combine(bytes.span)
        let tag = "\"\(String(hash.finalize(), radix: 36))\""
        func answer(_ status: HTTPResponseStatus, _ body: ByteBuffer, _ type: String?) -> Answer {
            var answer = Answer(status, body: body, type: type)
            answer.add("ETag", tag)
            answer.add("Cache-Control", caching)
            if isOpen {
                answer.add("Access-Control-Allow-Origin", "*")
                answer.add("Cross-Origin-Resource-Policy", "cross-origin")
            }
            return answer.preparedToSend()
        }
        self.tag = tag
        whole = answer(.ok, ByteBuffer(bytes: bytes), type)
        unchanged = answer(.notModified, ByteBuffer(), nil)
    }

    init(_ object: JSONObject, caching: String, isOpen: Bool = false) {
        self.init(
            JSON.object(object).bytes, type: "application/json; charset=utf-8", caching: caching, isOpen: isOpen)
    }

    /// The bytes, or 304 where the client has them.
    func answer(to request: Request) -> Answer {
        request.head.headers.contains(name: "If-None-Match")
            && request.head.headers["If-None-Match"].contains(where: isAmong) ? unchanged : whole
    }

    /// If-None-Match compares weakly.
    private func isAmong(_ known: String) -> Bool {
        known.split(separator: ",").contains { candidate in
            let candidate = candidate.drop { $0 == " " || $0 == "\t" }.prefix { $0 != " " && $0 != "\t" }
            return candidate == "*" || candidate == tag || candidate == "W/" + tag
        }
    }
}

/// The Date field as RFC 9110 writes it: `Mon, 23 Nov 2026 07:45:12 GMT`. Made once a second.
enum HTTPDate {
    private static let last = Mutex<(second: Int64, field: String)>((0, ""))

    static func field() -> String {
        let second = Int64(time(nil))
        return last.withLock { last in
            if last.second != second { last = (second, "Date: \(text(Moment(second: second)))\r\n") }
            return last.field
        }
    }

    private static func text(_ moment: Moment) -> String {
        let day = LocalDay(number: Int32(moment.second / 86_400))
        let (year, month, date) = day.civil
        let weekday = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][Int(day.number % 7)]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let clock = moment.rfc3339.dropFirst(11).dropLast()
        return "\(weekday), \(date < 10 ? "0" : "")\(date) \(months[Int(month) - 1]) \(year) \(clock) GMT"
    }
}
