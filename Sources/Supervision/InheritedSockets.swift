import CSystemd
import Glibc

/// A socket that the supervisor opened and passed on.
public struct InheritedSocket: Sendable {
    /// `FileDescriptorName=` of its unit, or `unknown`.
    public let name: String
    /// The open descriptor. It is ours from here on.
    public let descriptor: CInt

    /// The sockets in `LISTEN_FDS`, with their names from `LISTEN_FDNAMES`; none without a supervisor. Their order
    /// means nothing. Clears the variables, so that child processes do not see them: call it once, at the very start.
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
