import ArgumentParser
import Foundation
import Glibc
import Wire

let environment = ProcessInfo.processInfo.environment

/// Messages go to standard error; standard output is data.
func say(_ line: String) {
    FileHandle.standardError.write(Data((line + "\n").utf8))
}

/// Writes over the last line of the terminal, if there is one: how far long work is.
func progress(_ text: String) {
    if isatty(STDERR_FILENO) == 1 { FileHandle.standardError.write(Data("\r\u{1b}[K\(text)".utf8)) }
}

/// A site's name as it may stand in settings and beacons; anything else is wrong usage.
func siteName(_ text: String) throws -> String {
    guard isSiteName(Array(text.utf8).span) else {
        throw ValidationError("a site's name is 1 to 64 of a-z 0-9 . _ -")
    }
    return text
}

/// Exit statuses, after sysexits.h.
enum Exit {
    /// Ends the process where it stands, with its threads running.
    static func now(_ code: ExitCode) -> Never { Glibc._exit(code.rawValue) }

    static let data = ExitCode(65)
    static let noInput = ExitCode(66)
    static let unavailable = ExitCode(69)
    static let tryAgain = ExitCode(75)
    static let noPermission = ExitCode(77)
    static let configuration = ExitCode(78)
}
