/// Something that makes numbers doubtful, said wherever they are shown.
public struct Warning: Equatable, Sendable {
    /// What it is.
    public let code: Code
    /// What was seen and what mends it, for people; nothing that came in stands in it.
    public let detail: String

    /// The kinds of warnings, by the names that the API and the metrics give them.
    public enum Code: String, CaseIterable, Sendable {
        /// One address stands for nearly everybody: a proxy does not say who is behind it.
        case proxyCollapse = "proxy_collapse"
        /// Visitors come from this machine itself: most likely a proxy that is not believed.
        case ownAddress = "own_address"
        /// The same visitors' views come in two ways and are counted twice.
        case twoDoors = "two_doors"
        /// A site that used to be visited at this time is not.
        case silence
        /// The kernel had no room for datagrams.
        case kernelDrops = "kernel_drops"
        /// Counts cannot be kept as they should be, or soon cannot.
        case disk
        /// The wall clock jumped.
        case clock

        /// It concerns every site alike.
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
