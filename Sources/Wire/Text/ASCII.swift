import Counting

// Named bytes, so that comparisons read like text.

extension UInt8 {
    @inline(__always) static var space: UInt8 { UInt8(ascii: " ") }
    @inline(__always) static var tab: UInt8 { UInt8(ascii: "\t") }
    @inline(__always) static var lineFeed: UInt8 { UInt8(ascii: "\n") }
    @inline(__always) static var carriageReturn: UInt8 { UInt8(ascii: "\r") }
    @inline(__always) static var quote: UInt8 { UInt8(ascii: "\"") }
    @inline(__always) static var apostrophe: UInt8 { UInt8(ascii: "'") }
    @inline(__always) static var backslash: UInt8 { UInt8(ascii: "\\") }
    @inline(__always) static var percent: UInt8 { UInt8(ascii: "%") }
    @inline(__always) static var plus: UInt8 { UInt8(ascii: "+") }
    @inline(__always) static var ampersand: UInt8 { UInt8(ascii: "&") }
    @inline(__always) static var equals: UInt8 { UInt8(ascii: "=") }
    @inline(__always) static var slash: UInt8 { UInt8(ascii: "/") }
    @inline(__always) static var colon: UInt8 { UInt8(ascii: ":") }
    @inline(__always) static var semicolon: UInt8 { UInt8(ascii: ";") }
    @inline(__always) static var dot: UInt8 { UInt8(ascii: ".") }
    @inline(__always) static var comma: UInt8 { UInt8(ascii: ",") }
    @inline(__always) static var dash: UInt8 { UInt8(ascii: "-") }
    @inline(__always) static var underscore: UInt8 { UInt8(ascii: "_") }
    @inline(__always) static var numberSign: UInt8 { UInt8(ascii: "#") }
    @inline(__always) static var questionMark: UInt8 { UInt8(ascii: "?") }
    @inline(__always) static var atSign: UInt8 { UInt8(ascii: "@") }
    @inline(__always) static var openBracket: UInt8 { UInt8(ascii: "[") }
    @inline(__always) static var closeBracket: UInt8 { UInt8(ascii: "]") }
    @inline(__always) static var openBrace: UInt8 { UInt8(ascii: "{") }
    @inline(__always) static var closeBrace: UInt8 { UInt8(ascii: "}") }
    @inline(__always) static var bar: UInt8 { UInt8(ascii: "|") }
    @inline(__always) static var less: UInt8 { UInt8(ascii: "<") }
    @inline(__always) static var greater: UInt8 { UInt8(ascii: ">") }
    @inline(__always) static var nul: UInt8 { 0 }
    @inline(__always) static var backspace: UInt8 { 8 }
    @inline(__always) static var verticalTab: UInt8 { 11 }
    @inline(__always) static var formFeed: UInt8 { 12 }
    @inline(__always) static var delete: UInt8 { 127 }
}

/// Two ASCII characters as `Span.pair` reads them.
@inline(__always)
func pair(_ first: Unicode.Scalar, _ second: Unicode.Scalar) -> UInt16 {
    UInt16(UInt8(ascii: first)) | UInt16(UInt8(ascii: second)) &<< 8
}

extension Span<UInt8> {
    /// True if these two ASCII characters are at `place`, inside the span.
    @inline(__always)
    func holds(_ first: Unicode.Scalar, _ second: Unicode.Scalar, at place: Int) -> Bool {
        pair(at: place) == Wire.pair(first, second)
    }
}

@inline(__always)
func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }

@inline(__always)
func isUpper(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "A") < 26 }

@inline(__always)
func isLower(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "a") < 26 }

@inline(__always)
func isLowerOrDigit(_ byte: UInt8) -> Bool { isLower(byte) || isDigit(byte) }

@inline(__always)
func isAlphanumeric(_ byte: UInt8) -> Bool { isLowerOrDigit(lowercased(byte)) }

/// `A`…`Z` as `a`…`z`; every other byte unchanged.
@inline(__always)
func lowercased(_ byte: UInt8) -> UInt8 { isUpper(byte) ? byte &+ (UInt8(ascii: "a") &- UInt8(ascii: "A")) : byte }

/// Printable ASCII, including the space.
@inline(__always)
func isPrintable(_ byte: UInt8) -> Bool { byte &- .space <= UInt8(ascii: "~") &- .space }

/// 0…15 for a hexadecimal digit of either case.
@inline(__always)
func hexValue(_ byte: UInt8) -> UInt8? {
    if isDigit(byte) { return byte &- UInt8(ascii: "0") }
    let letter = lowercased(byte) &- UInt8(ascii: "a")
    return letter < 6 ? letter &+ 10 : nil
}
