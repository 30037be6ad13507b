import Foundation
import Glibc
import Platform

/// The unix socket `footfall.sock` in the runtime directory. Everyone who may connect to it is the owner.
struct LocalSocket {
    let path: String

    init(runtime: String) { path = runtime + "/footfall.sock" }

    /// Why the socket cannot be opened, and what to do about it.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// Listens with mode 0660. Replaces a socket that nobody answers any more.
    func listen() throws -> CInt {
        let directory = (path as NSString).deletingLastPathComponent
        do {
            try FileManager.default.createDirectory(
                atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o750])
        } catch {
            throw Failure(
                description: "cannot make the runtime directory \(directory): \(error.localizedDescription); "
                    + "set [state] runtime to one that can be written")
        }
        if let descriptor = connect() {
            close(descriptor)
            throw Failure(
                description: "another footfall answers at \(path); stop it, or give this one its own [state] runtime")
        }
        unsafe unlink(path)
        let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        let before = umask(0o117)
        let isBound = unsafe withAddress { unsafe bind(descriptor, $0, $1) } == 0 && Glibc.listen(descriptor, 128) == 0
        umask(before)
        guard isBound else {
            let reason = SystemError.last
            close(descriptor)
            throw Failure(description: "cannot listen at \(path): \(reason); set [state] runtime to another directory")
        }
        return descriptor
    }

    /// Connects; nil and `errno` if nobody answers.
    func connect() -> CInt? {
        let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        if unsafe withAddress({ unsafe Glibc.connect(descriptor, $0, $1) }) == 0 { return descriptor }
        let reason = errno
        close(descriptor)
        errno = reason
        return nil
    }

    private func withAddress(_ body: (UnsafePointer<sockaddr>?, socklen_t) -> CInt) -> CInt {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            errno = ENAMETOOLONG
            return -1
        }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        return unsafe withUnsafePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}
