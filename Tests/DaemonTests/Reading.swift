import Foundation
import Glibc

/// The numbers of a daemon for all its sites at one moment.
struct Reading: Equatable {
    struct Site: Equatable {
        var views = 0, visits = 0, bots = 0, rejected = 0
        var online = 0, peak = 0
        var viewsToday = 0
    }
    var sites: [String: Site] = [:]

    /// The numbers that never fall.
    var totals: [Int] {
        sites.sorted { $0.key < $1.key }.flatMap { [$1.views, $1.visits, $1.bots, $1.rejected, $1.peak] }
    }
}

/// The families of `/metrics`, each the sum of its samples, and each sample by its label.
struct Scrape {
    private var values: [Substring: Double] = [:]

    init(_ text: String) {
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            guard let space = line.lastIndex(of: " "), let value = Double(line[line.index(after: space)...]) else {
                continue
            }
            let name = line[..<space]
            values[name, default: 0] += value
            if let brace = name.firstIndex(of: "{") { values[name[..<brace], default: 0] += value }
        }
    }

    /// A family, or a sample with its label; zero if it does not exist.
    subscript(_ name: String) -> Int { Int(seconds(name)) }

    func seconds(_ name: String) -> Double { values["footfall_" + name] ?? 0 }
}

/// One GET to a loopback port; nil if there is no response in time.
func httpGet(_ port: Int, _ target: String) -> (status: Int, body: String)? {
    httpAsk(port, "GET \(target) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nConnection: close\r\n\r\n")
}

/// One form. `fields` are further header lines.
func httpPost(_ port: Int, _ target: String, _ form: String, _ fields: [String]) -> (status: Int, body: String)? {
    let fields = ["Host: 127.0.0.1:\(port)", "Content-Length: \(form.utf8.count)", "Connection: close"] + fields
    return httpAsk(port, "POST \(target) HTTP/1.1\r\n\(fields.joined(separator: "\r\n"))\r\n\r\n\(form)")
}

/// One GET with further header lines, `Host` among them if it should differ.
func httpAsk(_ port: Int, _ target: String, _ fields: [String]) -> (status: Int, body: String)? {
    let host = fields.contains { $0.hasPrefix("Host:") } ? [] : ["Host: 127.0.0.1:\(port)"]
    let head = (host + fields + ["Connection: close"]).joined(separator: "\r\n")
    return httpAsk(port, "GET \(target) HTTP/1.1\r\n\(head)\r\n\r\n")
}

/// One PUT of JSON.
func httpPut(
    _ port: Int, _ target: String, _ body: String, _ fields: [String] = []
) -> (status: Int, body: String)? {
    let fields = ["Host: 127.0.0.1:\(port)", "Content-Length: \(body.utf8.count)", "Connection: close"] + fields
    return httpAsk(port, "PUT \(target) HTTP/1.1\r\n\(fields.joined(separator: "\r\n"))\r\n\r\n\(body)")
}

private func httpAsk(_ port: Int, _ request: String) -> (status: Int, body: String)? {
    let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    defer { close(descriptor) }
    var patience = timeval(tv_sec: 20, tv_usec: 0)
    for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
        unsafe setsockopt(descriptor, SOL_SOCKET, option, &patience, socklen_t(MemoryLayout<timeval>.size))
    }
    let request = Array(request.utf8)
    guard connectToLoopback(descriptor, port),
        unsafe send(descriptor, request, request.count, CInt(MSG_NOSIGNAL)) == request.count
    else {
        return nil
    }
    var answer: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 65_536)
    while true {
        let count = unsafe recv(descriptor, &piece, piece.count, 0)
        guard count >= 0 else { return nil }
        if count == 0 { break }
        answer += piece[..<count]
    }
    let text = String(decoding: answer, as: UTF8.self)
    guard let end = text.firstRange(of: "\r\n\r\n"),
        let status = text.split(separator: " ", maxSplits: 2).dropFirst().first.flatMap({ Int($0) })
    else { return nil }
    return (status, String(text[end.upperBound...]))
}

/// Connects a socket of either kind.
func connectToLoopback(_ descriptor: CInt, _ port: Int) -> Bool {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
    address.sin_port = UInt16(port).bigEndian
    return unsafe withUnsafePointer(to: &address) {
        unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
        }
    }
}

extension Machine {
    func get(_ target: String) -> (status: Int, body: String)? { httpGet(httpPort, target) }
    func put(_ target: String, _ body: String) -> (status: Int, body: String)? { httpPut(httpPort, target, body) }

    /// The metrics of a daemon that answers.
    func scrape() throws -> Scrape {
        guard let answer = get("/metrics"), answer.status == 200 else {
            throw Daemon.Failure(description: "no metrics: \(try said.suffix(2000))")
        }
        return Scrape(answer.body)
    }

    /// The numbers of a running daemon: all sites, from one snapshot.
    func numbers() throws -> Reading {
        guard let answer = get("/api/v1/sites"), answer.status == 200 else {
            throw Daemon.Failure(description: "no numbers: \(try said.suffix(2000))")
        }
        let list = try JSONDecoder().decode(SiteList.self, from: Data(answer.body.utf8))
        var numbers = Reading()
        for site in list.sites {
            numbers.sites[site.site] = Reading.Site(
                views: site.total.views, visits: site.total.visits, bots: site.bots.total,
                rejected: site.rejected.total,
                online: site.online.visitors, peak: site.online.peak.visitors, viewsToday: site.today.views)
        }
        return numbers
    }
}

/// The parts that tests read.
private struct SiteList: Decodable {
    struct Site: Decodable {
        struct Online: Decodable {
            struct Peak: Decodable { let visitors: Int }
            let visitors: Int
            let peak: Peak
        }
        struct Total: Decodable { let views: Int, visits: Int }
        struct Refused: Decodable { let total: Int }
        let site: String
        let online: Online
        let total: Total, today: Total
        let bots: Refused, rejected: Refused
    }
    let sites: [Site]
}
