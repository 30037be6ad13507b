/// A key that senders on other machines sign the beacons of a site with. Both sides make the same HMAC of it, so it is kept
/// as it is.
public struct SiteKey: Equatable, Sendable {
    /// The site's name.
    public var site: String
    /// The name of the key, which tells nothing of it.
    public var id: String
    /// The key: its UTF-8 bytes are what is signed with.
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

/// A token for the HTTP API, of which only a hash is kept.
public struct AccessToken: Equatable, Sendable {
    /// What it is called.
    public var name: String
    /// SHA-256 of it.
    public var hash: [UInt8]
    /// When it was made here; nil for one that the service manager hands over.
    public var created: Moment?

    /// The token of a name.
    public init(name: String, hash: [UInt8], created: Moment?) {
        self.name = name
        self.hash = hash
        self.created = created
    }
}
