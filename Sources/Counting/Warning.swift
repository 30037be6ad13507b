/// Something that makes numbers doubtful. It is shown wherever the numbers are.
public struct Warning: Equatable, Sendable {
    /// The kind of warning.
    public let code: Code
    /// What was seen and how to fix it, for people. It contains nothing received from outside.
    public let detail: String

    /// The kinds of warnings, by the names that the API and the metrics give them.
    public enum Code: String, CaseIterable, Sendable {
        /// One address stands for nearly everybody: a proxy does not name its clients.
        case proxyCollapse = "proxy_collapse"
        /// Visitors come from this machine itself: most likely from a proxy that is not trusted.
        case ownAddress = "own_address"
        /// The same visitors' views arrive from two sources and are counted twice.
        case twoDoors = "two_doors"
        /// A site that usually has visitors at this time has none.
        case silence
        /// The kernel had no room for datagrams and dropped them.
        case kernelDrops = "kernel_drops"
        /// Counts cannot be stored as they should be, or soon cannot.
        case disk
        /// The wall clock jumped.
        case clock

        /// True if the warning is about all sites.
        public var isAboutAll: Bool {
            switch self {
            case .kernelDrops, .disk, .clock: true
            case .proxyCollapse, .ownAddress, .twoDoors, .silence: false
            }
        }
    }

    /// A warning with its sentence.
    public init(_ code: Code, _ detail: String) {
        self.code = code
        self.detail = detail
    }
}
