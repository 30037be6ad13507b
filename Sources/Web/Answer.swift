import Counting
import Glibc
import HTTPTypes
import Hummingbird
import Synchronization

/// An error as RFC 9457 writes it. The detail says what to do about it.
struct Problem: HTTPResponseError, Sendable {
    let status: HTTPResponse.Status
    let detail: String
    let headers: HTTPFields

    init(_ status: HTTPResponse.Status, _ detail: String, headers: HTTPFields = [:]) {
        self.status = status
        self.detail = detail
        self.headers = headers
    }

    var response: Response {
        let problem: JSONObject = [
            "type": JSON("about:blank"), "title": JSON(status.reasonPhrase), "status": JSON(status.code),
            "detail": JSON(detail),
        ]
        var headers = headers
        headers[.contentType] = "application/problem+json; charset=utf-8"
        headers[.cacheControl] = "no-store"
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: Rendered(problem).body))
    }

    func response(from request: Request, context: some RequestContext) -> Response { response }
}

/// JSON ready to be sent, with the strong entity tag of its bytes.
struct Rendered: Sendable {
    let body: ByteBuffer
    let tag: String

    init(_ object: JSONObject) {
        let bytes = JSON.object(object).bytes
        var hash = StrongHash(0, 0)
        hash.combine(bytes.span)
        body = ByteBuffer(bytes: bytes)
        tag = "\"\(String(hash.finalize(), radix: 36))\""
    }

    /// The answer to a request: the bytes, or 304 where the client has them.
    func response(to request: Request, caching: String) -> Response {
        var headers: HTTPFields = [.eTag: tag, .cacheControl: caching]
        if let known = request.headers[.ifNoneMatch], isAmong(known) {
            return Response(status: .notModified, headers: headers)
        }
        headers[.contentType] = "application/json; charset=utf-8"
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: body))
    }

    /// If-None-Match compares weakly.
    private func isAmong(_ known: String) -> Bool {
        known.split(separator: ",").contains { candidate in
            let candidate = candidate.drop { $0 == " " || $0 == "\t" }.prefix { $0 != " " && $0 != "\t" }
            return candidate == "*" || candidate == tag || candidate == "W/" + tag
        }
    }
}

/// The text of a fixed short answer that is not JSON.
func plain(_ text: String) -> Response {
    Response(
        status: .ok, headers: [.contentType: "text/plain; charset=utf-8", .cacheControl: "no-store"],
        body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
}

extension Response {
    /// What every answer carries, and for HEAD nothing but the head.
    func finished(for method: HTTPRequest.Method) -> Response {
        var response = method == .head ? createHeadResponse() : self
        if status == .notModified { response.headers[.contentLength] = nil }
        response.headers[.date] = httpDate()
        response.headers[.xContentTypeOptions] = "nosniff"
        response.headers[.contentSecurityPolicy] = "default-src 'none'"
        response.headers[referrerPolicy] = "no-referrer"
        return response
    }
}

private let referrerPolicy = fieldName("Referrer-Policy")

/// A field name that the library has no constant for.
func fieldName(_ name: String) -> HTTPField.Name {
    guard let name = HTTPField.Name(name) else { preconditionFailure("\(name) is no field name") }
    return name
}

/// The wall clock as RFC 9110 writes it: `Mon, 23 Nov 2026 07:45:12 GMT`. Made once a second.
func httpDate() -> String {
    let second = Int64(time(nil))
    return lastDate.withLock { last in
        if last.second != second { last = (second, httpDate(Moment(second: second))) }
        return last.text
    }
}

private let lastDate = Mutex<(second: Int64, text: String)>((0, ""))

private func httpDate(_ moment: Moment) -> String {
    let day = LocalDay(number: Int32(moment.second / 86_400))
    let (year, month, date) = day.civil
    let weekday = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][Int(day.number % 7)]
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    let clock = moment.rfc3339.dropFirst(11).dropLast()
    return "\(weekday), \(date < 10 ? "0" : "")\(date) \(months[Int(month) - 1]) \(year) \(clock) GMT"
}
