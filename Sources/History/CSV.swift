public import Foundation

/// Why a text is no table that can be taken over.
public struct UnreadableTable: Error, Equatable {
    /// What is wrong with it, to stand behind its name and a colon.
    public let reason: String

    /// It cannot be read for this reason.
    public init(reason: String) { self.reason = reason }
}

/// Rows of RFC 4180, one after the other: fields in quotes may hold commas, quotes that are doubled, and line ends. A row is
/// all of a text that is held, and none is longer than `bytesMax`.
public struct CSV {
    /// Where the last row begins, from 1.
    public private(set) var line = 1
    private var lineEnds = 0
    private let more: () throws -> Data?
    private var bytes: Data
    private var place: Int
    private static let bytesMax = 1 << 20

    /// A text that comes in pieces, each when the one before was read; nil or an empty one is the end.
    public init(_ more: @escaping () throws -> Data?) {
        self.more = more
        bytes = Data()
        place = 0
    }

    /// A text that is all there.
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
            // What a table for spreadsheets has in front of a field that could be a formula.
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
                // The mark that some begin a text with.
                if line == 1, field == [0xef, 0xbb, 0xbf], row.isEmpty { field = [] }
            }
        }
        row.append(ended())
        return row == [""] ? nil : row
    }
}
