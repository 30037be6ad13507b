import Counting

/// What one hit says, whichever way it came in: each field as a place in the bytes it was read from, neither decoded nor
/// believed yet.
///
/// The readers fill it and `Admission.admit` reads it; nobody else does either. A reader for each way in: `Beacons` for native
/// beacons and the forms of browsers, `LogLine` and a file for each format for access logs.
struct HitFields: Sendable {
    /// What a hit may say.
    enum Field: Int {
        case site, host, address, method, status, url, referrer, agent, visitor, event, time
        /// What a server calls itself, whatever it was asked for; and where a rewrite has led.
        case serverName, rewritten
        /// The page that asks, by the word of the browser.
        case page
    }

    // Where each field stands: first byte in the high half, end in the low one; 0 where it was not sent. A property each: of
    // an array, or of a vector, each look at a field would make a copy.
    private var site: UInt32 = 0, host: UInt32 = 0, address: UInt32 = 0, method: UInt32 = 0, status: UInt32 = 0
    private var url: UInt32 = 0, referrer: UInt32 = 0, agent: UInt32 = 0, visitor: UInt32 = 0, event: UInt32 = 0
    private var time: UInt32 = 0, serverName: UInt32 = 0, rewritten: UInt32 = 0, page: UInt32 = 0

    /// Who read it, which decides what is checked first.
    let reader: Reader
    /// It is a request that a server logged, and not every request is a page view.
    let isRequest: Bool
    /// How its values are escaped.
    var escaping: Escaping
    /// How its agent is escaped.
    var agentEscaping: Escaping
    /// A missing agent says something: this source writes agents down.
    var hasAgent = false
    /// The site may be named by its virtual host, or not at all.
    var mayOmitSite = false
    /// The site whose key signed it.
    var signer: SiteIndex?
    /// The visitor's address, where the connection tells it.
    var peer: NetworkAddress?
    /// What the browser asks for on behalf of its user, a bit for each `PrivacySignal`.
    var signals: UInt8 = 0
    /// The page is fetched ahead of need, and nobody sees it yet.
    var isPrefetch = false

    /// The line ends before its format does.
    var isCut = false
    /// The last byte of the URL is not its end.
    var isURLCut = false
    /// The last byte of the agent is not its end.
    var isAgentCut = false
    /// It comes after as many records as a datagram may have.
    var isPastLimit = false

    /// Who reads hits.
    enum Reader {
        /// Native beacons.
        case beacon
        /// What a browser sends over HTTP.
        case form
        /// Lines of access logs.
        case line
    }

    /// No field yet.
    @inline(__always)
    init(_ reader: Reader, isRequest: Bool = false, _ escaping: Escaping) {
        (self.reader, self.isRequest) = (reader, isRequest)
        (self.escaping, agentEscaping) = (escaping, escaping)
    }

    /// The way it came in, as it is recorded.
    @inline(__always)
    var source: HitSource { reader == .form ? .browser : isRequest ? .log : .beacon }

    /// Where a field stands; of several values the first counts.
    @inline(__always)
    subscript(_ field: Field) -> Range<Int>? {
        get {
            let place = self[packed: field]
            return place == 0 ? nil : Int(place &>> 16)..<Int(UInt16(truncatingIfNeeded: place))
        }
        set {
            guard self[packed: field] == 0, let place = newValue else { return }
            self[packed: field] = UInt32(truncatingIfNeeded: place.lowerBound &<< 16 | place.upperBound)
        }
    }

    /// Forgets a field.
    @inline(__always)
    mutating func remove(_ field: Field) { self[packed: field] = 0 }

    @inline(__always)
    private subscript(packed field: Field) -> UInt32 {
        get {
            switch field {
            case .site: site
            case .host: host
            case .address: address
            case .method: method
            case .status: status
            case .url: url
            case .referrer: referrer
            case .agent: agent
            case .visitor: visitor
            case .event: event
            case .time: time
            case .serverName: serverName
            case .rewritten: rewritten
            case .page: page
            }
        }
        set {
            switch field {
            case .site: site = newValue
            case .host: host = newValue
            case .address: address = newValue
            case .method: method = newValue
            case .status: status = newValue
            case .url: url = newValue
            case .referrer: referrer = newValue
            case .agent: agent = newValue
            case .visitor: visitor = newValue
            case .event: event = newValue
            case .time: time = newValue
            case .serverName: serverName = newValue
            case .rewritten: rewritten = newValue
            case .page: page = newValue
            }
        }
    }
}

extension HitFields {
    /// The fields of a native beacon. One with a request's method or status is a line of a server's log, unless it is signed:
    /// a signer is believed about its visitors, and is no server that logs every request.
    @inline(__always)
    init(_ beacon: Beacon, in envelope: BeaconEnvelope) {
        let isRequest = envelope.signer == nil && (beacon.sends(.method) || beacon.sends(.status))
        self.init(.beacon, isRequest: isRequest, .form)
        (mayOmitSite, signer) = (envelope.isMessage, envelope.signer)
        hasAgent = isRequest && beacon.sends(.agent)
        setPage(beacon)
        host = beacon.packed(.host)
        address = beacon.packed(.address)
        method = beacon.packed(.method)
        status = beacon.packed(.status)
        agent = beacon.packed(.agent)
        visitor = beacon.packed(.visitor)
    }

    /// The fields of a browser's form. Nobody vouches for a browser, so of its keys only those of the page are believed.
    init(form: Beacon) {
        self.init(.form, .form)
        agentEscaping = .unescaped
        // Every browser says what it is.
        hasAgent = true
        setPage(form)
    }

    @inline(__always)
    private mutating func setPage(_ beacon: Beacon) {
        site = beacon.packed(.site)
        url = beacon.packed(.url)
        referrer = beacon.packed(.referrer)
        event = beacon.packed(.event)
    }
}
