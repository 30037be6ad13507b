public import Counting
import Foundation
import Glibc
public import Wire

/// What the operator chose: every key of the configuration reference, typed, with its default.
///
/// `SettingsKeys.swift` says how each key is written; `Settings.load` reads them from files and the environment.
public struct Settings: Sendable, Equatable {
    /// `[beacon]`.
    public var beacon = Beacon()
    /// `[http]`.
    public var http = HTTP()
    /// `[state]`.
    public var state: State
    /// `[limits]`.
    public var limits = Limits()
    /// `[log]`.
    public var log = Log()
    /// In the order of the files; names are unique, and so is every host.
    public var sites: [Site] = []

    /// Settings of a file that says nothing.
    public init(environment: [String: String]) { state = State(environment: environment) }

    /// Where datagrams come from.
    public struct Beacon: Sendable, Equatable {
        /// Bound only where systemd hands over no socket.
        public var listen = [
            ListenAddress(host: "127.0.0.1", port: 7373, isIPv6: false),
            ListenAddress(host: "::1", port: 7373, isIPv6: true),
        ]
        /// Networks whose unsigned beacons are believed: texts that `Networks` takes.
        public var trusted = ["127.0.0.0/8", "::1/128"]
        /// The site of log lines that name none, or empty.
        public var site = ""
        /// The receive buffer of each socket.
        public var receiveBufferBytes = 64 << 20
    }

    /// Browsers and readers.
    public struct HTTP: Sendable, Equatable {
        /// Bound only where systemd hands over no socket.
        public var listen = ListenAddress(host: "127.0.0.1", port: 7374, isIPv6: false)
        /// `Host` names answered besides the loopback ones, lower case.
        public var hosts: [String] = []
        /// Networks whose `X-Forwarded-For` is believed: texts that `Networks` takes.
        public var proxies: [String] = []
        /// A loopback peer with a loopback `Host` and no forwarding header needs no token.
        public var localAdmin = false

        /// The same networks, to be asked.
        public var proxyNetworks: Networks { networks(proxies) }
    }

    /// Where things are kept, and how the journal is.
    public struct State: Sendable, Equatable {
        /// Journal and database.
        public var directory: String
        /// Landing ring and local socket; should be a tmpfs.
        public var runtime: String
        /// Between two syncs of the journal: a power cut loses at most this and one fdatasync.
        public var syncMilliseconds: Int64 = 250
        /// All segments of the journal together.
        public var journalCapBytes = 256 << 20
        /// A segment of the journal; two at least are within the cap.
        public var segmentBytes = 16 << 20

        /// The directories systemd, else the XDG base directories, else the home directory provide.
        init(environment: [String: String]) {
            // systemd lists several directories with colons; the first is the unit's own.
            func given(_ name: String) -> String? {
                environment[name].flatMap { $0.split(separator: ":").first }.map(String.init)
                    .flatMap { $0.hasPrefix("/") ? $0 : nil }
            }
            let home = given("HOME") ?? FileManager.default.homeDirectoryForCurrentUser.path
            directory =
                given("STATE_DIRECTORY") ?? given("XDG_STATE_HOME").map { $0 + "/footfall" }
                ?? home + "/.local/state/footfall"
            runtime =
                given("RUNTIME_DIRECTORY") ?? given("XDG_RUNTIME_DIR").map { $0 + "/footfall" }
                ?? "/dev/shm/footfall-\(getuid())"
        }
    }

    /// How much may be held.
    public struct Limits: Sendable, Equatable {
        /// The engine's part: `visitors`, `sites`, `recent_views`, `pages`, `referrers`.
        public var counting = Counting.Limits()
        /// Frames in memory while the journal takes none.
        public var heldBytesMax = 64 << 20
        /// Hits a second at the browser door from one address.
        public var visitorRatePerSecond = 20
        /// Hits a second at the browser door for one site.
        public var siteRatePerSecond = 10_000
    }

    /// Access logs, and the daemon's own.
    public struct Log: Sendable, Equatable {
        /// The levels of the daemon's log, by their names in swift-log.
        public enum Level: String, CaseIterable, Sendable { case trace, debug, info, notice, warning, error, critical }
        /// The least that the daemon logs.
        public var level = Level.info
        /// Extensions, without the dot and in lower case, of files that are no pages.
        public var assets = [
            "css", "js", "png", "jpg", "jpeg", "gif", "svg", "webp", "ico", "woff", "woff2", "ttf", "map", "mp4", "pdf",
        ]

        /// The defaults.
        public init() {}
    }

    /// One `[[site]]`.
    public struct Site: Sendable, Equatable {
        /// What is counted of it, and how.
        public var profile: SiteProfile
        /// Numbers shown to anyone.
        public var publicNumbers: [PublicNumber] = [.online, .total]

        /// Its name.
        public var name: String { profile.settings.name }

        init(name: String, timezone: String) {
            profile = SiteProfile(SiteSettings(name: name, timezone: timezone))
        }
    }

    /// The part by which beacons are read.
    public var admissionRules: Admission.Rules {
        Admission.Rules(
            trusted: networks(beacon.trusted), assets: log.assets, logSite: beacon.site,
            visitorPerSecond: limits.visitorRatePerSecond, sitePerSecond: limits.siteRatePerSecond)
    }

    /// Choices that are legal and probably not meant, one sentence each.
    public var warnings: [String] {
        var warnings: [String] = []
        if sites.isEmpty { warnings.append("no [[site]] is configured: every hit will be refused as site_unknown") }
        if http.localAdmin, !http.proxies.isEmpty || !http.listen.isLoopback {
            warnings.append("[http] local_admin is on behind a proxy or off loopback: it lets strangers in")
        }
        for network in beacon.trusted where network.hasSuffix("/0") {
            warnings.append("[beacon] trusted holds \(network): anyone may name any visitor and any site")
        }
        return warnings
    }
}

/// Networks of settings, which were checked when they were read.
private func networks(_ texts: [String]) -> Networks {
    guard let networks = Networks(texts) else { preconditionFailure("a network that was checked is none") }
    return networks
}
