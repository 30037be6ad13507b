import Counting

/// What one hit of any source says. Each field is a place in the bytes from which it was read, not decoded and not
/// trusted yet.
///
/// Readers fill it and `Admission.admit` reads it; nothing else does. The readers are `Beacons` for native beacons and
/// the forms of browsers, and `LogFormat` with one file per format for access logs.
/// beacons and the forms of browsers, `LogLine` and a file for each format for access logs.
struct HitFields: Sendable {
    /// The fields of a hit.
    enum Field: Int {
        case site, host, address, method, status, url, referrer, agent, visitor, event, time
        /// The server's own name, whatever host was requested, and the target of a rewrite.
        case serverName, rewritten
        /// The page that sends, as the browser says.
        case page
    }

    // The place of each field: first byte in the high half, end in the low half; 0 if it was not sent. Each is a
    // property of its own: reading from an array or a vector would make a copy each time.
    private var site: UInt32 = 0, host: UInt32 = 0, address: UInt32 = 0, method: UInt32 = 0, status: UInt32 = 0
    private var url: UInt32 = 0, referrer: UInt32 = 0, agent: UInt32 = 0, visitor: UInt32 = 0, event: UInt32 = 0
    private var time: UInt32 = 0, serverName: UInt32 = 0, rewritten: UInt32 = 0, page: UInt32 = 0

    /// The reader. It decides what is checked first.
    let reader: Reader
    /// True for a request that a server logged: not every request is a page view.
    let isRequest: Bool
    /// How the values are escaped.
    var escaping: Escaping
    /// How the agent is escaped.
    var agentEscaping: Escaping
    /// True if this source logs agents, so that a missing agent means something.
    var hasAgent = false
    /// True if the site may be named by its virtual host, or not at all.
    var mayOmitSite = false
    /// The site whose key signed the hit.
    var signer: SiteIndex?
    /// The visitor's address, if the connection shows it.
    var peer: NetworkAddress?
    /// What the browser requests for its user's privacy, one bit for each `PrivacySignal`.
    var signals: UInt8 = 0
    /// True if the page is prefetched and nobody sees it yet.
    var isPrefetch = false

    /// True if the line ends before its format does.
    var isCut = false
    /// True if the end of the URL is missing.
    var isURLCut = false
    /// True if the end of the agent is missing.
    var isAgentCut = false
    /// True if it comes after the most records that a datagram may have.
    var isPastLimit = false

    /// The readers of hits.
    enum Reader {
        /// Native beacons.
        case beacon
        /// A form that a browser sends over HTTP.
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

    /// The source that is recorded.
    @inline(__always)
    var source: HitSource { reader == .form ? .browser : isRequest ? .log : .beacon }

    /// The place of a field. Of several values, the first counts.
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
    /// The fields of a native beacon. A beacon with method or status counts as a line of a server's log, unless it is
    /// signed: a signer vouches for its visitors and is not a server that logs every request.
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

    /// The fields of a browser's form. Nothing vouches for a browser, so only the keys of the page are used.
    init(form: Beacon) {
        self.init(.form, .form)
        agentEscaping = .unescaped
        // Every browser sends an agent.
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
