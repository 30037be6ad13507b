public import Counting

/// Detects that the numbers of a site are wrong although each beacon is right: one address that stands for everybody,
/// or visitors whose views come from two sources.
///
/// - Complexity: a view O(1); 40 bytes a site, and half a KiB more if there are two sources.
struct AnomalyDetector: Sendable {
    /// The address of most of the newest views, by the vote of Boyer and Moore.
    private var address: UInt64 = 0
    private var votes: UInt8 = 0
    /// Views from that address, and from all addresses, since it was elected. Both are halved from time to time.
    private var same: UInt16 = 0
    private var all: UInt16 = 0
    /// True once more than nine in ten of the newest views come from one address, until fewer than 85 in a hundred do.
    private(set) var isOneAddress = false
    /// True if the newest view came from a loopback address.
    private(set) var isOwnAddress = false
    /// The sources of views, one bit each.
    private var sources: UInt8 = 0
    /// Recent visitors, each with its sources in the lowest bits.
    private var visitors: [UInt64] = []
    /// When a visitor last came from a second source.
    private var sharedAt: Moment?

    /// Fewer views mean nothing: a site owner who tests the site comes from one address.
    private static let viewsMin = 50
    private static let viewsKept: UInt16 = 1000
    private static let votesMax: UInt8 = 50
    private static let visitorsKept = 64
    private static let sourceBits: UInt64 = 0b111
    private static let sharedMilliseconds: Int64 = 86_400_000

    @inline(__always)
    mutating func observe(_ address: NetworkAddress) {
        let name: UInt64 =
            switch address {
            case .v4(let bits): UInt64(bits) | 1 << 32
            case .v6(let high, _): high
            }
        isOwnAddress =
            switch address {
            case .v4(let bits): bits >> 24 == 127
            case .v6(let high, let low): high == 0 && low == 1
            }
        if name == self.address {
            if votes < Self.votesMax { votes += 1 }
            same += 1
        } else if votes > 0 {
            votes -= 1
        } else {
            self.address = name
            (votes, same, all) = (1, 1, 0)
        }
        all += 1
        if all == Self.viewsKept {
            all /= 2
            same /= 2
        }
        if all >= Self.viewsMin, Int(same) * 10 > Int(all) * 9 {
            isOneAddress = true
        } else if Int(same) * 100 < Int(all) * 85 {
            isOneAddress = false
        }
    }

    /// Notes that the sender gave a visitor id and no address.
    mutating func observeNoAddress() { isOwnAddress = false }

    /// Notes a visitor's view from a source. Visitors are stored only after a second source has appeared.
    @inline(__always)
    mutating func observe(_ visitor: UInt64, from source: HitSource, at moment: Moment) {
        let bit: UInt8 = 1 << source.rawValue
        sources |= bit
        if sources != bit { compare(visitor, UInt64(bit), at: moment) }
    }

    private mutating func compare(_ visitor: UInt64, _ source: UInt64, at moment: Moment) {
        guard visitor != 0 else { return }
        if visitors.isEmpty { visitors = [UInt64](repeating: 0, count: Self.visitorsKept) }
        let place = Int(visitor >> 3) & (Self.visitorsKept - 1)
        let isKnown = visitors[place] & ~Self.sourceBits == visitor & ~Self.sourceBits
        visitors[place] = isKnown ? visitors[place] | source : visitor & ~Self.sourceBits | source
        if visitors[place] & Self.sourceBits != source { sharedAt = moment }
    }

    /// True if a visitor came from two sources within a day.
    func isShared(at moment: Moment) -> Bool {
        // A moment in the future is from a clock that was wrong.
        sharedAt.map { (0..<Self.sharedMilliseconds).contains(moment.milliseconds - $0.milliseconds) } ?? false
    }
}

extension SiteDirectory {
    /// Why the numbers of sites are doubtful, by their names.
    public func warnings(at moment: Moment) -> [String: [Warning]] {
        var warnings: [String: [Warning]] = [:]
        for i in entries.indices where entries[i].isServed {
            let (isOneAddress, isOwnAddress) = (entries[i].anomalies.isOneAddress, entries[i].anomalies.isOwnAddress)
            let isShared = entries[i].anomalies.isShared(at: moment)
            guard isOneAddress || isOwnAddress || isShared else { continue }
            let settings = entries[i].profile.settings
            if isOwnAddress {
                warnings[settings.name, default: []].append(
                    Warning(
                        .ownAddress,
                        "The newest view came from this machine's own address. If a proxy on this machine sent it, let it "
                            + "send X-Forwarded-For and name it in proxies of [http]."))
            }
            if isOneAddress {
                warnings[settings.name, default: []].append(
                    Warning(
                        .proxyCollapse,
                        "More than nine in ten views come from one address. If it is a proxy, let it send X-Forwarded-For and "
                            + "name it in proxies of [http]; a sender of beacons gives the visitor's address as i."))
            }
            if settings.viewsFrom == nil, isShared {
                warnings[settings.name, default: []].append(
                    Warning(
                        .twoDoors,
                        "Views of the same visitors come from two sources and are counted twice. Set views_from of the site "
                            + "to the source that counts: beacon, browser or log."))
            }
        }
        return warnings
    }
}
