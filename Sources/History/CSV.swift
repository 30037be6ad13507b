public import Foundation

/// Why a text cannot be imported.
public struct UnreadableTable: Error, Equatable {
    /// What is wrong with the text; it follows the file's name and a colon.
    public let reason: String

    /// A text that cannot be imported for this reason.
    public init(reason: String) { self.reason = reason }
}

/// Reads the rows of a CSV text (RFC 4180) one by one. A quoted field may contain commas, doubled quotes and line ends.
/// Only one row is in memory at a time; a row has at most `bytesMax` bytes.
public struct CSV {
    /// The line on which the last row begins, counted from 1.
    public private(set) var line = 1
    private var lineEnds = 0
    private let more: () throws -> Data?
    private var bytes: Data
    private var place: Int
    private static let bytesMax = 1 << 20

    /// A text that is read in pieces; nil or an empty piece is the end.
    public init(_ more: @escaping () throws -> Data?) {
        self.more = more
        bytes = Data()
        place = 0
    }

    /// A text in memory.
    public init(_ text: Data) {
        self.init { nil }
        bytes = text
        place = text.startIndex
    }

    private mutating func peek() throws(UnreadableTable) -> UInt8? {
        if place == bytes.endIndex {
            do {
                bytes = try more() ?? Data()
            } catch {
                throw UnreadableTable(reason: error.localizedDescription)
            }
            place = bytes.startIndex
        }
        return place < bytes.endIndex ? bytes[place] : nil
    }

    /// The next row that is not empty.
    mutating func next() throws(UnreadableTable) -> [String]? {
        var row: [String] = []
        var field: [UInt8] = []
        var isQuoted = false
        var count = 0
        line = lineEnds + 1
        func ended() -> String {
            let text = String(decoding: field, as: UTF8.self)
            // Exports put a quote before a field that a spreadsheet could take for a formula.
            return text.hasPrefix("'") && text.count > 1 ? String(text.dropFirst()) : text
        }
        while let byte = try peek() {
            place += 1
            count += 1
            if byte == 0x0a { lineEnds += 1 }
            guard count <= Self.bytesMax else { throw UnreadableTable(reason: "line \(line) does not end") }
            switch byte {
            case 0x22 where isQuoted:
                if try peek() == 0x22 {
                    field.append(byte)
                    place += 1
                } else {
                    isQuoted = false
                }
            case 0x22 where field.isEmpty: isQuoted = true
            case 0x2c where !isQuoted:
                row.append(ended())
                field.removeAll(keepingCapacity: true)
            case 0x0d where !isQuoted: if try peek() != 0x0a { field.append(byte) }
            case 0x0a where !isQuoted:
                row.append(ended())
                if row != [""] { return row }
                row = []
                field.removeAll(keepingCapacity: true)
                line = lineEnds + 1
                count = 0
            default:
                field.append(byte)
                // Skip a byte order mark.
                if line == 1, field == [0xef, 0xbb, 0xbf], row.isEmpty { field = [] }
            }
        }
        row.append(ended())
        return row == [""] ? nil : row
    }
}
