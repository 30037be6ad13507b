import Counting
import Crypto
import Foundation
import Synchronization

/// The keys that senders on other machines sign the beacons of a site with: two at most, so that one can be replaced without
/// a gap.
///
/// A key is shown once, when it is made. Afterwards it goes by an id that tells nothing of it.
final class SiteKeys: Sendable {
    private let known: Mutex<[SiteKey]>
    private let backend: any Backend

    static let countMax = 2

    init(_ backend: any Backend) {
        self.backend = backend
        known = Mutex(backend.siteKeys)
    }

    func keys(of site: String) -> [SiteKey] { known.withLock { known in known.filter { $0.site == site } } }

    /// A new key that holds its place but is neither kept nor believed yet; nil where the site has its two. Two requests
    /// together do not make three.
    func reserve(for site: String) -> SiteKey? {
        // The prefix is no option of a command, and tools that search for leaked secrets find it.
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

    /// Keeps a reserved key, and has beacons believed by it; or gives its place back. May wait for the disk.
    func save(_ key: SiteKey) async throws {
        do {
            try backend.save(key)
        } catch {
            remove(key.id, of: key.site)
            throw error
        }
        await backend.use(keys: keys(of: key.site).map(\.key), of: key.site)
    }

    /// Makes a key worthless. May wait for the disk.
    func revoke(_ id: String, of site: String) async throws {
        // Here first: whatever the disk does, it signs nothing any more, at least until the next start.
        await backend.use(keys: keys(of: site).filter { $0.id != id }.map(\.key), of: site)
        try backend.removeKey(id, of: site)
        remove(id, of: site)
    }

    private func remove(_ id: String, of site: String) {
        known.withLock { $0.removeAll { $0.id == id && $0.site == site } }
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
