public import Counting
import Crypto
import Foundation
import NIOHTTP1
import Synchronization

/// The keys that senders elsewhere sign beacons of a site with, two at most, so that one can be replaced without a gap.
///
/// A key is shown once, when it is made; afterwards it goes by an id that tells nothing of it.
public final class SiteKeys: Sendable {
    /// A key of a site.
    public struct Key: Sendable {
        /// Its site's name.
        public var site: String
        /// What it is called.
        public var id: String
        /// The key itself.
        public var key: String
        /// When it was made.
        public var created: Moment

        /// A key of `site`.
        public init(site: String, id: String, key: String, created: Moment) {
            self.site = site
            self.id = id
            self.key = key
            self.created = created
        }
    }

    /// Where keys are kept, and who acts on them.
    public struct Store: Sendable {
        /// Keeps a key; may wait for the disk.
        public var save: @Sendable (Key) throws -> Void
        /// Forgets a key of a site by its id; may wait for the disk.
        public var remove: @Sendable (_ id: String, _ site: String) throws -> Void
        /// Has beacons of a site believed by these keys and no others, from when it returns.
        public var use: @Sendable (_ keys: [String], _ site: String) async -> Void

        /// Keeps keys as the closures do.
        public init(
            save: @escaping @Sendable (Key) throws -> Void,
            remove: @escaping @Sendable (_ id: String, _ site: String) throws -> Void,
            use: @escaping @Sendable (_ keys: [String], _ site: String) async -> Void
        ) {
            self.save = save
            self.remove = remove
            self.use = use
        }
    }

    private let known: Mutex<[Key]>
    private let store: Store?

    private static let countMax = 2

    /// The keys that are stored. Without a store none can be made.
    public init(_ stored: [Key] = [], store: Store? = nil) {
        known = Mutex(stored)
        self.store = store
    }

    // MARK: Routes, for the owner

    func list(of site: String) -> Reply {
        let keys = known.withLock { known in
            known.filter { $0.site == site }.map { key -> JSON in
                .object(["id": JSON(key.id), "created": JSON(key.created.rfc3339)])
            }
        }
        return .now(.json(["keys": .array(keys)]))
    }

    /// Makes a key, and shows it this one time.
    func create(of site: String) throws(Problem) -> Reply {
        // A prefix, so that none begins like an option, and one that got out is found by whoever looks for such.
        let key = "ffk_" + Secret.text()
        let id = SHA256.hash(data: Data(key.utf8)).prefix(4).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
            .joined()
        let new = Key(site: site, id: id, key: key, created: .wall)
        // Taken at once, so that two requests together do not make three.
        let isRoom = known.withLock { known in
            guard known.count(where: { $0.site == site }) < Self.countMax else { return false }
            known.append(new)
            return true
        }
        guard isRoom else {
            throw Problem(
                .conflict, "The site has \(Self.countMax) keys already: revoke one that no sender uses any more.")
        }
        return write { store in
            do {
                try store.save(new)
            } catch {
                self.known.withLock { $0.removeAll { $0.id == id && $0.site == site } }
                throw error
            }
            await store.use(self.keys(of: site), site)
            return ["site": JSON(site), "id": JSON(id), "key": JSON(key)]
        }
    }

    func revoke(_ id: String, of site: String) throws(Problem) -> Reply {
        guard known.withLock({ $0.contains { $0.id == id && $0.site == site } }) else {
            throw Problem(.notFound, "The site has no key of this id; footfall key list shows those there are.")
        }
        return write { store in
            // First here: whatever the disk says, it signs nothing any more, until the next start at least.
            await store.use(self.keys(of: site, but: id), site)
            try store.remove(id, site)
            self.known.withLock { $0.removeAll { $0.id == id && $0.site == site } }
            return ["site": JSON(site), "id": JSON(id)]
        }
    }

    private func keys(of site: String, but id: String? = nil) -> [String] {
        known.withLock { known in known.filter { $0.site == site && $0.id != id }.map(\.key) }
    }

    private func write(_ change: @escaping @Sendable (Store) async throws -> JSONObject) -> Reply {
        .after { [store] in
            let unwritten = Problem(.serviceUnavailable, "The key cannot be written now; /readyz may say why.").answer
            guard let store else { return unwritten }
            do {
                return .json(try await change(store))
            } catch {
                return unwritten
            }
        }
    }
}

/// A text that nobody can guess: 32 random bytes in the letters of URLs.
enum Secret {
    static func text() -> String {
        Data((0..<32).map { _ in UInt8.random(in: .min ... .max) }).base64EncodedString()
            .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }
}

extension Moment {
    static var wall: Moment { Moment(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)) }
}
