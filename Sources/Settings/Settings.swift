public import Counting
import Foundation
import Glibc
public import Wire

/// The operator's choices: every key of the configuration reference, with its type and default.
///
/// `SettingsKeys.swift` defines how each key is written; `Settings.load` reads files and the environment.
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
    /// The sites in the order of the files. Names are unique, and a host belongs to one site.
    public var sites: [Site] = []

    /// The defaults: what an empty file means.
    public init(environment: [String: String]) { state = State(environment: environment) }

    /// Where datagrams come from.
    public struct Beacon: Sendable, Equatable {
        /// Addresses for datagrams; not used if systemd passes sockets.
        public var listen = [
            ListenAddress(host: "127.0.0.1", port: 7373, isIPv6: false),
            ListenAddress(host: "::1", port: 7373, isIPv6: true),
        ]
        /// Networks whose unsigned beacons are trusted, in the form that `Networks` parses.
        public var trusted = ["127.0.0.0/8", "::1/128"]
        /// The site of log lines that name no site; empty if there is none.
        public var site = ""
        /// The receive buffer of each socket.
        public var receiveBufferBytes = 64 << 20
    }

    /// Browsers and readers.
    public struct HTTP: Sendable, Equatable {
        /// The address for HTTP; not used if systemd passes a socket.
        public var listen = ListenAddress(host: "127.0.0.1", port: 7374, isIPv6: false)
        /// Accepted `Host` names besides the loopback names, in lower case.
        public var hosts: [String] = []
        /// Networks whose `X-Forwarded-For` is trusted, in the form that `Networks` parses.
        public var proxies: [String] = []
        /// A request from loopback with a loopback `Host` and without a forwarding header needs no token.
        public var localAdmin = false

        /// `proxies`, parsed.
        public var proxyNetworks: Networks { networks(proxies) }
    }

    /// Where state is kept, and the sizes of the journal.
    public struct State: Sendable, Equatable {
        /// The directory of journal and database.
        public var directory: String
        /// The directory of the receive ring and the local socket; should be a tmpfs.
        public var runtime: String
        /// The time between two syncs of the journal. A power cut loses at most this plus one fdatasync.
        public var syncMilliseconds: Int64 = 250
        /// The size of all segments of the journal together.
        public var journalCapBytes = 256 << 20
        /// The size of a segment; at least two fit into the cap.
        public var segmentBytes = 16 << 20

        /// The directories of systemd, or of the XDG variables, or below the home directory.
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

    /// What may be kept in memory, and rates.
    public struct Limits: Sendable, Equatable {
        /// The limits of the engine: `visitors`, `sites`, `recent_views`, `pages`, `referrers`.
        public var counting = Counting.Limits()
        /// Bytes of frames in memory while the journal cannot be written.
        public var heldBytesMax = 64 << 20
        /// Browser hits per second from one address.
        public var visitorRatePerSecond = 20
        /// Browser hits per second for one site.
        public var siteRatePerSecond = 10_000
    }

    /// Access logs, and the daemon's own.
    public struct Log: Sendable, Equatable {
        /// The levels of the daemon's log, by their names in swift-log.
        public enum Level: String, CaseIterable, Sendable { case trace, debug, info, notice, warning, error, critical }
        /// The least that the daemon logs.
        public var level = Level.info
        /// Extensions of files that are not pages, in lower case and without the dot.
        public var assets = [
            "css", "js", "png", "jpg", "jpeg", "gif", "svg", "webp", "ico", "woff", "woff2", "ttf", "map", "mp4", "pdf",
        ]

        /// The defaults.
        public init() {}
    }

    /// One `[[site]]`.
    public struct Site: Sendable, Equatable {
        /// Its name, hosts and rules of counting.
        public var profile: SiteProfile
        /// The numbers that anyone may see.
        public var publicNumbers: [PublicNumber] = [.online, .total]

        /// Its name.
        public var name: String { profile.settings.name }

        init(name: String, timezone: String) {
            profile = SiteProfile(SiteSettings(name: name, timezone: timezone))
        }
    }

    /// The rules of admission that follow from these settings.
    public var admissionRules: Admission.Rules {
        Admission.Rules(
            trusted: networks(beacon.trusted), assets: log.assets, logSite: beacon.site,
            visitorPerSecond: limits.visitorRatePerSecond, sitePerSecond: limits.siteRatePerSecond)
    }

    /// Settings that are valid but probably a mistake, one sentence each.
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

/// Parses networks that were checked when the settings were loaded.
private func networks(_ texts: [String]) -> Networks {
    guard let networks = Networks(texts) else { preconditionFailure("a network that was checked is none") }
    return networks
}
