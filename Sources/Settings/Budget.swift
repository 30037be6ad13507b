import Counting

extension Settings {
    /// An upper estimate of the memory that the limits allow, by use. The last row is the total if all configured sites are
    /// busy on the same day.
    var memoryBudget: [(name: String, bytes: Int)] {
        let shared = [
            ("visitor table", limits.counting.visitors * 12),
            // At most 43 bytes a view; while the table grows, the former one and a list of 16 bytes a view besides.
            ("recent views", limits.counting.recentViews * 80),
            ("receive slots", 64 * 8384),
            // The kernel reserves twice the size, for its own bookkeeping.
            ("receive buffers, in the kernel", beacon.listen.count * 2 * beacon.receiveBufferBytes),
            ("buffered frames", limits.heldBytesMax),
        ]
        // A ranked key: its array (32 B and up to 1024 or 253), and its entry in keys, hashes, index and counts.
        let rankings = limits.counting.pages * (104 + 1024) + limits.counting.referrers * (104 + 253)
        let busySite = [
            ("each busy site: rankings of a day", rankings),
            ("each busy site: unique visitors of a day", 16 << 10),
            ("each busy site: presence", 8 << 10),
            // Slots of 12 bytes: an hour of seconds, a day of minutes, 30 days of quarter hours.
            ("each busy site: windows", 12 * (3600 + 1440 + 2880)),
        ]
        func sum(_ rows: [(String, Int)]) -> Int { rows.reduce(0) { $0 + $1.1 } }
        let total = sum(shared) + sites.count * sum(busySite)
        return shared + busySite + [("total with busy sites: \(sites.count)", total)]
    }

    /// An upper estimate for the history of one busy site in a year: a row per day, and its packed quarter hours.
    static let diskSiteYearBytes = 365 * (96 * 12 + 120)
    /// Rankings of a busy site: 200 rows a day, kept for 400 days.
    static let diskRankingsBytes = 400 * 200 * 64

    /// The budget as TOML comments, printed after the effective settings.
    public func budgetTOML() -> String {
        func comment(_ name: String, _ bytes: Int) -> String {
            let hundredths = (bytes * 100 + (1 << 20) - 1) >> 20
            let size = "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100) MiB"
            return "#   " + name + String(repeating: " ", count: max(1, 52 - name.count - size.count)) + size + "\n"
        }
        return "# Memory, estimated from above:\n" + memoryBudget.map(comment).joined()
            + "# Disk, estimated from above:\n" + comment("each busy site and year", Self.diskSiteYearBytes)
            + comment("each busy site: rankings of 400 days", Self.diskRankingsBytes)
            + comment("journal", state.journalCapBytes)
    }
}
