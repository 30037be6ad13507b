/// One accepted beacon, ready to be counted. From here on there is no address, no agent and no wire format.
///
/// It borrows the bytes of its path and referrer from the datagram, or from the replayed frame.
public struct Hit: ~Escapable {
    /// The site; the engine knows it.
    public var site: SiteIndex
    /// When it arrived.
    public var moment: Moment
    /// View or ping.
    public var kind: Kind
    /// How it arrived.
    public var source: HitSource
    /// The agent is a declared bot, or the hit is a prefetch: it is counted as `bots` and nowhere else.
    public var isBot: Bool
    /// The visitor's key under the current salt; 0 if the beacon names no visitor.
    public var visitor: UInt64
    /// The key under the previous salt in the half hour after a midnight; otherwise 0.
    public var previousVisitorKey: UInt64
    /// The page, at most 512 bytes of valid UTF-8 that begin with `/`; empty for a ping.
    public var path: Span<UInt8>
    /// Where the view came from.
    public var origin: Origin
    /// The referring host; empty unless `origin` is `.host`.
    public var referrer: Span<UInt8>

    /// The kinds of a hit.
    public enum Kind: UInt8, Sendable {
        /// A page was shown.
        case view = 0
        /// The page is still open and visible.
        case ping = 1
    }

    /// The kinds of a referrer.
    public enum Origin: UInt8, Sendable {
        /// No referrer.
        case direct = 0
        /// A host of the site itself.
        case `internal` = 1
        /// Another host.
        case host = 2
    }

    /// A hit. `path` and `referrer` stay borrowed.
    @_lifetime(copy path, copy referrer)
    public init(
        site: SiteIndex, moment: Moment, kind: Kind, source: HitSource, isBot: Bool, visitor: UInt64,
        previousVisitorKey: UInt64,
        path: Span<UInt8>, origin: Origin, referrer: Span<UInt8>
    ) {
        self.site = site
        self.moment = moment
        self.kind = kind
        self.source = source
        self.isBot = isBot
        self.visitor = visitor
        self.previousVisitorKey = previousVisitorKey
        self.path = path
        self.origin = origin
        self.referrer = referrer
    }

    /// A bot's hit. Nothing else of it is stored.
    @_lifetime(immortal)
    public init(bot kind: Kind, at moment: Moment, of site: SiteIndex, from source: HitSource) {
        self.init(
            site: site, moment: moment, kind: kind, source: source, isBot: true, visitor: 0, previousVisitorKey: 0,
            path: Span(), origin: .direct, referrer: Span())
    }
}
