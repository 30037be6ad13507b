/// A number of a site that its owner may show to everybody. These are the names of the `public` setting.
public enum PublicNumber: String, CaseIterable, Sendable {
    case online, peak, total, visits, views, today, yesterday, month, visitors, windows, bots, rejected, top, series

    /// It is one number, which a page can show in one place.
    public var isSingle: Bool {
        switch self {
        case .online, .peak, .total, .visits, .views, .today, .yesterday, .month, .visitors: true
        case .windows, .bots, .rejected, .top, .series: false
        }
    }

    /// The default: what a simple counter shows.
    public static let counter: Set<PublicNumber> = [.online, .total]
}
