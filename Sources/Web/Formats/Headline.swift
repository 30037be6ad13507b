import Counting

extension SiteReport {
    /// The number for a single place on a page; nil for a public number with several values.
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
