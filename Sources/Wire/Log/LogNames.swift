import Counting

/// The names of served sites in log lines: their syslog tags and their hosts.
struct LogNames: Sendable {
    private var tags: KeyTable
    /// By place in `tags`; nil if two names have the same tag.
    private var tagged: [SiteIndex?] = []
    private var hosts: KeyTable
    private var hosted: [SiteIndex] = []

    init(_ entries: [SiteDirectory.Entry], seed: HashSeed) {
        tags = KeyTable(seed: seed)
        hosts = KeyTable(seed: seed)
        for (i, entry) in entries.enumerated() where entry.isServed {
            let tag = entry.profile.settings.name.utf8.map { $0 == .dash || $0 == .dot ? .underscore : $0 }
            if let (place, isNew) = tags.findOrAdd(tag.span, limit: .max) {
                if isNew { tagged.append(SiteIndex(i)) } else { tagged[place] = nil }
            }
            for host in entry.hosts {
                if case (_, true)? = hosts.findOrAdd(host.span, limit: .max) { hosted.append(SiteIndex(i)) }
            }
        }
    }

    @inline(__always)
    func find(tag: Span<UInt8>) -> SiteIndex? { tags.find(tag).flatMap { tagged[$0] } }

    @inline(__always)
    func find(host: Span<UInt8>) -> SiteIndex? { hosts.find(host).map { hosted[$0] } }
}
