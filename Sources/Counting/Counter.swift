/// Everything that is counted for the whole daemon and not for one site.
///
/// The raw values are stored in journals and snapshots: never renumber them, only add. They lie below 96.
@frozen public enum Counter: UInt8, CaseIterable, Sendable {
    // What the sockets delivered.
    case datagrams = 0
    case bytes = 1
    case parsedDatagrams = 2
    case kernelDrops = 3
    // What became of the records in them.
    case records = 4
    case views = 5
    case pings = 6
    case duplicates = 7
    case bots = 8
    // Faults that cost a field, not a record.
    case unknownKeys = 9
    case droppedFields = 10
    case cutFields = 11
    // Limits that were reached.
    case untracked = 12
    case recentViewsForgotten = 13
    case rankingSweeps = 14
    // The wall clock.
    case clockStepsBack = 15
    case clockLeapsForward = 16
    case clockRestarts = 17
    // Refused datagrams, whole.
    case datagramsEmpty = 32
    case datagramsOversize = 33
    case datagramsVersion = 34
    case datagramsUntrusted = 35
    case datagramsSignature = 36
    case datagramsReplayed = 37
    case datagramsClock = 38
    case datagramsInternal = 39
    // Refused single beacons.
    case beaconsSyntax = 64
    case beaconsTruncated = 65
    case beaconsSiteMissing = 66
    case beaconsSiteUnknown = 67
    case beaconsMethod = 68
    case beaconsStatus = 69
    case beaconsAsset = 70
    case beaconsOrigin = 71
    case beaconsRate = 72
    case beaconsLimit = 73
    case beaconsInternal = 74
}

/// Why a whole datagram was not counted. A closed list: metrics, API, logs and tests use the same names.
public enum DatagramRejection: String, CaseIterable, Error, Sendable {
    case empty, oversize, version, untrusted, signature, replayed, clock, `internal`

    /// The counter of this reason.
    public var counter: Counter {
        switch self {
        case .empty: .datagramsEmpty
        case .oversize: .datagramsOversize
        case .version: .datagramsVersion
        case .untrusted: .datagramsUntrusted
        case .signature: .datagramsSignature
        case .replayed: .datagramsReplayed
        case .clock: .datagramsClock
        case .internal: .datagramsInternal
        }
    }
}

/// Why one beacon was not counted. A closed list: metrics, API, logs and tests use the same names.
public enum BeaconRejection: String, CaseIterable, Error, Sendable {
    case syntax, truncated
    case siteMissing = "site_missing"
    case siteUnknown = "site_unknown"
    case method, status, asset, origin, rate, limit, `internal`

    /// The counter of this reason.
    public var counter: Counter {
        switch self {
        case .syntax: .beaconsSyntax
        case .truncated: .beaconsTruncated
        case .siteMissing: .beaconsSiteMissing
        case .siteUnknown: .beaconsSiteUnknown
        case .method: .beaconsMethod
        case .status: .beaconsStatus
        case .asset: .beaconsAsset
        case .origin: .beaconsOrigin
        case .rate: .beaconsRate
        case .limit: .beaconsLimit
        case .internal: .beaconsInternal
        }
    }
}

/// One count for each `Counter`.
public struct Counters: Equatable, Sendable {
    @usableFromInline var counts = [96 of UInt64](repeating: 0)

    /// All zero.
    public init() {}

    /// The count so far.
    @inlinable
    public subscript(counter: Counter) -> UInt64 {
        get { counts[Int(counter.rawValue)] }
        set { counts[Int(counter.rawValue)] = newValue }
    }

    /// True if all counts are equal.
    public static func == (a: Counters, b: Counters) -> Bool { Counter.allCases.allSatisfy { a[$0] == b[$0] } }

    /// Hits that were applied, in whatever way: views, pings, duplicates and bots.
    public var counted: UInt64 { self[.views] + self[.pings] + self[.duplicates] + self[.bots] }

    /// Adds `count` to a counter. The sum stops at the greatest count that can be written.
    mutating func add(_ count: UInt64, to counter: Counter) { self[counter] = boundedSum(self[counter], count) }

    /// The counts that are not zero, in the order of their raw values.
    public var nonzero: [(counter: Counter, count: UInt64)] {
        var nonzero: [(counter: Counter, count: UInt64)] = []
        forEachNonzero { nonzero.append(($0, $1)) }
        return nonzero
    }

    /// Calls `body` with each count that is not zero, in the order of their raw values.
    @inlinable
    public func forEachNonzero(_ body: (Counter, UInt64) -> Void) {
        // Through a span: each subscript would copy all counts.
        let all = counts.span
        for i in all.indices where all[i] != 0 {
            if let counter = Counter(rawValue: UInt8(truncatingIfNeeded: i)) { body(counter, all[i]) }
        }
    }

    /// Sets every count to zero.
    public mutating func removeAll() { self = Counters() }
}
