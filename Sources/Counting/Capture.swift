/// The engine's state at one moment, for a checkpoint: frozen, and safe to pass to any thread.
///
/// `Snapshot.swift` describes the bytes. Writing them advances nothing: a site that only aged has the bytes of its own
/// last moment, so only `changedSites` must be written again.
public struct Capture: Sendable {
    /// The moment of the whole capture.
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

    /// The number of chunks that hold the visitors and the recent views.
    public static let chunkCount = 1 + VisitorTable.chunkCount

    init(of engine: borrowing Engine, rows: [HistoryRow], changedSites: [SiteIndex]) {
        moment = engine.now
        self.rows = rows
        self.changedSites = changedSites
        sites = engine.sites
        visitors = engine.activeVisitors.visitors
        // Not shared: the next view would copy the whole table.
        recentViews = engine.activeVisitors.recentViews.remembered(at: engine.now)
        counters = engine.counters
        upSince = engine.upSince
        doubtUntil = engine.activeVisitors.doubtUntil > engine.now ? engine.activeVisitors.doubtUntil : nil
        signatures = engine.signatures
        sockets = engine.sockets
    }

    /// The number of known sites.
    public var siteCount: Int { sites.count }
    /// A site's name.
    public func siteName(_ site: SiteIndex) -> String { sites[site.number].settings.name }

    /// Everything counted for a site. The bytes begin with the moment at which its numbers stand.
    public func siteBytes(_ site: SiteIndex) -> [UInt8] {
        var writer = ByteWriter()
        writer.counters(sites[site.number])
        return writer.bytes
    }

    /// Everything that belongs to no site, except the visitors.
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

    /// Chunk `index` of `chunkCount`: 0 holds the recent views, the others the visitors by the top bits of their keys.
    public func chunk(_ index: Int) -> [UInt8] {
        var writer = ByteWriter()
        if index == 0 {
            writer.number(recentViews.count)
            for view in recentViews.sorted() {
                writer.word(view.identity)
                writer.moment(Moment(milliseconds: view.moment))
            }
        } else {
            for slot in visitors.slots(ofChunk: index - 1) { writer.word(slot) }
        }
        return writer.bytes
    }
}
