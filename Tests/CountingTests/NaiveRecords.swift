import Counting

// Everything that the naive counter stores.

extension NaiveCounter {
    /// A hit with a person's number instead of keys. Person 0 is nobody.
    struct Hit {
        var site: Int
        var moment: Moment
        var kind: Counting.Hit.Kind
        var source: HitSource
        var isBot: Bool
        var person: Int
        var path: [UInt8]
        var origin: Counting.Hit.Origin
        var referrer: [UInt8]
    }

    enum Outcome { case view, ping, duplicate, bot }

    /// A hit and what became of it.
    struct Seen {
        var hit: Hit
        var outcome: Outcome
        /// True if the visitor found room; false also without a visitor.
        var isTracked: Bool
        var beginsVisit = false
        /// The number of clock restarts before it, and the place of its day in `Site.days`.
        var era: Int
        var day: Int
    }

    /// online(W) at one moment: after a hit, at a midnight, or when W changed.
    struct Mark {
        var at: Moment
        var online: Int
        var era: Int
        var day: Int
        /// How often W had changed before.
        var windowChanges: Int
    }

    struct Site {
        var settings: SiteSettings
        var since: Moment
        var seen: [Seen] = []
        var marks: [Mark] = []
        /// Every day with its zone. The running day is the last.
        var days: [(day: LocalDay, timezone: String)]
        /// Every online window with the moment from which it applied.
        var windows: [(from: Moment, era: Int, seconds: Int64)]
        var corrections: [(day: LocalDay, visits: Int64, views: Int64, madeOn: Int)] = []
        var start: (visits: Int64, views: Int64) = (0, 0)
        /// The changes by hand, in order.
        var audits: [ComparedAudit] = []
        var rejected: UInt64 = 0
        var untracked: [(moment: Moment, era: Int)] = []
    }
}

/// A ranking counted from the list. When a new key finds it full, keys seen once go to `other`.
struct Ranked {
    var rows: [[UInt8]: (views: UInt64, entries: UInt64)] = [:]
    var other: UInt64 = 0
    var isApproximate = false
    var sweeps: UInt64 = 0

    init(_ views: [(key: [UInt8], isEntry: Bool)], limit: Int) {
        for view in views {
            if rows[view.key] == nil, rows.count >= limit {
                isApproximate = true
                let kept = rows.filter { $0.value.views > 1 }
                if kept.count < rows.count { sweeps += 1 }
                other += UInt64(rows.count - kept.count)
                rows = kept
                if rows.count >= limit {
                    other += 1
                    continue
                }
            }
            let row = rows[view.key] ?? (0, 0)
            rows[view.key] = (row.views + 1, row.entries + (view.isEntry ? 1 : 0))
        }
    }

    func top(_ count: Int) -> ComparedTop {
        let sorted = rows.sorted { a, b in
            if a.value.views != b.value.views { return a.value.views > b.value.views }
            return a.key.lexicographicallyPrecedes(b.key)
        }
        let all = sorted.map { ComparedTop.Row(key: $0.key, views: $0.value.views, entries: $0.value.entries) }
        let cut = all.dropFirst(count).reduce(0) { $0 + $1.views }
        return ComparedTop(rows: Array(all.prefix(count)), other: other + cut, isApproximate: isApproximate)
    }
}
