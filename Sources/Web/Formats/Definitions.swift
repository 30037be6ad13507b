import Counting

/// The meaning of each term of the product, for people who read the numbers. The API publishes it.
///
/// Constants and reasons for refusal come from Counting.
public let definitions: [(term: String, definition: String)] = """
    hit: One accepted beacon. Its kind is view or ping.
    view: A page was shown to a visitor. Reloading is another view; a duplicate, a bot's request and a ping are none.
    ping: A page is still in front of somebody. It keeps a visitor online and a visit going, and adds to no view.
    duplicate: A view by the same visitor, of the same path and from the same source, less than the site's interval \
    (1000 ms unless set otherwise) after one that was counted. It is a hit, but not a view.
    visitor: Whoever shares an address (IPv6: a /64 network) and a browser, or an id given by the site, until the \
    site's local midnight. Known by a keyed hash only: address and browser are never stored.
    visit: A visitor's hits with no pause over \(visitGapSecondsMax) seconds between them and at least one view among \
    them. It begins with its first view and belongs to the local day on which it began; midnight does not split it.
    online now: Distinct visitors whose last hit is less than window_seconds old. Counted, not estimated, while \
    exact.online is true.
    peak: The greatest number of visitors online at once, with the first moment it was reached: today and ever. A day \
    starts from those who were online at its midnight.
    total: The headline: all visits (or views, as `of` says) since the counter began, with the baseline taken over \
    from an older counter and with corrections. Apart from corrections it never goes down.
    unique visitors: Distinct visitors with a view in one local day. Counted while there are few, then estimated with \
    a standard error of 0.81 %; exact.visitors_today and exact.visitors_error tell which.
    visitor-days: The sum of each day's unique visitors in the month. Somebody who comes on three days counts three \
    times, because visitors are not recognised across days.
    windows: Views, and visits by the moment they began, of the last 1m, 5m, 1h (in seconds), 24h (in minutes), 7d and \
    30d (in quarter hours). The running second, minute or quarter hour is included.
    bot: A hit whose agent says it is a program, or, where the sender could have named an agent, names none; and a \
    prefetch. Counted as bots and in no other number.
    rejected: Not counted, for one of these reasons. A datagram: \(list(DatagramRejection.allCases.map(\.rawValue))). \
    A single beacon: \(list(BeaconRejection.allCases.map(\.rawValue))).
    """.split(separator: "\n").map { line in
        let parts = line.split(separator: ": ", maxSplits: 1)
        return (String(parts[0]), String(parts[1]))
    }

private func list(_ names: [String]) -> String { names.joined(separator: ", ") }
