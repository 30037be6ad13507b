import ArgumentParser
import Foundation

/// The process's environment.
let environment = ProcessInfo.processInfo.environment

/// Messages go to standard error; standard output is data.
func say(_ line: String) {
    FileHandle.standardError.write(Data((line + "\n").utf8))
}

/// Exit statuses, after sysexits.h.
enum Exit {
    static let data = ExitCode(65)
    static let noInput = ExitCode(66)
    static let unavailable = ExitCode(69)
    static let tryAgain = ExitCode(75)
    static let noPermission = ExitCode(77)
    static let configuration = ExitCode(78)
}
