import Counting

/// An access log in JSON: an object with a beacon's keys, their long names, or those of nginx and Traefik; or Caddy's,
/// with the request as an inner object.
///
/// It reads what servers write, which is not always JSON: bytes that are not UTF-8, `\xHH`. It reads each byte once and
/// goes at most `depthMax` objects and arrays deep.
enum JSONLog {
    private static let depthMax = 8

    static func read(_ bytes: Span<UInt8>) -> HitFields? {
        var reader = Reader()
        do throws(Stop) {
            try reader.object(bytes, .top, depth: 0)
            reader.skipSpace(bytes)
            guard reader.i == bytes.count else { return nil }
        } catch {
            guard error == .cut else { return nil }
            reader.line.isCut = true
        }
        var line = reader.line
        if line[.url] == nil { line[.url] = line[.rewritten] }
        return line
    }

    /// Why reading ended early.
    private enum Stop: Error { case cut, malformed }

    /// The object that is being read: the same key has different meanings in them.
    private enum Place { case top, request, headers, other }

    private enum Meaning {
        case field(HitFields.Field)
        /// The same, and better than the value of other keys, in any order.
        case better(HitFields.Field)
        /// `GET /path HTTP/1.1`, or an object with its parts.
        case request
        case headers
    }

    private static let top = names([
        (.field(.site), ["s", "site"]), (.better(.host), ["h", "http_host", "RequestHost"]), (.field(.host), ["host"]),
        (.field(.serverName), ["server_name"]),
        (.field(.address), ["i", "ip", "remote_addr", "remote_ip", "clientip", "ClientHost"]),
        (.better(.address), ["client_ip"]),
        (.field(.method), ["m", "method", "request_method", "RequestMethod"]),
        (.field(.status), ["c", "status", "DownstreamStatus"]),
        (.field(.url), ["u", "url", "RequestPath"]), (.better(.url), ["request_uri"]), (.field(.rewritten), ["uri"]),
        (.field(.referrer), ["r", "ref", "referer", "referrer", "http_referer", "http_referrer", "request_Referer"]),
        (.field(.agent), ["a", "ua", "agent", "user_agent", "http_user_agent", "request_User-Agent"]),
        (.field(.visitor), ["v"]), (.field(.event), ["n"]),
        // `time` may also be the duration.
        (.field(.time), ["t", "time"]),
        (.better(.time), ["ts", "msec", "timestamp", "@timestamp", "time_iso8601", "time_local", "StartUTC"]),
        (.request, ["rq", "request"]),
    ])
    /// The keys of Caddy's request.
    private static let request = names([
        (.field(.address), ["remote_ip", "remote_addr"]), (.better(.address), ["client_ip"]),
        (.field(.method), ["method"]), (.field(.host), ["host"]),
        (.field(.url), ["uri"]), (.headers, ["headers"]),
    ])
    private static let headers = names([(.field(.agent), ["User-Agent"]), (.field(.referrer), ["Referer"])])

    /// The names by the length of the key.
    private typealias Names = [[(key: [UInt8], meaning: Meaning)]]

    private static func names(_ meanings: [(Meaning, [String])]) -> Names {
        var names = Names(repeating: [], count: 19)
        for (meaning, keys) in meanings {
            for key in keys { names[key.utf8.count].append((Array(key.utf8), meaning)) }
        }
        return names
    }

    private static func meaning(_ key: Span<UInt8>, in place: Place) -> Meaning? {
        guard place != .other, key.count < 19 else { return nil }
        let names = place == .top ? top : place == .request ? request : headers
        for name in names[key.count] where equal(name.key.span, key) { return name.meaning }
        return nil
    }

    private struct Reader {
        var line = HitFields(.line, isRequest: true, .json)
        var i = 0

        mutating func skipSpace(_ bytes: Span<UInt8>) {
            while i < bytes.count,
                bytes[i] == .space || bytes[i] == .tab || bytes[i] == .carriageReturn || bytes[i] == .lineFeed
            {
                i += 1
            }
        }

        /// Skips white space. Returns the next byte.
        private mutating func next(_ bytes: Span<UInt8>) throws(Stop) -> UInt8 {
            skipSpace(bytes)
            guard i < bytes.count else { throw .cut }
            return bytes[i]
        }

        /// Reads an object, from its brace to after its end.
        mutating func object(_ bytes: Span<UInt8>, _ place: Place, depth: Int) throws(Stop) {
            i += 1
            if try next(bytes) == UInt8(ascii: "}") {
                i += 1
                return
            }
            while true {
                guard try next(bytes) == .quote else { throw .malformed }
                let (key, isKeyWhole) = string(bytes)
                guard isKeyWhole else { throw .cut }
                guard try next(bytes) == UInt8(ascii: ":") else { throw .malformed }
                i += 1
                try value(bytes, JSONLog.meaning(bytes.extracting(key), in: place), depth: depth)
                let mark = try next(bytes)
                i += 1
                if mark == UInt8(ascii: "}") { return }
                guard mark == UInt8(ascii: ",") else { throw .malformed }
            }
        }

        private mutating func value(_ bytes: Span<UInt8>, _ meaning: Meaning?, depth: Int) throws(Stop) {
            switch try next(bytes) {
            case .quote:
                let (text, isWhole) = string(bytes)
                set(text, isWhole: isWhole, meaning, bytes)
                if !isWhole { throw .cut }
            case UInt8(ascii: "{"):
                guard depth < depthMax else { throw .malformed }
                var place = Place.other
                if case .request? = meaning { place = .request }
                if case .headers? = meaning {
                    place = .headers
                    line.hasAgent = true
                }
                try object(bytes, place, depth: depth + 1)
            case UInt8(ascii: "["):
                guard depth < depthMax else { throw .malformed }
                try array(bytes, meaning, depth: depth + 1)
            default:
                let start = i
                while i < bytes.count, isWordByte(bytes[i]) { i += 1 }
                guard i > start else { throw .malformed }
                guard i < bytes.count else { throw .cut }
                let isNull = bytes[start] == UInt8(ascii: "n")
                if !isNull { set(start..<i, isWhole: true, meaning, bytes) }
            }
        }

        /// Reads a list of values. The first one counts.
        private mutating func array(_ bytes: Span<UInt8>, _ meaning: Meaning?, depth: Int) throws(Stop) {
            i += 1
            if try next(bytes) == UInt8(ascii: "]") {
                i += 1
                return
            }
            var meaning = meaning
            while true {
                try value(bytes, meaning, depth: depth)
                meaning = nil
                let mark = try next(bytes)
                i += 1
                if mark == UInt8(ascii: "]") { return }
                guard mark == UInt8(ascii: ",") else { throw .malformed }
            }
        }

        /// Reads a string, from its opening to after its closing quote.
        private mutating func string(_ bytes: Span<UInt8>) -> (content: Range<Int>, isWhole: Bool) {
            i += 1
            let start = i
            while i < bytes.count, bytes[i] != .quote { i += bytes[i] == .backslash ? 2 : 1 }
            guard i < bytes.count else {
                i = bytes.count
                return (min(start, i)..<i, false)
            }
            i += 1
            return (start..<i - 1, true)
        }

        private func isWordByte(_ byte: UInt8) -> Bool {
            isLowerOrDigit(byte) || byte == .dash || byte == .plus || byte == .dot || byte == UInt8(ascii: "E")
        }

        private mutating func set(_ text: Range<Int>, isWhole: Bool, _ meaning: Meaning?, _ bytes: Span<UInt8>) {
            let (field, isBetter): (HitFields.Field, Bool)
            switch meaning {
            case .field(let named): (field, isBetter) = (named, false)
            case .better(let named): (field, isBetter) = (named, true)
            case .request: return line.setRequest(bytes, text, isCut: !isWhole)
            case .headers, nil: return
            }
            if field == .agent { line.hasAgent = true }
            // Another key may have a value that the server does not know here.
            let isNone = text.count == 0 || text.count == 1 && bytes[text.lowerBound] == .dash
            if isNone, field != .method, field != .status { return }
            switch field {
            case .agent: line.isAgentCut = line.isAgentCut || !isWhole
            case .url, .rewritten: line.isURLCut = line.isURLCut || !isWhole
            default: if !isWhole { return }
            }
            if isBetter { line.remove(field) }
            line[field] = text
        }
    }
}
