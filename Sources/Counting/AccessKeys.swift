/// The key that senders on other machines use to sign the beacons of a site. Both sides compute the same HMAC with it,
/// so the key itself is stored.
public struct SiteKey: Equatable, Sendable {
    /// The site's name.
    public var site: String
    /// The name of the key. It says nothing about the key.
    public var id: String
    /// The key. Its UTF-8 bytes are the HMAC key.
    public var key: String
    /// When it was made.
    public var created: Moment

    /// A key of a site.
    public init(site: String, id: String, key: String, created: Moment) {
        self.site = site
        self.id = id
        self.key = key
        self.created = created
    }
}

/// A token for the HTTP API. Only its hash is stored.
public struct AccessToken: Equatable, Sendable {
    /// The name of the token.
    public var name: String
    /// The SHA-256 hash of the token.
    public var hash: [UInt8]
    /// When the daemon made it; nil for a token from the service manager.
    public var created: Moment?

    /// A token with its name.
    public init(name: String, hash: [UInt8], created: Moment?) {
        self.name = name
        self.hash = hash
        self.created = created
    }
}
