/// A script of `Assets` as browsers load it.
enum MinifiedScript {
    /// The script without comments, indentation, and spaces beside its signs. Works only for our own scripts, which use
    /// only single quotes.
    static func bytes(_ script: [UInt8]) -> [UInt8] {
        let lines = script.split(separator: UInt8(ascii: "\n")).map { $0.drop { $0 == UInt8(ascii: " ") } }
        let text = Array(
            lines.filter { !$0.isEmpty && !$0.starts(with: "//".utf8) }.joined(separator: "\n".utf8))
        var packed: [UInt8] = []
        var isQuoted = false
        for (i, byte) in text.enumerated() {
            if byte == UInt8(ascii: "'") { isQuoted.toggle() }
            let isBesideSign = i > 0 && signs.contains(text[i - 1]) || i + 1 < text.count && signs.contains(text[i + 1])
            if byte != UInt8(ascii: " ") || isQuoted || !isBesideSign { packed.append(byte) }
        }
        return packed
    }

    private static let signs = Set("=><{}(),:?|&+!;".utf8)
}
