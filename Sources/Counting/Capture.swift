/// The engine's state at one moment, for a checkpoint: frozen, and safe to hand to any thread.
///
/// `Snapshot.swift` draws the bytes. Writing them advances nothing: a site that merely aged has the bytes of its own
/// last moment, which is why only `changedSites` have to be written again.
public struct Capture: Sendable {
    /// The moment of all of it.
    public let moment: Moment
    /// History rows closed since the last capture, in the order in which they closed.
    public let rows: [HistoryRow]
    /// The sites whose bytes may differ from those of the last capture, ascending.
    public let changedSites: [SiteIndex]

    private let sites: SiteTable
    private let visitors: VisitorTable
    private let recentViews: [RecentViews.View]
    private let counters: Counters
    private let upSince: Moment?
    private let doubtUntil: Moment?
    private let signatures: SeenSignatures
    private let sockets: [(cookie: UInt64, total: UInt32)]

    /// Pieces that visitors and recent views come in.
    public static let chunkCount = 1 + VisitorTable.chunkCount

    init(of engine: borrowing Engine, rows: [HistoryRow], changedSites: [SiteIndex]) {
        moment = engine.now
        self.rows = rows
        self.changedSites = changedSites
        sites = engine.sites
        visitors = engine.activeVisitors.visitors
        // Not shared: the next view would copy the whole ring.
        recentViews = engine.activeVisitors.recentViews.remembered(at: engine.now)
        counters = engine.counters
        upSince = engine.upSince
        doubtUntil = engine.activeVisitors.doubtUntil > engine.now ? engine.activeVisitors.doubtUntil : nil
        signatures = engine.signatures
        sockets = engine.sockets
    }

    /// Sites known.
    public var siteCount: Int { sites.count }
    /// A site's name.
    public func siteName(_ site: SiteIndex) -> String { sites[site.number].settings.name }

    /// Everything counted for a site, beginning with the moment its numbers stand at.
    public func siteBytes(_ site: SiteIndex) -> [UInt8] {
        var writer = ByteWriter()
        writer.counters(sites[site.number])
        return writer.bytes
    }

    /// What belongs to no site, without the visitors.
    public func engineBytes() -> [UInt8] {
        var writer = ByteWriter()
        writer.byte(Engine.version)
        writer.moment(moment)
        writer.optional(upSince)
        writer.optional(doubtUntil)
        let nonzero = counters.nonzero
        writer.number(nonzero.count)
        for (counter, count) in nonzero {
            writer.byte(counter.rawValue)
            writer.number(count)
        }
        writer.number(sockets.count)
        for socket in sockets {
            writer.word(socket.cookie)
            writer.number(UInt64(socket.total))
        }
        signatures.write(to: &writer)
        return writer.bytes
    }

    /// Piece `index` of `chunkCount`: 0 holds the recent views, the others the visitors by the top bits of their keys.
    public func chunk(_ index: Int) -> [UInt8] {
        var writer = ByteWriter()
        if index == 0 {
            writer.number(recentViews.count)
            for view in recentViews {
                writer.word(view.identity)
                writer.moment(Moment(milliseconds: view.moment))
            }
        } else {
            for slot in visitors.slots(ofChunk: index - 1) { writer.word(slot) }
        }
        return writer.bytes
    }
}
