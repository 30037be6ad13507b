/// A change of the wall clock that matters to counting.
public enum ClockEvent: Equatable, Sendable {
    /// It was set back. A lead covers the difference until the clock has caught up.
    case stepBack(milliseconds: Int64)
    /// It was set forward.
    case leapForward(milliseconds: Int64)
    /// It is more than a day behind: presence and windows are forgotten, and time begins again at this moment.
    case restart(at: Moment)
}

/// Turns the readings of a wall clock that may jump into moments that never run backwards.
///
/// `moment = max(last moment, stamp + lead)`. The lead is normally 0. When the wall clock is set back, the lead covers
/// the step and shrinks at half the speed of a steady clock: moments continue at half speed until wall time has caught
/// up, so no reload becomes a duplicate because time stands still. It reads no clock itself.
public struct Timekeeper: Sendable {
    /// A step smaller than this, in milliseconds, is ignored: moments stand still for that long.
    public static let stepMilliseconds: Int64 = 500
    /// A lead greater than this is dropped: the clock must have been wrong before.
    public static let leadMillisecondsMax: Int64 = 86_400_000

    /// How far moments are ahead of the wall clock, in milliseconds.
    public private(set) var lead: Int64
    /// The last moment given out.
    public private(set) var last: Moment
    private var wall: Int64
    /// The last reading of the steady clock, in milliseconds.
    public private(set) var steady: Int64
    /// Wall time minus steady time, as last accepted.
    private var offset: Int64
    private var leadShrunkAt: Int64

    /// Continues after `last`, with both clocks read now, in milliseconds. The first `observe` reports a restart if
    /// `last` lies more than a day ahead of the wall clock.
    public init(after last: Moment, wall: Int64, steady: Int64) {
        self.last = last
        self.wall = wall
        self.steady = steady
        lead = max(0, last.milliseconds - wall)
        offset = wall - steady
        leadShrunkAt = steady
    }

    /// Observes a new reading of both clocks, in milliseconds. The steady clock also counts while the machine sleeps.
    public mutating func observe(wall: Int64, steady: Int64) -> ClockEvent? {
        self.wall = wall
        self.steady = steady
        let half = max(0, steady - leadShrunkAt) / 2
        leadShrunkAt = lead > 0 ? leadShrunkAt + half * 2 : steady
        lead = max(0, lead - half)

        let step = wall - steady - offset
        let isStep = abs(step) >= Self.stepMilliseconds
        if isStep {
            offset += step
            lead = max(0, lead - step)
        }
        if lead > Self.leadMillisecondsMax {
            lead = 0
            last = Moment(milliseconds: wall)
            return .restart(at: last)
        }
        guard isStep else { return nil }
        return step < 0 ? .stepBack(milliseconds: -step) : .leapForward(milliseconds: step)
    }

    /// The moment of a wall-clock stamp in milliseconds. A stamp from before a step back lies ahead of the clock and
    /// counts as now.
    public mutating func moment(stamp: Int64) -> Moment {
        last = max(last, Moment(milliseconds: min(stamp, wall) + lead))
        return last
    }

    /// The moment of the last reading.
    public mutating func moment() -> Moment { moment(stamp: wall) }
}
