import Logging
import Settings
import Supervision
import Synchronization

/// A kind of entry in the daemon's log. In systemd's journal each has its `MESSAGE_ID`, by which `journalctl` finds it and
/// `journalctl -x` explains it: `systemd/footfall.catalog` is the other half of this table.
struct LogKind: Sendable {
    let id: String
    let level: Logger.Level
    let text: String

    private init(_ id: String, _ level: Logger.Level, _ text: String) {
        self.id = id
        self.level = level
        self.text = text
    }

    static let serving = LogKind("5f481a9ff3974481b52851f373065292", .notice, "Serving")
    static let stopped = LogKind("c32e504036f54f9bb4fda1d91bc85b87", .notice, "Stopped")
    static let cannotStart = LogKind("74b1f871b81349faab0412223e089d32", .critical, "Cannot start")
    static let newState = LogKind("d718148536344f48881a2dda0461d391", .notice, "Began a new state")
    static let recovered = LogKind("31b12661775b4acca50f70ee984dfca8", .notice, "Recovered the counts")
    static let lost = LogKind("0d403ce6bc5b4ca297fdc55eb0bfcc0b", .error, "Part of the journal is missing")
    static let quarantined = LogKind("ffcfb12b8cb847a4870a576a0c6d295d", .warning, "Moved to quarantine")
    static let journalLong = LogKind(
        "61697c1e14634cf497f97d9de15f563a", .error, "The journal is nearly full and no checkpoint can be made")
    static let privateRing = LogKind(
        "a8b11f6c35aa4ea39d9dc4407f5418e3", .warning,
        "The receive ring is private memory: a kill may lose the batch in hand")
    static let reloaded = LogKind("1544e22c69a640ec9a4f7e9efbd66a74", .notice, "Reloaded the settings")
    static let notReloaded = LogKind(
        "172375ad6f754feeb52b83900fdacd64", .error, "The settings are not reloaded; the old ones stay in force")
    static let settingsNote = LogKind("699f1cad032a4dc0b9e29afd782753b6", .warning, "A note about the settings")
    static let degraded = LogKind("2d973229e33f471187ed1cda33e9f9f8", .error, "Degraded")
    static let well = LogKind("71f8912226c34a7cadfeff580c8ee24a", .notice, "Everything works again")
    static let clockJumped = LogKind("2cab7261563f4d658ad7243541fe248b", .warning, "The wall clock jumped")
    static let unsaved = LogKind(
        "4a098d55b3c84121ba98f6c661d5d730", .error,
        "The last checkpoint failed; the next start replays the journal and reports what was buffered in memory")
    static let unreliable = LogKind(
        "bf66851b003b4326ac6aac44add28dc2", .critical,
        "Neither journal nor database can be relied on; exiting to start again")
    static let otherAddress = LogKind(
        "55fef6765c5543c99d38c36b6500494f", .warning,
        "The sockets handed over differ from the settings; the sockets win")
    static let unknownSocket = LogKind(
        "1f48311a4fa04e26bb5d93133ef16a29", .warning, "Closed a socket with an unknown name")
    static let addressLeftOut = LogKind(
        "72fb12c4c95e4cd1be57ec2dfc334d12", .notice, "Left out an address this machine does not have")
    static let smallBuffer = LogKind(
        "e5c62a22ac4f4fce9fffb34b8792b1b5", .warning,
        "The kernel grants a smaller receive buffer than configured; a burst may be dropped")
    static let crashable = LogKind(
        "e80fcd38d12d4ff5a1c3ed3e090900b8", .warning, "This build can be made to crash; it is for tests only")
}

extension Logger {
    /// The daemon's own: to systemd's journal with its fields, or as lines to standard error; what is below `threshold` is
    /// left out.
    static func daemon(_ threshold: LogThreshold) -> Logger {
        Logger(label: "footfall") { label in
            let handler: any LogHandler =
                SystemJournal.isListening ? JournalHandler() : StreamLogHandler.standardError(label: label)
            return ThresholdHandler(threshold, handler)
        }
    }

    func write(_ kind: LogKind, _ fields: Metadata = [:]) {
        var fields = fields
        if SystemJournal.isListening { fields[JournalHandler.idKey] = .string(kind.id) }
        log(level: kind.level, "\(kind.text)", metadata: fields)
    }
}

/// The least that the daemon logs, which other settings may change while it runs.
final class LogThreshold: Sendable {
    private let current = Mutex(Logger.Level.info)

    var level: Logger.Level { current.withLock { $0 } }

    /// `[log] level` says so.
    func adopt(_ level: Settings.Log.Level) {
        current.withLock { $0 = Logger.Level(rawValue: level.rawValue) ?? .info }
    }
}

/// Lets through what is not below the threshold. Every copy of a logger has the same one.
private struct ThresholdHandler: LogHandler {
    private let threshold: LogThreshold
    private var handler: any LogHandler

    init(_ threshold: LogThreshold, _ handler: any LogHandler) {
        self.threshold = threshold
        self.handler = handler
        self.handler.logLevel = .trace
    }

    var logLevel: Logger.Level {
        get { threshold.level }
        set {}
    }

    var metadata: Logger.Metadata {
        get { handler.metadata }
        set { handler.metadata = newValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { handler[metadataKey: key] }
        set { handler[metadataKey: key] = newValue }
    }

    func log(event: LogEvent) { handler.log(event: event) }
}

/// Writes an entry's metadata as fields, `socket.name` as `FOOTFALL_SOCKET_NAME`, and behind its message for people.
private struct JournalHandler: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .info

    static let idKey = "message.id"

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var metadata = metadata.merging(event.metadata ?? [:]) { _, new in new }
        let id = metadata.removeValue(forKey: Self.idKey)
        let pairs = metadata.map { (key: $0.key, value: "\($0.value)") }.sorted { $0.key < $1.key }
        let behind = pairs.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
        var fields = [
            (name: "MESSAGE", value: "\(event.message)" + (behind.isEmpty ? "" : ": " + behind)),
            (name: "PRIORITY", value: "\(event.level.priority)"),
            (name: "SYSLOG_IDENTIFIER", value: "footfall"),
        ]
        if let id { fields.append((name: "MESSAGE_ID", value: "\(id)")) }
        for (key, value) in pairs {
            let name = key.uppercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" }
            fields.append((name: "FOOTFALL_" + String(name), value: value))
        }
        SystemJournal.send(fields)
    }
}

extension Logger.Level {
    /// Of syslog(3).
    fileprivate var priority: Int {
        switch self {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }
}
