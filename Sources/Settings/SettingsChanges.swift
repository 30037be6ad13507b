/// What becomes of settings that differ from those a daemon runs on, or from the sockets it was handed.
extension Settings {
    /// Keys that a running daemon takes over, besides the sites.
    private static let changeable: Set<String> = [
        "beacon.trusted", "beacon.site", "http.hosts", "http.proxies", "http.local_admin", "limits.visitor_rate",
        "limits.site_rate", "log.assets", "log.level",
    ]

    /// Keys with another value than at the start that are read at the start only, a sentence each.
    public func waitingForRestart(since started: Settings) -> [String] {
        Self.sections.flatMap { section, keys in
            keys.filter { key in
                key.written(self) != key.written(started) && !Self.changeable.contains("\(section).\(key.name)")
            }.map { "[\(section)] \($0.name) waits for a restart" }
        }
    }

    /// What the settings say about addresses, each where the sockets handed over are others; none where none were.
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
