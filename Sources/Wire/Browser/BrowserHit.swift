public import Counting

/// A hit that a page sends over HTTP: what the page says about itself, and what the connection says about its visitor.
///
/// Nothing vouches for a browser, so only the page's keys of the form are used: `s u h r n`.
public struct BrowserHit: Sendable {
    /// The form as a datagram of one record, then the `User-Agent` field, then the page that sends the hit.
    private let bytes: [UInt8]
    private let formEnd: Int
    private let agentEnd: Int
    /// What the page says.
    public var form: ArraySlice<UInt8> { bytes[3..<formEnd] }
    /// The visitor's address.
    public let address: NetworkAddress
    /// True if the page is prefetched and nobody sees it yet.
    let isPrefetch: Bool
    /// What the browser requests for its user's privacy.
    public let signals: Set<PrivacySignal>
    /// When the request arrived, in milliseconds of the wall clock; 0 if unknown.
    public var stamp: Int64 = 0

    /// The length of the page's URL that is searched for its host.
    private static let pageBytesMax = 8192

    /// A hit with the body of the request as `form`. `agent` is the `User-Agent` field or empty. `page` is the page
    /// that sends: the `Origin` field, or else `Referer`.
    public init(
        form: [UInt8], address: NetworkAddress, agent: String, page: String, isPrefetch: Bool,
        signals: Set<PrivacySignal> = []
    ) {
        // Longer ones are refused or cut anyway, by the limits of a datagram and of an agent. So places in the bytes
        // stay small.
        var bytes = Array("f1 ".utf8) + form.prefix(Beacons.bytesMax)
        formEnd = bytes.count
        bytes += agent.utf8.prefix(Admission.agentBytesMax + 1)
        agentEnd = bytes.count
        bytes += page.utf8.prefix(Self.pageBytesMax)
        self.bytes = bytes
        self.address = address
        self.isPrefetch = isPrefetch
        self.signals = signals
    }
}

/// A signal by which a browser's user asks not to be recognised.
public enum PrivacySignal: String, CaseIterable, Sendable {
    /// Do Not Track.
    case dnt
    /// Global Privacy Control.
    case gpc
}

extension PrivacySignal {
    /// The bit of this signal.
    var bit: UInt8 { self == .dnt ? 1 : 2 }
}

extension Admission {
    /// Admits a browser's hit into `frame`. Returns the site for which it counts. `steady` is a clock that never jumps,
    /// in milliseconds; it fills the token buckets.
    public mutating func admit(
        _ hit: BrowserHit, at moment: Moment, steady: Int64, into frame: inout Frame
    ) throws(BeaconRejection) -> SiteIndex {
        counts[.records] += 1
        let bytes = hit.span
        var beacons = Beacons(hit.datagram)
        let isOneRecord = Self.isOneRecord(&beacons)
        let fields = hit.fields(beacons.beacon)
        let claim = claim(of: fields, in: bytes)
        do throws(BeaconRejection) {
            guard isOneRecord else { throw .syntax }
            let arrival = Arrival(from: .address(hit.address), stamp: hit.stamp, at: moment, steady: steady)
            return try admit(fields, of: claim, in: bytes, arrival, into: &frame)
        } catch {
            counts.refuse(error, of: claim.site)
            throw error
        }
    }

    /// True if the form is one record.
    private static func isOneRecord(_ beacons: inout Beacons) -> Bool {
        do throws(DatagramRejection) { try beacons.begin() } catch { return false }
        guard case .record = beacons.next() else { return false }
        let first = beacons
        guard case .end = beacons.next() else { return false }
        beacons = first
        return true
    }
}

extension BrowserHit {
    /// All bytes. The fields are places in them.
    fileprivate var span: Span<UInt8> {
        @_lifetime(borrow self) get { bytes.span }
    }

    /// The bytes of the form.
    fileprivate var datagram: Span<UInt8> {
        @_lifetime(borrow self) get { bytes.span.extracting(0..<formEnd) }
    }

    fileprivate func fields(_ form: Beacon) -> HitFields {
        var fields = HitFields(form: form)
        fields[.agent] = formEnd..<agentEnd
        fields[.page] = agentEnd..<bytes.count
        fields.peer = address
        fields.isPrefetch = isPrefetch
        fields.signals = signals.reduce(0) { $0 | $1.bit }
        return fields
    }
}
