import Counting
import Storage
import Testing

/// A run of a daemon of which everything is known: each frame, the state after it, the state directory at every
/// checkpoint, and the whole journal with all segments.
struct Story {
    let limits: Limits
    let start: Moment
    private(set) var frames: [Frame] = []
    /// The engine after as many frames as the index says.
    private(set) var engines: [Engine]
    private(set) var checkpoints: [Checkpoint] = []
    /// Segments by their names in the state directory, in their final form.
    private(set) var segments: FileSet = [:]
    /// The place of each frame.
    private(set) var places: [Place] = []

    struct Checkpoint {
        var sequence: Int
        var hits: UInt64
        /// Database and visitors.
        var files: FileSet
    }

    struct Place {
        var segment: String
        var bytes: Range<Int>
    }

    /// A daemon that writes `count` frames, makes a checkpoint after some of them, and restarts after others.
    init(seed: UInt64, frames count: Int, checkpoints due: Set<Int>, restarts: Set<Int> = []) throws {
        var traffic = Traffic(seed: seed)
        limits = traffic.limits
        start = Moment(milliseconds: traffic.now)
        engines = [Engine(limits: limits, at: start)]
        var folder = try Folder()
        var life = try Life(in: folder.path, limits: limits, now: start)
        checkpoints.append(Checkpoint(sequence: 0, hits: 0, files: try Self.base(folder)))
        for number in 1...count {
            let frame = traffic.nextFrame()
            frames.append(frame)
            try life.append(frame)
            var engine = engines[number - 1]
            let records = frame.bytes
            try engine.apply(records.span)
            engines.append(engine)
            if due.contains(number) {
                life.pass(to: traffic.pause())
                try keepSegments(folder)
                #expect(life.checkpoint() == nil)
                checkpoints.append(
                    Checkpoint(sequence: number, hits: hits(through: number), files: try Self.base(folder)))
            }
            if restarts.contains(number) {
                folder = try life.kill()
                life = try Life(in: folder.path, limits: limits)
            }
        }
        let left = try life.kill()
        try keepSegments(left)
        places = try Self.places(in: segments, count: count)
    }

    /// Hit records in the first frames.
    func hits(through count: Int) -> UInt64 { frames.prefix(count).reduce(0) { $0 + UInt64($1.hits) } }

    /// The state after `count` frames, with time advanced to `moment`.
    func snapshot(after count: Int, at moment: Moment) -> [UInt8] {
        var engine = engines[count]
        engine.advance(to: moment)
        return engine.snapshot()
    }

    private static func base(_ folder: Folder) throws -> FileSet {
        try folder.files().filter { !$0.key.hasPrefix("journal/") }
    }

    private mutating func keepSegments(_ folder: Folder) throws {
        segments.merge(try folder.files().filter { $0.key.hasPrefix("journal/") }) { $1 }
    }

    /// Reads the places of the frames by the layout in `FORMAT.md`.
    private static func places(in segments: FileSet, count: Int) throws -> [Place] {
        var places: [UInt64: Place] = [:]
        for (name, bytes) in segments {
            var at = 64
            while at + 32 <= bytes.count, Array(bytes[at..<at + 4]) == Array("FFR1".utf8) {
                let end = at + 32 + Int(number(bytes, at: at + 8, bytes: 4))
                places[number(bytes, at: at + 16, bytes: 8)] = Place(segment: name, bytes: at..<end)
                at = end
            }
        }
        return try (1...count).map { try #require(places[UInt64($0)], "frame \($0) is in no segment") }
    }

    /// All rows of an engine that was never stopped, with the running quarter hours at `moment`.
    func history(after count: Int, at moment: Moment) -> History {
        var engine = engines[count]
        engine.advance(to: moment)
        var history = History()
        history.add(closing(engine))
        return history
    }
}

/// The rows that an engine has not returned yet, with the running quarter hours.
func closing(_ engine: Engine) -> [HistoryRow] {
    var engine = engine
    let closed = engine.takeClosedRows()
    engine.advance(to: engine.now + 900_000)
    return closed + engine.takeClosedRows()
}

/// A number of `count` bytes, lowest first.
func number(_ bytes: [UInt8], at offset: Int, bytes count: Int) -> UInt64 {
    (0..<count).reduce(0) { $0 | UInt64(bytes[offset + $1]) << UInt64(8 * $1) }
}
