import Counting

/// Two sites after a quiet quarter of an hour: `portal` with two visitors, and `shop` without any.
let knownReport: Report = {
    var frame = Frame()
    addSite(0, "portal", "Asia/Ho_Chi_Minh", to: &frame)
    addSite(1, "shop", "UTC", to: &frame)
    frame.append(.baseline(SiteIndex(0), visits: 50_000, views: 0, takenOver))
    frame.append(.rejected(SiteIndex(0), 3))
    addView(by: 7, of: "/", at: 0, to: &frame)
    addView(by: 0, of: "/", at: 30, isBot: true, to: &frame)
    addView(by: 7, of: "/news", at: 600, to: &frame)
    addView(by: 8, of: "/", at: 630, to: &frame)
    return report(of: frame, at: 720)
}()

/// More visitors in a day than are counted one by one.
let crowdedReport: Report = {
    var frame = Frame()
    addSite(0, "portal", "UTC", to: &frame)
    for visitor in 1...3000 {
        addView(by: UInt64(visitor), of: "/", at: 0, to: &frame)
    }
    return report(of: frame, at: 0)
}()

/// A different number for everything that is counted for the daemon as a whole.
let talliedReport: Report = {
    var frame = Frame()
    addSite(0, "portal", "UTC", to: &frame)
    for counter in Counter.allCases { frame.append(.counter(counter, 1000 + UInt64(counter.rawValue))) }
    addView(by: 7, of: "/", at: 0, to: &frame)
    return report(of: frame, at: 0)
}()

/// Sites `s0`, `s1` … or as they are `named`, each with another number of views from 1 to `count` unless said, the
/// busiest in no order. Each has 2 visitors online, 1 visit and 3 bots; the quieter ones took over millions of views.
func report(
    ofSites count: Int, named name: (Int) -> String = { "s\($0)" }, views: ((Int) -> Int)? = nil,
    baselineVisits: Int64 = 4
) -> Report {
    var frame = Frame()
    for site in 0..<count {
        let views = views?(site) ?? viewsOfSite(site, of: count)
        addSite(site, name(site), "UTC", to: &frame)
        frame.append(
            .baseline(SiteIndex(site), visits: baselineVisits, views: 1_000_000 * Int64(count - views), takenOver))
        addView(by: 1 + 2 * UInt64(site), of: "/", at: 0, on: site, to: &frame)
        for _ in 0..<(views - 1) { addView(by: 0, of: "/", at: 0, on: site, to: &frame) }
        addView(by: 2 + 2 * UInt64(site), of: "/", at: 0, on: site, kind: .ping, to: &frame)
        for _ in 0..<3 { addView(by: 0, of: "/", at: 0, on: site, isBot: true, to: &frame) }
    }
    return report(of: frame, at: 0)
}

/// The views of a site of `report(ofSites:)`; `count` shares no divisor with 7.
func viewsOfSite(_ site: Int, of count: Int) -> Int { site * 7 % count + 1 }

/// Without sites, as before the first settings.
let emptyReport = report(of: Frame(), at: 0)

/// 2026-11-23T07:00:00Z, from which the seconds below count.
private let start: Int64 = 1_795_417_200

private let takenOver = AuditNote(by: "test", note: "the old counter's", at: Moment(second: start))

private func addSite(_ number: Int, _ name: String, _ timezone: String, to frame: inout Frame) {
    let rollover = DayRollover(day: LocalDay(number: 20_780), begins: Moment(second: start - 50_400), salt: 1)
    frame.append(
        .site(SiteIndex(number), SiteSettings(name: name, timezone: timezone), rollover, at: Moment(second: start)))
}

private func addView(
    by visitor: UInt64, of path: String, at second: Int64, on site: Int = 0, kind: Hit.Kind = .view,
    isBot: Bool = false, to frame: inout Frame
) {
    let path = Array(path.utf8)
    let none: [UInt8] = []
    frame.append(
        Hit(
            site: SiteIndex(site), moment: Moment(second: start + second), kind: kind, source: .beacon, isBot: isBot,
            // Spread as a hash would.
            visitor: visitor &* 0x9E37_79B9_7F4A_7C15, previousVisitorKey: 0, path: path.span, origin: .direct,
            referrer: none.span))
}

private func report(of frame: Frame, at second: Int64) -> Report {
    var engine = Engine()
    do {
        try engine.apply(frame.span)
    } catch {
        preconditionFailure("\(error)")
    }
    engine.advance(to: Moment(second: start + second))
    return engine.report()
}
