import ArgumentParser
import Foundation
import Glibc
import Wire

let environment = ProcessInfo.processInfo.environment

/// Messages go to standard error; standard output is data.
func say(_ line: String) {
    FileHandle.standardError.write(Data((line + "\n").utf8))
}

/// Overwrites the last line of a terminal, to show progress.
func progress(_ text: String) {
    if isatty(STDERR_FILENO) == 1 { FileHandle.standardError.write(Data("\r\u{1b}[K\(text)".utf8)) }
}

/// Checks the name of a site; throws for wrong usage.
func siteName(_ text: String) throws -> String {
    guard isSiteName(Array(text.utf8).span) else {
        throw ValidationError("a site's name is 1 to 64 of a-z 0-9 . _ -")
    }
    return text
}

/// Reads a number; throws for wrong usage. `57.998` is refused: it can be 57998 or 58.
func wholeNumber(_ text: String) throws -> Int64 {
    if let number = Int64(text) { return number }
    let isGrouped = text.wholeMatch(of: /[+-]?[0-9]{1,3}([., _'’\u{a0}\u{202f}][0-9]{3})+/) != nil
    let example = isGrouped ? text.filter { $0.isASCII && ($0.isNumber || $0 == "-") } : "57998"
    throw ValidationError("write a whole number in digits only, without dots, commas or spaces, such as \(example)")
}

/// Exit statuses, after sysexits.h.
enum Exit {
    /// Ends the process at once, while its threads run.
    static func now(_ code: ExitCode) -> Never { Glibc._exit(code.rawValue) }

    static let data = ExitCode(65)
    static let noInput = ExitCode(66)
    static let unavailable = ExitCode(69)
    static let tryAgain = ExitCode(75)
    static let noPermission = ExitCode(77)
    static let configuration = ExitCode(78)
}
