/// `57,998`.
public func grouped(_ number: some BinaryInteger) -> String {
    let digits = Array(String(number.magnitude))
    let groups = stride(from: digits.count, to: 0, by: -3).map { String(digits[max(0, $0 - 3)..<$0]) }
    return (number < 0 ? "-" : "") + groups.reversed().joined(separator: ",")
}

/// `1 visit`, `57,998 visits`.
public func counted(_ number: some BinaryInteger, _ noun: String) -> String {
    "\(grouped(number)) \(noun)\(number.magnitude == 1 ? "" : "s")"
}

/// A field of a CSV file: quoted, and never a formula in a spreadsheet.
public func csvField(_ text: String) -> String {
    // By scalars: among characters, a combining mark would hide a quote.
    let scalars = text.unicodeScalars
    var field = "\""
    if let first = scalars.first, "=+-@\t\r".unicodeScalars.contains(first) { field += "'" }
    for scalar in scalars { field += scalar == "\"" ? "\"\"" : String(scalar) }
    return field + "\""
}

/// Text for HTML and XML, also between quotes. By scalars: among characters, a combining mark would hide a `<`.
func markup(_ text: String) -> String {
    text.unicodeScalars.reduce(into: "") { out, scalar in
        switch scalar {
        case "&": out += "&amp;"
        case "<": out += "&lt;"
        case ">": out += "&gt;"
        case "\"": out += "&quot;"
        default: out.unicodeScalars.append(scalar)
        }
    }
}
