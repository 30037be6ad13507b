import Counting
import NIOCore
import NIOHTTP1
import Synchronization

/// The event streams. Each client gets the full state when it has changed, at most once a second.
///
/// An event is made once for all clients of the same topic. A client that does not read misses states; the next one it
/// reads is complete. A client that has not read for `streamPatience` is disconnected. So a client costs no more than
/// what NIO and the kernel hold of one state.
final class LiveFeed: Sendable {
    /// What a client watches, and whether it is the owner, who sees more numbers.
    struct Topic: Hashable, Sendable {
        /// Nil for all sites.
        let site: String?
        let isOwners: Bool
    }

    /// One open stream.
    final class Client: Sendable {
        let topic: Topic
        /// The owner that `Access` admitted; nil for anybody else.
        let owner: String?
        let loop: any EventLoop
        /// Sends bytes; false if the client has not read the previous ones. Called on `loop`.
        let send: @Sendable (ByteBuffer) -> Bool
        /// Ends the stream. Called on `loop`.
        let close: @Sendable () -> Void
        fileprivate let state: Mutex<(version: UInt64, heardAt: NIODeadline, sentAt: NIODeadline)>

        /// A client that has received the state of `version`.
        init(
            _ topic: Topic, owner: String?, version: UInt64, on loop: any EventLoop,
            send: @escaping @Sendable (ByteBuffer) -> Bool, close: @escaping @Sendable () -> Void
        ) {
            self.topic = topic
            self.owner = owner
            self.loop = loop
            self.send = send
            self.close = close
            state = Mutex((version, .now(), .now()))
        }
    }

    private struct Written {
        var version: UInt64 = 0
        var bytes = ByteBuffer()
        var at = NIODeadline.uptimeNanoseconds(0)
        // The inputs that the bytes were made from.
        var sites: [SiteReport] = []
        var warnings: [Warning] = []
        var visible: Set<PublicNumber>?
    }

    private struct State {
        var clients: [ObjectIdentifier: Client] = [:]
        var written: [Topic: Written] = [:]
        /// One number for all topics, never used twice: a client may outlive the stored state of its topic.
        var version: UInt64 = 0
        var isTicking = false
    }

    private let backend: any Backend
    private let tokens: Tokens
    private let state = Mutex(State())
    private let cutEver = Atomic<UInt64>(0)
    private let limits: WebLimits

    private static let interval = TimeAmount.seconds(1)
    private static let tick = TimeAmount.milliseconds(200)
    /// The most that the kernel holds for a stream; it doubles this. A client that reads receives a state at once.
    static let bufferBytes: ChannelOptions.Types.SocketOption.Value = 64 << 10

    init(_ backend: any Backend, _ tokens: Tokens, _ limits: WebLimits) {
        self.backend = backend
        self.tokens = tokens
        self.limits = limits
    }

    /// The number of open streams.
    var count: Int { state.withLock { $0.clients.count } }
    /// The number of streams closed because their client did not read.
    var cut: UInt64 { cutEver.load(ordering: .relaxed) }

    /// The state of a topic as an event, and its version; nil if there is no such site.
    func current(_ topic: Topic) -> (version: UInt64, bytes: ByteBuffer)? {
        state.withLock { state in
            renew(topic, &state, isForNewcomer: true).map { ($0.version, $0.bytes) }
        }
    }

    /// Admits a client, or says why not. The last tenth of the places is for the owner.
    func add(_ client: Client) -> Problem? {
        state.withLock { state in
            let places = limits.streams - (client.owner == nil ? limits.streams / 10 : 0)
            guard state.clients.count < places else {
                return Problem(.serviceUnavailable, "\(places) event streams are open already; try again later.")
            }
            state.clients[ObjectIdentifier(client)] = client
            if !state.isTicking {
                state.isTicking = true
                schedule(on: client.loop)
            }
            return nil
        }
    }

    func remove(_ client: Client) {
        state.withLock { state in
            state.clients.removeValue(forKey: ObjectIdentifier(client))
            if !state.clients.values.contains(where: { $0.topic == client.topic }) {
                state.written.removeValue(forKey: client.topic)
            }
        }
    }

    /// Ends the streams of all owners.
    func closeOwners() {
        for client in state.withLock({ $0.clients.values.filter { $0.owner != nil } }) {
            client.loop.execute { client.close() }
        }
    }

    // MARK: Time

    /// The next tick runs on another client's loop, so that no loop does all of the work.
    private func schedule(on loop: any EventLoop) {
        loop.scheduleTask(in: Self.tick) { [self] in
            look()
            let next = state.withLock { state -> (any EventLoop)? in
                state.isTicking = !state.clients.isEmpty
                return state.clients.values.first?.loop
            }
            if let next { schedule(on: next) }
        }
    }

    private func look() {
        let now = NIODeadline.now()
        let due = state.withLock { state -> [(Client, UInt64, ByteBuffer)] in
            for topic in Set(state.clients.values.map(\.topic)) { _ = renew(topic, &state) }
            var areIn: [String: Bool] = [:]
            return state.clients.values.compactMap { client in
                // If the site is gone or the token was revoked, the stream ends.
                let isIn = client.owner.map { areIn[$0] ?? tokens.isOwner($0) } ?? true
                if let owner = client.owner { areIn[owner] = isIn }
                guard isIn, let written = state.written[client.topic] else { return (client, 0, ByteBuffer()) }
                let (version, _, sentAt) = client.state.withLock { $0 }
                if version != written.version { return (client, written.version, written.bytes) }
                return now - sentAt >= TimeAmount(limits.streamPing)
                    ? (client, version, ByteBuffer(string: ": ping\n\n")) : nil
            }
        }
        for (client, version, bytes) in due { give(bytes, of: version, to: client, at: now) }
    }

    /// Runs on the client's own loop, which knows whether the client reads.
    private func give(_ bytes: ByteBuffer, of version: UInt64, to client: Client, at now: NIODeadline) {
        client.loop.execute { [self] in
            if bytes.readableBytes == 0 { return client.close() }
            if client.send(bytes) {
                client.state.withLock { $0 = (version, now, now) }
            } else if now - client.state.withLock({ $0.heardAt }) > TimeAmount(limits.streamPatience) {
                cutEver.add(1, ordering: .relaxed)
                client.close()
            }
        }
    }

    /// Writes a topic again if it has changed and was last written at least a second ago. For a newcomer it is written
    /// even if nothing has changed, because the newcomer takes its moment for the present.
    private func renew(_ topic: Topic, _ state: inout State, isForNewcomer: Bool = false) -> Written? {
        let report = backend.report
        let now = NIODeadline.now()
        var written = state.written[topic] ?? Written()
        guard written.version == 0 || now - written.at >= Self.interval else { return written }
        let all = report.warnings + backend.warnings
        let sites: [SiteReport]
        if let name = topic.site {
            guard let site = report.site(name) else {
                state.written.removeValue(forKey: topic)
                return nil
            }
            sites = [site]
        } else {
            sites = report.sites
        }
        let visible = topic.isOwners ? nil : topic.site.map { backend.publicNumbers(of: $0) }
        let warnings = sites.flatMap { report.siteWarnings[$0.name] ?? [] } + all
        let isSame =
            written.version > 0 && written.visible == visible && written.warnings == warnings
            && written.sites.count == sites.count && zip(written.sites, sites).allSatisfy { $0 === $1 }
        if isSame, !isForNewcomer { return written }
        func json(_ site: SiteReport) -> JSON {
            .object(
                siteJSON(
                    site, asOf: report.asOf, warnings: (report.siteWarnings[site.name] ?? []) + all, visible: visible))
        }
        let object = topic.site == nil ? JSON.object(["sites": .array(sites.map(json))]) : json(sites[0])
        if !isSame {
            state.version += 1
            written.version = state.version
        }
        written.bytes = ByteBuffer(bytes: Array("event: counters\ndata: ".utf8) + object.bytes + "\n\n".utf8)
        (written.at, written.sites, written.warnings, written.visible) = (now, sites, warnings, visible)
        state.written[topic] = written
        return written
    }
}
