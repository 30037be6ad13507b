import CSystemd
import Glibc

/// A socket that the supervisor opened and handed over.
public struct InheritedSocket: Sendable {
    /// `FileDescriptorName=` of its unit, or `unknown`.
    public let name: String
    /// Open, and ours from here on.
    public let descriptor: CInt

    /// The sockets in `LISTEN_FDS`, by their names in `LISTEN_FDNAMES`; none where nobody supervises us. Their order
    /// means nothing. Clears the variables, so that children do not see them: call it once, first of all.
    public static func adoptAll() -> [InheritedSocket] {
        var names: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
        let count = unsafe sd_listen_fds_with_names(1, &names)
        guard count > 0, let names = unsafe names else { return [] }
        defer { unsafe free(names) }
        return (0..<Int(count)).map { i in
            defer { unsafe free(names[i]) }
            let name = unsafe names[i].map { unsafe String(cString: $0) } ?? "unknown"
            return InheritedSocket(name: name, descriptor: SD_LISTEN_FDS_START + CInt(i))
        }
    }
}
