/// A number of a site that its owner may show to anybody: the names of the `public` setting.
public enum PublicNumber: String, CaseIterable, Sendable {
    case online, peak, total, visits, views, today, yesterday, month, visitors, windows, bots, rejected, top, series

    /// The default: what a counter is for.
    public static let counter: Set<PublicNumber> = [.online, .total]
}
