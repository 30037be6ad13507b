import Wire
import Zones

/// How one kind of value is written: a size, a duration, an address.
struct Form<Value: Equatable & Sendable>: Sendable {
    /// Completes "must be …".
    let allowed: String
    /// Nil: refused.
    let read: @Sendable (Literal) -> Value?
    /// TOML that `read` takes.
    let write: @Sendable (Value) -> String
    /// What the text of an environment variable stands for.
    var literal: @Sendable (String) -> Literal = { .text($0) }
}

/// A value as somebody wrote it.
enum Literal: Equatable, Sendable, CustomStringConvertible {
    case text(String)
    case number(Int)
    case flag(Bool)
    case list([Literal])
    /// Anything no key takes, by the name of its type.
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

// MARK: Numbers and quantities

extension Form where Value == Bool {
    static let flag = Form(
        allowed: "true or false",
        read: { if case .flag(let flag) = $0 { flag } else { nil } },
        write: { "\($0)" },
        literal: { $0 == "true" ? .flag(true) : $0 == "false" ? .flag(false) : .text($0) })
}

extension Form where Value == Int {
    static func count(_ range: ClosedRange<Int>) -> Form {
        Form(
            allowed: "a whole number from \(range.lowerBound) to \(range.upperBound)",
            read: { if case .number(let number) = $0, range.contains(number) { number } else { nil } },
            write: { "\($0)" },
            literal: { text in Int(text.replacing("_", with: "")).map(Literal.number) ?? .text(text) })
    }

    /// Bytes.
    static func size(_ range: ClosedRange<Int>) -> Form {
        let units = Units([("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("", 1)])
        return quantity("a size", range, units, such: "64MiB", isPlain: true)
    }

    static func rate(perSecond range: ClosedRange<Int>) -> Form {
        quantity("a rate", range, Units([("/s", 1)]), such: "20/s")
    }
}

extension Form where Value == Int64 {
    static func duration(milliseconds range: ClosedRange<Int64>) -> Form {
        let units = Units([("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)])
        return quantity("a duration", range, units, such: "250ms")
    }

    static func duration(seconds range: ClosedRange<Int64>) -> Form {
        quantity("a duration", range, Units([("h", 3600), ("m", 60), ("s", 1)]), such: "5m")
    }
}

extension Form where Value: FixedWidthInteger {
    /// A number with a unit behind it; a bare one too where it `isPlain`.
    private static func quantity(
        _ what: String, _ range: ClosedRange<Value>, _ units: Units, such example: String, isPlain: Bool = false
    ) -> Form {
        let allowed = "\(units.write(Int(range.lowerBound))) to \(units.write(Int(range.upperBound)))"
        return Form(
            allowed: "\(what) from \(allowed), such as \"\(example)\"",
            read: { literal in
                let number: Int? =
                    switch literal {
                    case .number(let number) where isPlain: number
                    case .text(let text): units.read(text)
                    default: nil
                    }
                return number.map { Value($0) }.flatMap { range.contains($0) ? $0 : nil }
            },
            write: { quoted(units.write(Int($0))) })
    }
}

/// Whole numbers with a unit behind them, largest unit first.
struct Units: Sendable {
    private let units: [(name: String, factor: Int)]

    init(_ units: [(name: String, factor: Int)]) { self.units = units }

    func read(_ text: String) -> Int? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let number = Int(digits), let unit = units.first(where: { $0.name == text[digits.endIndex...] })
        else { return nil }
        let (product, overflow) = number.multipliedReportingOverflow(by: unit.factor)
        return overflow ? nil : product
    }

    /// In the largest unit that comes out even.
    func write(_ number: Int) -> String {
        let unit = units.first { number % $0.factor == 0 && number >= $0.factor } ?? units[units.count - 1]
        return "\(number / unit.factor)\(unit.name)"
    }
}

// MARK: Names and places

extension Form where Value == String {
    private static func text(_ allowed: String, _ accepted: @escaping @Sendable (String) -> String?) -> Form {
        Form(
            allowed: allowed, read: { if case .text(let text) = $0 { accepted(text) } else { nil } },
            write: { quoted($0) })
    }

    static let siteName = text("1 to 64 of a-z 0-9 . _ -") { isSiteName(Array($0.utf8).span) ? $0 : nil }
    static let optionalSiteName = text("the name of a [[site]], or \"\"") {
        $0.isEmpty || isSiteName(Array($0.utf8).span) ? $0 : nil
    }
    static let host = text(
        "a host name such as \"portal.example.gov.vn\", without scheme, port or path; a name in other letters as xn--…"
    ) {
        hostName($0)
    }
    /// Without a leading `www.`, which makes no other site.
    static let siteHost = text(host.allowed) {
        hostName($0).flatMap { hostName($0.hasPrefix("www.") ? String($0.dropFirst(4)) : $0) }
    }
    static let timezone = text("a time zone this machine knows, such as \"Asia/Ho_Chi_Minh\"") {
        Zone(named: $0) == nil ? nil : $0
    }
    static let network = text("an address or network such as \"127.0.0.1\" or \"10.0.0.0/8\"") {
        Networks([$0]) == nil ? nil : $0.lowercased()
    }
    static let directory = text("an absolute path") { $0.hasPrefix("/") ? $0 : nil }
    static let fileExtension = text("a file extension without its dot, such as \"css\"") { text in
        let name = text.lowercased()
        return (1...16).contains(name.utf8.count) && name.utf8.allSatisfy(isLetterOrDigit) ? name : nil
    }
    static let agentWord = text("a part of an agent such as \"StatusCheck\": 3 to 64 printable ASCII characters") {
        word in
        (3...64).contains(word.utf8.count) && word.utf8.allSatisfy { (32...126).contains($0) } ? word : nil
    }

    static let queryKey = text("a query key such as \"id\": 1 to 64 visible ASCII characters but & = # ? %") { key in
        let isVisible = key.utf8.allSatisfy { (33...126).contains($0) && !"&=#?%".utf8.contains($0) }
        return (1...64).contains(key.utf8.count) && isVisible ? key : nil
    }

    /// Lower case; an international name is written in its `xn--` form, an address as it stands.
    private static func hostName(_ text: String) -> String? {
        let name = text.lowercased()
        if NetworkAddress(Array(name.utf8).span) != nil { return name }
        let labels = name.split(separator: ".", omittingEmptySubsequences: false)
        let isName = labels.allSatisfy { label in
            (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
                && label.utf8.allSatisfy { isLetterOrDigit($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }
        }
        return isName && name.utf8.count <= 253 ? name : nil
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}

extension Form {
    /// One of a closed list of words.
    static func oneOf(_ words: [(word: String, value: Value)]) -> Form {
        Form(
            allowed: "one of " + words.map { quoted($0.word) }.joined(separator: ", "),
            read: { literal in words.first { literal == .text($0.word) }?.value },
            write: { value in quoted(words.first { $0.value == value }?.word ?? "") })
    }
}
