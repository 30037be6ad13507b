import Wire

/// The format of one kind of value: a size, a duration, an address.
struct ValueFormat<Value: Equatable & Sendable>: Sendable {
    /// Completes "must be …".
    let allowed: String
    /// Parses a value; nil if it is refused.
    let read: @Sendable (TOMLValue) -> Value?
    /// Writes TOML that `read` accepts.
    let write: @Sendable (Value) -> String
    /// Parses the text of an environment variable.
    var fromEnvironment: @Sendable (String) -> TOMLValue = { .text($0) }
}

// MARK: Numbers and quantities

extension ValueFormat where Value == Bool {
    static let flag = ValueFormat(
        allowed: "true or false",
        read: { if case .flag(let flag) = $0 { flag } else { nil } },
        write: { "\($0)" },
        fromEnvironment: { $0 == "true" ? .flag(true) : $0 == "false" ? .flag(false) : .text($0) })
}

extension ValueFormat where Value == Int {
    static func count(_ range: ClosedRange<Int>) -> ValueFormat {
        ValueFormat(
            allowed: "a whole number from \(range.lowerBound) to \(range.upperBound)",
            read: { if case .number(let number) = $0, range.contains(number) { number } else { nil } },
            write: { "\($0)" },
            fromEnvironment: { text in Int(text.replacing("_", with: "")).map(TOMLValue.number) ?? .text(text) })
    }

    /// A number of bytes.
    static func size(_ range: ClosedRange<Int>) -> ValueFormat {
        let units = Units([("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("", 1)])
        return quantity("a size", range, units, such: "64MiB", isPlain: true)
    }

    static func rate(perSecond range: ClosedRange<Int>) -> ValueFormat {
        quantity("a rate", range, Units([("/s", 1)]), such: "20/s")
    }
}

extension ValueFormat where Value == Int64 {
    static func duration(milliseconds range: ClosedRange<Int64>) -> ValueFormat {
        let units = Units([("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)])
        return quantity("a duration", range, units, such: "250ms")
    }

    static func duration(seconds range: ClosedRange<Int64>) -> ValueFormat {
        quantity("a duration", range, Units([("h", 3600), ("m", 60), ("s", 1)]), such: "5m")
    }
}

extension ValueFormat where Value: FixedWidthInteger {
    /// A number with a unit; if it `isPlain`, also without one.
    private static func quantity(
        _ what: String, _ range: ClosedRange<Value>, _ units: Units, such example: String, isPlain: Bool = false
    ) -> ValueFormat {
        let allowed = "\(units.write(Int(range.lowerBound))) to \(units.write(Int(range.upperBound)))"
        return ValueFormat(
            allowed: "\(what) from \(allowed), such as \"\(example)\"",
            read: { value in
                let number: Int? =
                    switch value {
                    case .number(let number) where isPlain: number
                    case .text(let text): units.read(text)
                    default: nil
                    }
                return number.map { Value($0) }.flatMap { range.contains($0) ? $0 : nil }
            },
            write: { quoted(units.write(Int($0))) })
    }
}

/// Whole numbers with a unit; the largest unit is first.
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

    /// Uses the largest unit that gives a whole number.
    func write(_ number: Int) -> String {
        let unit = units.first { number % $0.factor == 0 && number >= $0.factor } ?? units[units.count - 1]
        return "\(number / unit.factor)\(unit.name)"
    }
}

// MARK: Names and places

extension ValueFormat where Value == String {
    private static func text(_ allowed: String, _ accepted: @escaping @Sendable (String) -> String?) -> ValueFormat {
        ValueFormat(
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
    /// Without a leading `www.`, because that is the same site.
    static let siteHost = text(host.allowed) {
        hostName($0).flatMap { hostName($0.hasPrefix("www.") ? String($0.dropFirst(4)) : $0) }
    }
    static func timezone(_ isKnown: @escaping @Sendable (String) -> Bool) -> ValueFormat {
        text("a time zone this machine knows, such as \"Asia/Ho_Chi_Minh\"") { isKnown($0) ? $0 : nil }
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

    /// A host name or address in lower case. International names must be written as `xn--…`.
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

extension ValueFormat {
    /// One of a fixed list of words.
    static func oneOf(_ words: [(word: String, value: Value)]) -> ValueFormat {
        ValueFormat(
            allowed: "one of " + words.map { quoted($0.word) }.joined(separator: ", "),
            read: { found in words.first { found == .text($0.word) }?.value },
            write: { value in quoted(words.first { $0.value == value }?.word ?? "") })
    }
}
