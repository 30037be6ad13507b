import Counting

/// Frames of views, and an engine to count them.
///
/// 2,400 visitors view a page, one each half millisecond, so each returns after 1.2 s. The site's duplicate window is
/// 1 s, so every view counts: in the ranking, the sketch of visitors, the windows. The first round makes the visitors
/// known.
struct CountedViews {
    private static let visitors = 2400, batch = 60, rounds = 10
    /// Views in the frames of one run.
    static let hits = visitors * rounds

    private var engine = Engine(seed: HashSeed(1, 2), at: House.moment)
    private var frames: [Frame] = []

    init(_ sample: Sample) throws {
        var house = House()
        let datagrams = try (0..<Self.visitors).map { try sample.bytes(of: $0) }
        var frame = Frame()
        frame.append(house.site)
        try engine.apply(frame.span)
        for i in 0..<Self.visitors + Self.hits {
            if i % Self.batch == 0 { frame.removeAll() }
            house.admit(datagrams[i % Self.visitors], at: House.moment + Int64(i) / 2, into: &frame)
            guard i % Self.batch == Self.batch - 1 else { continue }
            if i < Self.visitors { try engine.apply(frame.span) } else { frames.append(frame) }
        }
        precondition(engine.counters[.views] == UInt64(Self.visitors), "the first round is not counted")
    }

    /// Applies all frames, each time to a copy of the same engine. Returns the counted views.
    func apply(times: Int) throws -> UInt64 {
        var seen: UInt64 = 0
        for _ in 0..<times {
            var copy = engine
            for frame in frames { try copy.apply(frame.span) }
            seen += copy.counters[.views] - UInt64(Self.visitors)
            precondition(copy.counters[.duplicates] == 0, "views of the frames are duplicates")
        }
        return seen
    }

    /// Applies one frame of 60 so often, every time at the same moment. Returns the duplicates.
    mutating func duplicate(times: Int) throws -> UInt64 {
        let frame = frames[0]
        for _ in 0...times { try engine.apply(frame.span) }
        precondition(engine.counters[.duplicates] == UInt64(Self.batch * times), "views of the frame are counted")
        return engine.counters[.duplicates]
    }
}
