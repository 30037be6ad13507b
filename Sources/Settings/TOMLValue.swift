/// A value as it is written in a file or an environment variable.
enum TOMLValue: Equatable, Sendable, CustomStringConvertible {
    case text(String)
    case number(Int)
    case flag(Bool)
    case list([TOMLValue])
    /// A type that no key accepts, by its name.
    case other(String)

    var description: String {
        switch self {
        case .text(let text): text.count > 60 ? quoted(text.prefix(60) + "…") : quoted(text)
        case .number(let number): "\(number)"
        case .flag(let flag): "\(flag)"
        case .list: "a list"
        case .other(let type): "a \(type)"
        }
    }
}

/// A TOML basic string.
func quoted(_ text: some StringProtocol) -> String {
    let escaped = text.unicodeScalars.map { scalar in
        switch scalar {
        case "\"": "\\\""
        case "\\": "\\\\"
        case "\n": "\\n"
        case "\t": "\\t"
        case _ where scalar.value < 32 || (127..<160).contains(scalar.value):
            "\\u" + String(repeating: "0", count: scalar.value < 16 ? 3 : 2) + String(scalar.value, radix: 16)
        default: String(scalar)
        }
    }
    return "\"" + escaped.joined() + "\""
}
