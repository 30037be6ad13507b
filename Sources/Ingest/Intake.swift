public import Counting
public import Wire

/// The one way in: datagrams become records, one frame a batch, and the engine counts from the frame.
///
/// The running daemon and `footfall count` are both this. It reads no clock: stamps and readings of clocks are given
/// to it, and it gives every hit its final moment.
public struct Intake: Sendable {
    /// The counts.
    public private(set) var engine: Engine
    /// The last frame that was committed, until the next datagram comes.
    public private(set) var frame = Frame()
    private var admission: Admission
    private var timekeeper: Timekeeper
    private var salts: any RandomNumberGenerator & Sendable
    private var saltNumber: UInt32 = 0
    private let calendar: Calendar
    private var isCommitted = true

    /// Which local day of a zone a moment lies in.
    public typealias Calendar = @Sendable (_ timezone: String, Moment) -> DaySpan

    /// An intake without sites that stands at `wall` milliseconds; `steady` is a clock that never jumps.
    public init(
        limits: Limits, trusted: Networks, assets: [String], calendar: @escaping Calendar,
        salts: any RandomNumberGenerator & Sendable, wall: Int64, steady: Int64
    ) {
        var salts = salts
        let seed = HashSeed(salts.next(), salts.next())
        let now = Moment(milliseconds: wall)
        engine = Engine(limits: limits, seed: seed, at: now)
        admission = Admission(sites: SiteDirectory(seed: seed), trusted: trusted, assets: assets, seed: seed)
        timekeeper = Timekeeper(after: now, wall: wall, steady: steady)
        self.calendar = calendar
        self.salts = salts
    }

    /// The sites.
    public var sites: SiteDirectory { admission.sites }
    /// The last moment given to anything.
    public var now: Moment { timekeeper.last }

    /// Makes a site known from now on; false where `limits.sites` is reached. Its name must be new.
    public mutating func add(_ profile: SiteProfile) -> Bool {
        guard sites.count < engine.limits.sites else { return false }
        begin()
        let today = calendar(profile.settings.timezone, now)
        let salt = nextSalt()
        let site = admission.sites.add(profile, today: today, salt: salt)
        let turn = DayTurn(day: today.day, begins: today.begins, salt: salt.number)
        frame.append(.site(site, profile.settings, turn, at: now))
        return true
    }

    /// The sites that records of the datagram name and nobody knows yet, without repetition.
    public func unknownSites(in datagram: Span<UInt8>) -> [String] { admission.unknownSites(in: datagram) }

    /// Takes readings of the wall clock and of a steady clock, in milliseconds, before every batch; what the wall clock
    /// did, if it jumped.
    @discardableResult
    public mutating func observe(wall: Int64, steady: Int64) -> ClockEvent? {
        guard let event = timekeeper.observe(wall: wall, steady: steady) else { return nil }
        begin()
        frame.append(.clock(event))
        if case .restart = event { turnDays(at: now) }
        return event
    }

    /// Takes one datagram, stamped by the wall clock in milliseconds.
    @inline(__always)
    public mutating func take(
        _ datagram: Span<UInt8>, from sender: Admission.Sender, isTruncated: Bool, stamp: Int64
    ) {
        begin()
        let moment = timekeeper.moment(stamp: stamp)
        if moment >= admission.sites.nextMidnight { turnDays(at: moment) }
        admission.admit(datagram, from: sender, isTruncated: isTruncated, at: moment, into: &frame)
    }

    /// Adds a record of somebody else's making: a start number, a correction, drops, up and down.
    public mutating func add(_ record: Record) {
        begin()
        frame.append(record)
    }

    /// Closes the frame and counts it. This is where a frame will reach the journal before it is counted.
    public mutating func commit() {
        guard !isCommitted else { return }
        for (tally, count) in admission.tallies.nonzero { frame.append(.tally(tally, count)) }
        admission.tallies.removeAll()
        for (site, count) in admission.rejectedBySite.sorted(by: { $0.key < $1.key }) {
            frame.append(.rejected(site, count))
        }
        admission.rejectedBySite.removeAll(keepingCapacity: true)
        do throws(MalformedBytes) {
            let records = frame.bytes
            try engine.apply(records.span)
        } catch {
            preconditionFailure("a frame of our own is \(error)")
        }
        isCommitted = true
    }

    /// Lets time pass to the last reading of the wall clock. Only right when nothing waits that came before it.
    public mutating func pass() {
        let moment = timekeeper.moment()
        if moment >= admission.sites.nextMidnight {
            begin()
            turnDays(at: moment)
        }
        if moment >= admission.sites.formerSaltsEnd { admission.sites.forgetFormerSalts(at: moment) }
        commit()
        engine.advance(to: moment)
    }

    /// The numbers of this moment.
    public mutating func report() -> Report { engine.report() }

    /// Visitors of a site whose last hit lies in the newest `window` seconds: exact for 0…1800.
    public mutating func online(of site: SiteIndex, within window: Int64) -> Int {
        engine.online(of: site, within: window)
    }

    /// The whole counting state as canonical bytes.
    public mutating func snapshot() -> [UInt8] { engine.snapshot() }

    /// Takes the history rows closed since the last call.
    public mutating func takeClosedRows() -> [HistoryRow] { engine.takeClosedRows() }

    private mutating func begin() {
        guard isCommitted else { return }
        frame.removeAll()
        isCommitted = false
    }

    /// Begins the local day that `moment` lies in, for every site that is not in it.
    private mutating func turnDays(at moment: Moment) {
        var days: [String: DaySpan] = [:]
        let turns = sites.sitesToTurn(at: moment).map { site in
            let zone = sites.profile(of: site).settings.timezone
            let day = days[zone] ?? calendar(zone, moment)
            days[zone] = day
            return (site: site, day: day, salt: nextSalt())
        }
        admission.sites.turn(turns)
        for (site, day, salt) in turns {
            frame.append(.turn(site, DayTurn(day: day.day, begins: day.begins, salt: salt.number)))
        }
    }

    private mutating func nextSalt() -> Salt {
        saltNumber += 1
        return Salt(number: saltNumber, using: &salts)
    }
}
