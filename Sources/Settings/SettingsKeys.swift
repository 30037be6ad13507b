import Counting
import Foundation
import Wire

/// One key of the configuration reference: its name, its field in the settings, and the format of its value.
struct SettingsKey<Root>: Sendable {
    let name: String
    /// Stores a value, or returns why it is refused.
    let assign: @Sendable (TOMLValue, inout Root) -> [Refusal]
    /// The current value, as TOML.
    let written: @Sendable (Root) -> String
    /// Parses the text of an environment variable.
    let fromEnvironment: @Sendable (String) -> TOMLValue

    init<Value>(_ name: String, _ field: any WritableKeyPath<Root, Value> & Sendable, _ format: ValueFormat<Value>) {
        self.name = name
        fromEnvironment = format.fromEnvironment
        written = { format.write($0[keyPath: field]) }
        assign = { found, root in
            guard let value = format.read(found) else {
                return [Refusal(sentence: "\(name) must be \(format.allowed); found \(found)")]
            }
            root[keyPath: field] = value
            return []
        }
    }

    /// A key with a list of values; in an environment variable they are separated by commas.
    init<Value>(_ name: String, _ field: any WritableKeyPath<Root, [Value]> & Sendable, each format: ValueFormat<Value>)
    {
        self.name = name
        fromEnvironment = { text in
            .list(text.split(separator: ",").map { format.fromEnvironment($0.trimmingCharacters(in: .whitespaces)) })
        }
        written = { "[" + $0[keyPath: field].map(format.write).joined(separator: ", ") + "]" }
        assign = { found, root in
            guard case .list(let entries) = found else {
                let sentence = "\(name) must be a list in brackets, each entry \(format.allowed); found \(found)"
                return [Refusal(sentence: sentence)]
            }
            let values = entries.map(format.read)
            let refused = values.indices.filter { values[$0] == nil }.map {
                Refusal(sentence: "each entry of \(name) must be \(format.allowed); found \(entries[$0])", entry: $0)
            }
            if refused.isEmpty { root[keyPath: field] = values.compactMap { $0 } }
            return refused
        }
    }
}

/// Why a value was refused.
struct Refusal: Equatable, Sendable {
    /// What is allowed and what was found.
    var sentence: String
    /// The index in the list; nil for the whole value.
    var entry: Int?
}

extension Settings {
    /// All sections but `[[site]]`, in the order of the reference.
    static let sections: KeyValuePairs<String, [SettingsKey<Settings>]> = [
        "beacon": [
            SettingsKey("listen", \.beacon.listen, each: .listenAddress),
            SettingsKey("trusted", \.beacon.trusted, each: .network),
            SettingsKey("site", \.beacon.site, .optionalSiteName),
            SettingsKey("receive_buffer", \.beacon.receiveBufferBytes, .size(4 << 10...1 << 30)),
        ],
        "http": [
            SettingsKey("listen", \.http.listen, .listenAddress),
            SettingsKey("hosts", \.http.hosts, each: .host),
            SettingsKey("proxies", \.http.proxies, each: .network),
            SettingsKey("local_admin", \.http.localAdmin, .flag),
        ],
        "state": [
            SettingsKey("directory", \.state.directory, .directory),
            SettingsKey("runtime", \.state.runtime, .directory),
            SettingsKey("sync", \.state.syncMilliseconds, .duration(milliseconds: 1...1000)),
            SettingsKey("journal_cap", \.state.journalCapBytes, .size(2 << 20...1 << 40)),
            SettingsKey("segment", \.state.segmentBytes, .size(1 << 20...1 << 30)),
        ],
        "limits": [
            SettingsKey("visitors", \.limits.counting.visitors, .count(1...100_000_000)),
            SettingsKey("sites", \.limits.counting.sites, .count(1...1_000_000)),
            SettingsKey("held", \.limits.heldBytesMax, .size(0...64 << 30)),
            SettingsKey("recent_views", \.limits.counting.recentViews, .count(1...100_000_000)),
            SettingsKey("pages", \.limits.counting.pages, .count(1...1_000_000)),
            SettingsKey("referrers", \.limits.counting.referrers, .count(1...1_000_000)),
            SettingsKey("visitor_rate", \.limits.visitorRatePerSecond, .rate(perSecond: 1...1_000_000)),
            SettingsKey("site_rate", \.limits.siteRatePerSecond, .rate(perSecond: 1...10_000_000)),
        ],
        "log": [
            SettingsKey("assets", \.log.assets, each: .fileExtension),
            SettingsKey("level", \.log.level, .oneOf(Settings.Log.Level.allCases.map { ($0.rawValue, $0) })),
        ],
    ]

    /// The keys of a `[[site]]`.
    static func siteKeys(isTimezone: @escaping @Sendable (String) -> Bool) -> [SettingsKey<Site>] {
        [
            SettingsKey("name", \.profile.settings.name, .siteName),
            SettingsKey("hosts", \.profile.hosts, each: .siteHost),
            SettingsKey("timezone", \.profile.settings.timezone, .timezone(isTimezone)),
            SettingsKey("public", \.publicNumbers, each: .oneOf(PublicNumber.allCases.map { ($0.rawValue, $0) })),
            SettingsKey(
                "online_window", \.profile.settings.onlineWindowSeconds, .duration(seconds: 60...visitGapSecondsMax)),
            SettingsKey("duplicate", \.profile.settings.duplicateMilliseconds, .duration(milliseconds: 0...10_000)),
            SettingsKey("total_of", \.profile.settings.totalOf, .oneOf([("visits", .visits), ("views", .views)])),
            SettingsKey(
                "views_from", \.profile.settings.viewsFrom,
                .oneOf([("", nil), ("beacon", .beacon), ("browser", .browser), ("log", .log)])),
            SettingsKey("keep_query", \.profile.keepQuery, each: .queryKey),
            SettingsKey(
                "anonymous", \.profile.anonymous, each: .oneOf(PrivacySignal.allCases.map { ($0.rawValue, $0) })),
            SettingsKey("bots", \.profile.bots, each: .agentWord),
            SettingsKey("spam", \.profile.spam, each: .siteHost),
        ]
    }

    /// The settings with all defaults written out. Loading this text gives equal settings.
    public func effectiveTOML() -> String {
        let sections = Self.sections.map { name, keys in
            (["[\(name)]"] + keys.map { "\($0.name) = \($0.written(self))" }).joined(separator: "\n")
        }
        let siteKeys = Self.siteKeys { _ in true }
        let sites = sites.map { site in
            (["[[site]]"] + siteKeys.map { "\($0.name) = \($0.written(site))" }).joined(separator: "\n")
        }
        return (sections + sites).joined(separator: "\n\n") + "\n"
    }

    /// The text of a file in `sites.d` with one site. What is not given keeps its default.
    public static func siteFile(
        name: String, hosts: [String], timezone: String?, publicNumbers: [String]
    ) -> String {
        func list(_ texts: [String]) -> String { "[" + texts.map { quoted($0) }.joined(separator: ", ") + "]" }
        var lines = ["[[site]]", "name = \(quoted(name))"]
        if !hosts.isEmpty { lines.append("hosts = \(list(hosts))") }
        if let timezone { lines.append("timezone = \(quoted(timezone))") }
        if !publicNumbers.isEmpty { lines.append("public = \(list(publicNumbers))") }
        return lines.joined(separator: "\n") + "\n"
    }
}
