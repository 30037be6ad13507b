/// A JSON value (RFC 8259). The members of an object keep the order they were written in.
public enum JSON: Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    /// Written in the shortest form that reads back the same; a value that is not finite becomes `null`.
    case decimal(Double)
    case string(String)
    case array([JSON])
    case object(JSONObject)

    /// A whole number. One outside the range of `Int64` becomes the nearest limit.
    public init(_ number: some BinaryInteger) { self = .integer(Int64(clamping: number)) }
    /// A text.
    public init(_ text: String) { self = .string(text) }

    /// The value as compact JSON.
    public var text: String { String(decoding: bytes, as: UTF8.self) }

    /// The value as compact JSON in UTF-8.
    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        write(to: &bytes)
        return bytes
    }

    /// The value over several lines, for people; `level` is its depth in the surrounding text.
    func indentedBytes(level: Int = 0) -> [UInt8] {
        var bytes: [UInt8] = []
        writeIndented(to: &bytes, level)
        return bytes
    }

    private func writeIndented(to out: inout [UInt8], _ level: Int) {
        func newLine(_ level: Int) { out += "\n\(String(repeating: "  ", count: level))".utf8 }
        switch self {
        case .array(let values) where !values.isEmpty:
            out.append(UInt8(ascii: "["))
            for (i, value) in values.enumerated() {
                if i > 0 { out.append(UInt8(ascii: ",")) }
                newLine(level + 1)
                value.writeIndented(to: &out, level + 1)
            }
            newLine(level)
            out.append(UInt8(ascii: "]"))
        case .object(let object) where !object.members.isEmpty:
            out.append(UInt8(ascii: "{"))
            for (i, member) in object.members.enumerated() {
                if i > 0 { out.append(UInt8(ascii: ",")) }
                newLine(level + 1)
                Self.quote(member.name, to: &out)
                out += ": ".utf8
                member.value.writeIndented(to: &out, level + 1)
            }
            newLine(level)
            out.append(UInt8(ascii: "}"))
        default: write(to: &out)
        }
    }

    fileprivate func write(to out: inout [UInt8]) {
        switch self {
        case .null: out.append(contentsOf: "null".utf8)
        case .bool(let value): out.append(contentsOf: (value ? "true" : "false").utf8)
        case .integer(let value): out.append(contentsOf: String(value).utf8)
        case .decimal(let value): out.append(contentsOf: (value.isFinite ? "\(value)" : "null").utf8)
        case .string(let value): Self.quote(value, to: &out)
        case .array(let values): Self.list(values, between: "[", "]", to: &out) { $0.write(to: &$1) }
        case .object(let object):
            Self.list(object.members, between: "{", "}", to: &out) { member, out in
                Self.quote(member.name, to: &out)
                out.append(UInt8(ascii: ":"))
                member.value.write(to: &out)
            }
        }
    }

    private static func list<Element>(
        _ elements: [Element], between open: Unicode.Scalar, _ close: Unicode.Scalar, to out: inout [UInt8],
        each write: (Element, inout [UInt8]) -> Void
    ) {
        out.append(UInt8(ascii: open))
        for (i, element) in elements.enumerated() {
            if i > 0 { out.append(UInt8(ascii: ",")) }
            write(element, &out)
        }
        out.append(UInt8(ascii: close))
    }

    private static func quote(_ text: String, to out: inout [UInt8]) {
        out.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): out.append(contentsOf: [UInt8(ascii: "\\"), byte])
            case UInt8(ascii: "\n"): out.append(contentsOf: "\\n".utf8)
            case UInt8(ascii: "\r"): out.append(contentsOf: "\\r".utf8)
            case UInt8(ascii: "\t"): out.append(contentsOf: "\\t".utf8)
            case 0..<0x20: out.append(contentsOf: "\\u00\(byte < 16 ? "0" : "")\(String(byte, radix: 16))".utf8)
            default: out.append(byte)
            }
        }
        out.append(UInt8(ascii: "\""))
    }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    /// A text.
    public init(stringLiteral text: String) { self = .string(text) }
    /// A whole number.
    public init(integerLiteral number: Int64) { self = .integer(number) }
    /// True or false.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    /// An array of values.
    public init(arrayLiteral elements: JSON...) { self = .array(elements) }
    /// An object with its members in the order of the literal.
    public init(dictionaryLiteral elements: (String, JSON)...) {
        var object: JSONObject = [:]
        for (name, value) in elements { object.append(name, value) }
        self = .object(object)
    }
}

/// The members of a JSON object, in the order they were appended.
public struct JSONObject: Sendable, ExpressibleByDictionaryLiteral {
    /// Names and values. A name appended twice appears twice.
    public private(set) var members: [(name: String, value: JSON)] = []

    /// The members in the order of the literal.
    public init(dictionaryLiteral elements: (String, JSON)...) {
        members = elements.map { (name: $0.0, value: $0.1) }
    }

    /// Adds a member at the end.
    public mutating func append(_ name: String, _ value: JSON) { members.append((name, value)) }

    /// The object as compact JSON.
    public var text: String { JSON.object(self).text }
}
