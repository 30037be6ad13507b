import Counting
import Crypto
import Foundation
import Synchronization

/// The keys with which senders on other machines sign the beacons of a site. A site has at most two, so that one can be
/// replaced without a gap.
///
/// A key is shown once, when it is made. Afterwards it has an id that reveals nothing about it.
final class SiteKeys: Sendable {
    private let known: Mutex<[SiteKey]>
    private let backend: any Backend

    static let countMax = 2

    init(_ backend: any Backend) {
        self.backend = backend
        known = Mutex(backend.siteKeys)
    }

    func keys(of site: String) -> [SiteKey] { known.withLock { known in known.filter { $0.site == site } } }

    /// A new key that reserves its place, but is neither stored nor trusted yet; nil if the site already has two. Two
    /// simultaneous requests do not make three.
    func reserve(for site: String) -> SiteKey? {
        // With the prefix, a key never looks like a command's option, and scanners for leaked secrets find it.
        let text = "ffk_" + Secret.text()
        let id = SHA256.hash(data: Data(text.utf8)).prefix(4).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
            .joined()
        let key = SiteKey(site: site, id: id, key: text, created: .wall)
        return known.withLock { known in
            guard known.count(where: { $0.site == site }) < Self.countMax else { return nil }
            known.append(key)
            return key
        }
    }

    /// Stores a reserved key and trusts beacons with it, or frees its place on failure. May wait for the disk.
    func save(_ key: SiteKey) async throws {
        do {
            try backend.save(key)
        } catch {
            remove(key.id, of: key.site)
            throw error
        }
        await backend.use(keys: keys(of: key.site).map(\.key), of: key.site)
    }

    /// Makes a key invalid. May wait for the disk.
    func revoke(_ id: String, of site: String) async throws {
        // Here first: even if the disk fails, the key is invalid at once, at least until the next start.
        await backend.use(keys: keys(of: site).filter { $0.id != id }.map(\.key), of: site)
        try backend.removeKey(id, of: site)
        remove(id, of: site)
    }

    private func remove(_ id: String, of site: String) {
        known.withLock { $0.removeAll { $0.id == id && $0.site == site } }
    }
}

/// A text that nobody can guess: 32 random bytes in URL-safe letters.
enum Secret {
    static func text() -> String {
        Data((0..<32).map { _ in UInt8.random(in: .min ... .max) }).base64EncodedString()
            .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }
}

extension Moment {
    static var wall: Moment { Moment(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)) }
}
