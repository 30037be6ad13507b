/// The positions of keys and values in a TOML text. TOMLKit gives positions only for syntax errors.
///
/// The text has been parsed before, so it is valid here. The scan follows headers, keys, strings, brackets and comments,
/// and records the position of every key and of every entry of a list. Keys in an inline table have the position of the
/// key that holds the table.
///
/// A path is `["beacon", "listen", "1"]`; the third `[[site]]` is `["site", "2"]`.
struct SettingsPlaces {
    /// Line and column, counted from 1. Columns count Unicode scalars.
    struct Position: Comparable, Sendable {
        var line = 1
        var column = 1

        static func < (a: Position, b: Position) -> Bool { (a.line, a.column) < (b.line, b.column) }
    }

    private var places: [[String]: (key: Position, value: Position)] = [:]
    /// The number of `[[name]]` headers so far.
    private var entries: [[String]: Int] = [:]

    private let text: [Unicode.Scalar]
    private var next = 0
    private var here = Position()

    init(of text: String) {
        self.text = Array(text.unicodeScalars)
        var table: [String] = []
        while let scalar = peek {
            switch scalar {
            case "[": table = readHeader()
            case "#": skip { $0 != "\n" }
            case " ", "\t", "\r", "\n", "\u{FEFF}": advance()
            default: readKeyAndValue(in: table)
            }
        }
    }

    /// The position of a key, or of the nearest known key around it.
    func key(_ path: [String]) -> Position { nearest(path[...])?.key ?? Position() }

    /// The position of a value, or of the nearest known value around it.
    func value(_ path: [String]) -> Position { nearest(path[...])?.value ?? Position() }

    private func nearest(_ path: ArraySlice<String>) -> (key: Position, value: Position)? {
        path.isEmpty ? nil : places[Array(path)] ?? nearest(path.dropLast())
    }

    private mutating func note(_ path: [String], key: Position, value: Position) {
        if places[path] == nil { places[path] = (key, value) }
    }

    // MARK: Scanning

    private var peek: Unicode.Scalar? { next < text.count ? text[next] : nil }

    private mutating func advance() {
        here = text[next] == "\n" ? Position(line: here.line + 1) : Position(line: here.line, column: here.column + 1)
        next += 1
    }

    private mutating func skip(while isSkipped: (Unicode.Scalar) -> Bool) {
        while let scalar = peek, isSkipped(scalar) { advance() }
    }

    /// At `[` or `[[`: reads the header and returns the path of its table.
    private mutating func readHeader() -> [String] {
        let start = here
        advance()
        let isEntry = peek == "["
        if isEntry { advance() }
        var path: [String] = []
        let names = readDottedKey()
        for (depth, name) in names.enumerated() {
            path.append(name)
            note(path, key: start, value: start)
            if isEntry, depth == names.count - 1 { entries[path, default: 0] += 1 }
            if let count = entries[path] { path.append("\(count - 1)") }
        }
        note(path, key: start, value: start)
        skip { $0 != "\n" }
        return path
    }

    private mutating func readKeyAndValue(in table: [String]) {
        let start = here
        let path = table + readDottedKey()
        skip { "= \t".unicodeScalars.contains($0) }
        for depth in table.count..<path.count { note(Array(path[...depth]), key: start, value: here) }
        skipValue(path)
    }

    /// Stops at `=`, `]` or the end of the line.
    private mutating func readDottedKey() -> [String] {
        var names = [""]
        while let scalar = peek, scalar != "=", scalar != "]", scalar != "\n" {
            let start = next
            switch scalar {
            case "\"", "'":
                skipString()
                names[names.count - 1].unicodeScalars.append(contentsOf: text[start..<next].dropFirst().dropLast())
                continue
            case ".": names.append("")
            case " ", "\t", "\r": break
            default: names[names.count - 1].unicodeScalars.append(scalar)
            }
            advance()
        }
        return names
    }

    /// Skips a value to the end of its last line, and records the entries of a list.
    private mutating func skipValue(_ path: [String]) {
        var depth = 0
        var entry = 0
        let isList = peek == "["
        while let scalar = peek, depth > 0 || scalar != "\n" {
            let isEntry = isList && depth == 1 && !" \t\r\n#],".unicodeScalars.contains(scalar)
            if isEntry { note(path + ["\(entry)"], key: here, value: here) }
            switch scalar {
            case "#": skip { $0 != "\n" }
            case "\"", "'": skipString()
            default:
                if scalar == "[" || scalar == "{" { depth += 1 }
                if scalar == "]" || scalar == "}" { depth -= 1 }
                if scalar == ",", depth == 1 { entry += 1 }
                advance()
            }
        }
    }

    /// At the opening quote of any kind of string.
    private mutating func skipString() {
        let quote = text[next]
        let isTriple = text[next...].prefix(3).elementsEqual([quote, quote, quote])
        for _ in 0..<(isTriple ? 3 : 1) { advance() }
        var quotes = 0
        while let scalar = peek {
            advance()
            quotes = scalar == quote ? quotes + 1 : 0
            // Up to two quotes may stand before the closing three.
            if isTriple ? quotes >= 3 && peek != quote : quotes == 1 { return }
            if scalar == "\\", quote == "\"", peek != nil { advance() }
        }
    }
}
