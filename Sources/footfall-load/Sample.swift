import ArgumentParser
import Foundation

/// The datagrams of the documented costs.
///
/// Each can be written for many visitors. All of one kind have the same length, so that they cost the same to read.
enum Sample: ExpressibleByArgument {
    /// A beacon of a website: an address, a page, a referrer, an agent of 120 bytes; raw values. 187 bytes.
    case reference
    /// A beacon without an agent, 59 bytes.
    case long
    /// The shortest useful beacon: a visitor and a page. 18 bytes.
    case short
    /// A line of nginx's access log by syslog, 265 bytes.
    case log
    case file(String)

    init?(argument: String) {
        switch argument {
        case "ref": self = .reference
        case "long": self = .long
        case "short": self = .short
        case "log": self = .log
        default: self = .file(argument)
        }
    }

    static let agent =
        "Mozilla/5.0 (Linux; Android 13; SM-A536E) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.6099.144 Mobile Safari/537"

    /// How many visitors a sample can be written for.
    static let visitorsMax = 3844

    /// The datagram of a visitor.
    func bytes(of visitor: Int) throws -> [UInt8] {
        let text = text(of: visitor)
        switch self {
        case .reference: precondition(text.utf8.count == 187)
        case .long: precondition(text.utf8.count == 59)
        case .short: precondition(text.utf8.count == 18)
        case .log: precondition(text.utf8.count == 265)
        case .file(let path): return [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        }
        return Array(text.utf8)
    }

    private func text(of visitor: Int) -> String {
        precondition((0..<Self.visitorsMax).contains(visitor))
        let address = "9.1\(digits(visitor / 1000)).1\(digits(visitor / 10 % 100)).\(visitor % 10)"
        let beacon = "f1 s=demo&i=\(address)&u=/tin-tuc/123"
        return switch self {
        case .reference: "\(beacon)&r=https://www.google.com/&a=\(Self.agent)"
        case .long: "\(beacon)&r=https://a.example/"
        case .short: "f1 s=demo&v=\(Self.letters[visitor / 62])\(Self.letters[visitor % 62])&u=/"
        case .log:
            "<190>Nov 23 07:49:43 web1 ff_demo: \(address) - - [23/Nov/2026:07:49:43 +0000] \"GET /tin-tuc/123 HTTP/1.1\" "
                + "200 2 \"https://www.google.com/\" \"\(Self.agent).36\""
        case .file: ""
        }
    }

    private static let letters = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")

    /// Two digits.
    private func digits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
