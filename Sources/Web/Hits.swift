import Counting
import NIOCore
import NIOHTTP1
import Wire

/// `POST /hit`: counts what a page sends and answers with the site's public numbers, this hit in them.
struct Hits: Sendable {
    let state: WebState
    let proxies: Networks

    @Sendable func count(_ request: Request) throws(Problem) -> Reply {
        let form = Array(request.body.readableBytesView)
        let headers = request.head.headers
        let hit = BrowserHit(
            form: form, address: request.visitor(behind: proxies), agent: headers.first(name: "User-Agent") ?? "",
            page: headers.first(name: "Origin") ?? headers.first(name: "Referer") ?? "",
            isPrefetch: Self.isPrefetch(headers))
        let language = Self.language(in: form)
        return .later { give in
            let isTaken = state.count(hit) { result in
                give {
                    switch result {
                    case .success(let site): numbers(of: site, in: language)
                    case .failure(let reason): Self.problem(reason).answer
                    }
                }
            }
            if !isTaken { give { Self.problem(.limit).answer } }
        }
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

    /// A page fetched ahead of need says so in one of these.
    private static func isPrefetch(_ headers: HTTPHeaders) -> Bool {
        ["Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"].contains { name in
            headers[name].contains { $0.lowercased().hasPrefix("prefetch") || $0.lowercased().hasPrefix("preview") }
        }
    }

    /// The value of `l`, which concerns the answer and not the count.
    private static func language(in form: [UInt8]) -> String {
        for field in form.split(separator: UInt8(ascii: "&")) where field.starts(with: "l=".utf8) {
            return String(decoding: field.dropFirst(2).prefix(35), as: UTF8.self)
        }
        return "en"
    }
}

extension SiteReport {
    /// The number that a single place on a page shows; nil for those that are more than one.
    fileprivate func headline(_ number: PublicNumber) -> Int64? {
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
