import Counting

/// Two sites after a quiet quarter of an hour: `portal` with two visitors, and `shop` without any.
let knownReport: Report = {
    var frame = Frame()
    addSite(0, "portal", "Asia/Ho_Chi_Minh", to: &frame)
    addSite(1, "shop", "UTC", to: &frame)
    frame.append(.start(SiteIndex(0), visits: 50_000, views: 0))
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

/// 2026-11-23T07:00:00Z, from which the seconds below count.
private let start: Int64 = 1_795_417_200

private func addSite(_ number: Int, _ name: String, _ timezone: String, to frame: inout Frame) {
    let turn = DayTurn(day: LocalDay(number: 20_780), begins: Moment(second: start - 50_400), salt: 1)
    frame.append(
        .site(SiteIndex(number), SiteSettings(name: name, timezone: timezone), turn, at: Moment(second: start)))
}

private func addView(
    by visitor: UInt64, of path: String, at second: Int64, isBot: Bool = false, to frame: inout Frame
) {
    let path = Array(path.utf8)
    let none: [UInt8] = []
    frame.append(
        Hit(
            site: SiteIndex(0), moment: Moment(second: start + second), kind: .view, door: .beacon, isBot: isBot,
            // Spread as a hash would.
            visitor: visitor &* 0x9E37_79B9_7F4A_7C15, formerVisitor: 0, path: path.span, origin: .direct,
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
