import Counting
import Testing

/// A site on one afternoon. Visitors are numbers.
private struct Afternoon {
    var engine = Engine(seed: HashSeed(1, 2), at: Moment(milliseconds: noon))
    private static let noon: Int64 = 1_795_435_200_000
    private let path = Array("/".utf8)

    init() throws {
        let now = Moment(milliseconds: Self.noon)
        var frame = Frame()
        let rollover = DayRollover(day: LocalDay(number: Int32(now.second / 86_400)), begins: now, salt: 1)
        frame.append(.site(SiteIndex(0), SiteSettings(name: "demo"), rollover, at: now))
        try engine.apply(frame.span)
    }

    /// A view `minute` minutes after noon.
    mutating func view(by visitor: UInt64, minute: Int64) throws {
        var frame = Frame()
        frame.append(
            Hit(
                site: SiteIndex(0), moment: Moment(milliseconds: Self.noon + minute * 60_000), kind: .view,
                source: .beacon,
                isBot: false, visitor: visitor << 20 | 1, previousVisitorKey: 0, path: path.span, origin: .direct,
                referrer: path.span))
        try engine.apply(frame.span)
    }

    mutating func report() -> SiteReport { engine.report().sites[0] }
}

@Test("a lost table of visitors never makes two visits of one, and half an hour later visits are counted again")
func lostVisitors() throws {
    var afternoon = try Afternoon()
    for visitor in 1...10 as ClosedRange<UInt64> { try afternoon.view(by: visitor, minute: 1) }
    afternoon.engine.loseVisitors()
    var report = afternoon.report()
    #expect(report.online == 0 && report.totalVisits == 10 && !report.isOnlineExact)

    // The ten come back, and a new one comes. The engine cannot distinguish them now.
    for visitor in 1...11 as ClosedRange<UInt64> { try afternoon.view(by: visitor, minute: 20) }
    report = afternoon.report()
    #expect(report.online == 11 && report.totalVisits == 10 && report.totalViews == 21)
    #expect(report.peak.visitors == 11)

    // The doubt is part of the state.
    let bytes = afternoon.engine.snapshot()
    var restored = try Engine(restoring: bytes.span, limits: Limits(), seed: HashSeed(3, 4))
    #expect(restored.snapshot() == bytes)
    afternoon.engine = restored

    // Half an hour after the loss, new visitors are counted as new.
    try afternoon.view(by: 12, minute: 31)
    try afternoon.view(by: 13, minute: 32)
    report = afternoon.report()
    #expect(report.totalVisits == 11 && report.isOnlineExact)
}
