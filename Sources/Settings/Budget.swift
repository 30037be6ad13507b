import Counting

extension Settings {
    /// Memory the limits allow at most, by use: an estimate from above. The last row is the total, with every
    /// configured site busy on the same day.
    var memoryBudget: [(name: String, bytes: Int)] {
        let shared = [
            ("visitor table", limits.counting.visitors * 12),
            ("recent views", limits.counting.recentViews * 48),
            ("receive slots", 64 * (8 << 10)),
            // The kernel reserves twice what is asked for, to pay for its own bookkeeping.
            ("receive buffers, in the kernel", beacon.listen.count * 2 * beacon.receiveBufferBytes),
            ("held frames", limits.heldBytesMax),
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

    /// History of one busy site over a year, estimated from above: its quarter hours packed by the day, and a row for the day.
    static let diskSiteYearBytes = 365 * (96 * 12 + 120)
    /// Its rankings, which are kept for 400 days: 200 rows a day.
    static let diskRankingsBytes = 400 * 200 * 64

    /// The budget as comments, to stand below the effective settings.
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
