/// How settings differ from those that a daemon started with, and from the sockets that it was given.
extension Settings {
    /// The keys, besides the sites, that a running daemon can change.
    private static let changeable: Set<String> = [
        "beacon.trusted", "beacon.site", "http.hosts", "http.proxies", "http.local_admin", "limits.visitor_rate",
        "limits.site_rate", "log.assets", "log.level",
    ]

    /// A sentence for each changed key that takes effect only at the next start.
    public func waitingForRestart(since started: Settings) -> [String] {
        Self.sections.flatMap { section, keys in
            keys.filter { key in
                key.written(self) != key.written(started) && !Self.changeable.contains("\(section).\(key.name)")
            }.map { "[\(section)] \($0.name) waits for a restart" }
        }
    }

    /// A sentence for each address that differs from the sockets that systemd passed; none if it passed none.
    public func differences(beacons: [String], http: String) -> [String] {
        func sentence(_ key: String, _ said: [String], _ real: [String], _ unit: String) -> [String] {
            // A machine without IPv6 has no ::1.
            let said = said.count > 1 ? said.filter { !$0.hasPrefix("[::1]") || real.contains($0) } : said
            guard !real.isEmpty, real != [""], Set(said) != Set(real) else { return [] }
            return [
                "\(key) says \(said.joined(separator: " ")), and \(unit) listens at \(real.joined(separator: " ")), which "
                    + "wins"
            ]
        }
        return sentence("[beacon] listen", beacon.listen.map(\.description), beacons, "footfall-beacon.socket")
            + sentence("[http] listen", [self.http.listen.description], [http], "footfall-http.socket")
    }
}
