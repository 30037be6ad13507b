import Glibc

/// An error number of the operating system, in words.
public struct SystemError: Equatable, Sendable, CustomStringConvertible {
    /// As in errno(3).
    public let number: CInt

    /// The error with this number.
    public init(_ number: CInt) { self.number = number }

    /// The error of the last call that failed on this thread.
    public static var last: SystemError { SystemError(errno) }

    /// What strerror(3) says of it, such as "No such file or directory".
    public var description: String {
        guard let text = unsafe strerror(number) else { return "error \(number)" }
        return unsafe String(cString: text)
    }
}
