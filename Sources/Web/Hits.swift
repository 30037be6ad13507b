import Counting
import NIOCore
import NIOHTTP1
import Wire

/// Counts what a page sends: `POST /hit`, answered with the site's public numbers, this hit in them; and images, for pages
/// without a script.
struct Hits: Sendable {
    let state: WebState
    let proxies: Networks

    @Sendable func count(_ request: Request) throws(Problem) -> Reply {
        let form = Array(request.body.readableBytesView)
        let language = Self.value(of: "l", in: form) ?? "en"
        return reply(to: request, form) { site in numbers(of: site, in: language) }
    }

    /// `GET /hit.gif?s=…`: one transparent pixel.
    @Sendable func pixel(_ request: Request) throws(Problem) -> Reply {
        reply(to: request, Self.form(ofImage: request)) { _ in Badge.pixel }
    }

    /// `GET /hit.svg?s=…&show=total&l=vi`: the number that a page without a script shows.
    @Sendable func image(_ request: Request) throws(Problem) -> Reply {
        let form = Self.form(ofImage: request)
        let metric = Self.value(of: "show", in: form) ?? "total"
        let language = Self.value(of: "l", in: form) ?? request.language
        return reply(to: request, form) { site in
            do throws(Problem) {
                return try Badge(metric, of: site, in: language, for: state).answer
            } catch {
                return error.answer
            }
        }
    }

    /// `GET /badge/{site}/{metric}.svg`: shows a number and counts nothing.
    @Sendable func badge(_ request: Request) throws(Problem) -> Reply {
        guard let metric = request.parameters[1].wholeMatch(of: /(.+)\.svg/)?.1,
            let site = state.report().site(String(request.parameters[0])), state.isServed(site.name)
        else { throw Problem.unknownSite }
        let language = Self.value(of: "l", in: Self.query(of: request)) ?? request.language
        return .now(try Badge(String(metric), of: site, in: language, for: state).answer)
    }

    /// Counts a hit and answers with what is made of its site's numbers.
    private func reply(
        to request: Request, _ form: [UInt8], _ answer: @escaping @Sendable (SiteReport) -> Answer
    ) -> Reply {
        let headers = request.head.headers
        let hit = BrowserHit(
            form: form, address: request.visitor(behind: proxies), agent: headers.first(name: "User-Agent") ?? "",
            page: headers.first(name: "Origin") ?? headers.first(name: "Referer") ?? "",
            isPrefetch: Self.isPrefetch(request.head), signals: Self.signals(headers))
        return .later { give in
            let isTaken = state.count(hit) { result in
                give {
                    switch result {
                    case .success(let site): answer(site)
                    case .failure(let reason): Self.problem(reason).answer
                    }
                }
            }
            if !isTaken { give { Self.problem(.limit).answer } }
        }
    }

    private static func query(of request: Request) -> [UInt8] {
        Array(request.head.uri.utf8.drop { $0 != UInt8(ascii: "?") }.dropFirst())
    }

    /// An image says by itself where it stands; else it is on the page that asks for it.
    private static func form(ofImage request: Request) -> [UInt8] {
        let query = query(of: request)
        guard value(of: "u", in: query) == nil else { return query }
        return query + "&u=".utf8 + (request.head.headers.first(name: "Referer") ?? "/").formEncoded.utf8
    }

    /// What the browser asks for on behalf of who sits in front of it.
    private static func signals(_ headers: HTTPHeaders) -> Set<PrivacySignal> {
        Set(PrivacySignal.allCases.filter { headers[$0.field].contains("1") })
    }

    /// The numbers that the widget shows, under their names, with what they are called.
    private func numbers(of site: SiteReport, in language: String) -> Answer {
        let visible = state.publicNumbers(site.name)
        var object: JSONObject = [:]
        var labels: JSONObject = [:]
        for number in PublicNumber.allCases where visible.contains(number) {
            guard let value = site.headline(number) else { continue }
            object.append(number.rawValue, JSON(value))
            labels.append(
                number.rawValue, JSON(Labels.label(of: number, totalOf: site.totalOf, in: language)))
        }
        object.append("labels", .object(labels))
        var answer = Answer.json(object)
        answer.add("Access-Control-Allow-Origin", "*")
        return answer
    }

    private static func problem(_ reason: BeaconRejection) -> Problem {
        let (status, detail): (HTTPResponseStatus, String) =
            switch reason {
            case .siteMissing: (.badRequest, "Send the site's name as s: data-site of the script.")
            case .siteUnknown: (Problem.unknownSite.status, Problem.unknownSite.detail)
            case .origin: (.forbidden, "The page is on none of the site's hosts; add it to hosts of the site.")
            case .rate: (.tooManyRequests, "Too many hits from one address or for one site; see visitor_rate.")
            case .limit, .internal: (.serviceUnavailable, "The hit cannot be kept now and is not counted; try again.")
            default: (.badRequest, "Send one form with the keys s and u, or s and n=ping.")
            }
        return Problem(status, detail, [("Access-Control-Allow-Origin", "*"), ("X-Footfall-Reason", reason.rawValue)])
    }

    /// An image fetched ahead of need says so in one of these. A script that posts has seen that the page is shown, and
    /// Chromium goes on to say `Sec-Purpose: prefetch;prerender` for what a page asks for after it was.
    private static func isPrefetch(_ head: HTTPRequestHead) -> Bool {
        head.method != .POST
            && ["Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"].contains { name in
                head.headers[name].contains {
                    $0.lowercased().hasPrefix("prefetch") || $0.lowercased().hasPrefix("preview")
                }
            }
    }

    /// The value of a key that concerns the answer and not the count: 35 bytes of it.
    private static func value(of key: String, in form: [UInt8]) -> String? {
        let prefix = Array("\(key)=".utf8)
        return form.split(separator: UInt8(ascii: "&")).first { $0.starts(with: prefix) }
            .map { String(decoding: $0.dropFirst(prefix.count).prefix(35), as: UTF8.self) }
    }
}

extension Request {
    /// The language that the browser would rather have.
    fileprivate var language: String {
        let accepted = head.headers.first(name: "Accept-Language") ?? ""
        return String(accepted.prefix { $0.isASCII && ($0.isLetter || $0 == "-") }.prefix(35))
    }
}

extension PrivacySignal {
    /// The field that sends it as `1`.
    fileprivate var field: String {
        switch self {
        case .dnt: "DNT"
        case .gpc: "Sec-GPC"
        }
    }
}

extension String {
    /// As the value of a form's field.
    fileprivate var formEncoded: String {
        utf8.reduce(into: "") { text, byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d...0x2f, 0x3a, 0x5f:
                text.unicodeScalars.append(Unicode.Scalar(byte))
            default: text += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
    }
}

extension SiteReport {
    /// The number that a single place on a page shows; nil for those that are more than one.
    func headline(_ number: PublicNumber) -> Int64? {
        func kind(_ span: Sums) -> Int64 { totalOf == .visits ? span.visits : span.views }
        switch number {
        case .online: return Int64(online)
        case .peak: return Int64(peak.visitors)
        case .total: return total
        case .visits: return totalVisits
        case .views: return totalViews
        case .today: return kind(today)
        case .yesterday: return kind(yesterday)
        case .month: return kind(month)
        case .visitors: return Int64(today.visitors)
        case .windows, .bots, .rejected, .top, .series: return nil
        }
    }
}
