import Counting
import Foundation
import Glibc
import Storage
import Web
import Wire
import Zones

/// What the operator chose: every key of the configuration reference, typed, with its default.
///
/// `SettingsKeys.swift` says how each key is written; `Settings.load` reads them from files and the environment.
struct Settings: Sendable, Equatable {
    var beacon = Beacon()
    var http = HTTP()
    var state: State
    var limits = Limits()
    var log = Log()
    /// In the order of the files; names are unique, and so is every host.
    var sites: [Site] = []

    /// Settings of a file that says nothing.
    init(environment: [String: String]) { state = State(environment: environment) }

    /// Where datagrams come from.
    struct Beacon: Sendable, Equatable {
        /// Bound only where systemd hands over no socket.
        var listen = [
            ListenAddress(host: "127.0.0.1", port: 7373, isIPv6: false),
            ListenAddress(host: "::1", port: 7373, isIPv6: true),
        ]
        /// Networks whose unsigned beacons are believed: texts that `Networks` takes.
        var trusted = ["127.0.0.0/8", "::1/128"]
        /// The site of log lines that name none, or empty.
        var site = ""
        var receiveBufferBytes = 64 << 20

        var trustedNetworks: Networks { networks(trusted) }
    }

    /// Browsers and readers.
    struct HTTP: Sendable, Equatable {
        var listen = ListenAddress(host: "127.0.0.1", port: 7374, isIPv6: false)
        /// `Host` names answered besides the loopback ones, lower case.
        var hosts: [String] = []
        /// Networks whose `X-Forwarded-For` is believed: texts that `Networks` takes.
        var proxies: [String] = []
        /// A loopback peer with a loopback `Host` and no forwarding header needs no token.
        var localAdmin = false

        var proxyNetworks: Networks { networks(proxies) }
    }

    /// Where things are kept.
    struct State: Sendable, Equatable {
        var directory: String
        /// Landing ring and local socket; should be a tmpfs.
        var runtime: String
        var journal = Journal.Configuration()

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
    struct Limits: Sendable, Equatable {
        /// The engine's part: `visitors`, `sites`, `recent_views`, `pages`, `referrers`.
        var counting = Counting.Limits()
        /// Hits a second at the browser door from one address.
        var visitorRatePerSecond = 20
        /// Hits a second at the browser door for one site.
        var siteRatePerSecond = 10_000
    }

    /// Access logs.
    struct Log: Sendable, Equatable {
        /// Extensions, without the dot and in lower case, of files that are no pages.
        var assets = [
            "css", "js", "png", "jpg", "jpeg", "gif", "svg", "webp", "ico", "woff", "woff2", "ttf", "map", "mp4", "pdf",
        ]
    }

    /// One `[[site]]`.
    struct Site: Sendable, Equatable {
        /// The default zone is this machine's.
        var profile: SiteProfile
        /// Numbers shown to anyone.
        var publicNumbers: [PublicNumber] = [.online, .total]

        var name: String { profile.settings.name }

        init(name: String) { profile = SiteProfile(SiteSettings(name: name, timezone: Zone.machine)) }
    }

    /// The part by which beacons are read.
    var admissionRules: Admission.Rules {
        Admission.Rules(
            trusted: beacon.trustedNetworks, assets: log.assets, logSite: beacon.site,
            visitorPerSecond: limits.visitorRatePerSecond, sitePerSecond: limits.siteRatePerSecond)
    }

    /// Choices that are legal and probably not meant, one sentence each.
    var warnings: [String] {
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
