import Glibc

/// An error of the operating system, with its text.
public struct SystemError: Equatable, Sendable, CustomStringConvertible {
    /// The error number, as in errno(3).
    public let number: CInt

    /// The error with this number.
    public init(_ number: CInt) { self.number = number }

    /// The error of the last failed call on this thread.
    public static var last: SystemError { SystemError(errno) }

    /// The text of strerror(3), such as "No such file or directory".
    public var description: String {
        guard let text = unsafe strerror(number) else { return "error \(number)" }
        return unsafe String(cString: text)
    }
}
