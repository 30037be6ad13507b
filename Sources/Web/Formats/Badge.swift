import Counting
import Foundation
import NIOCore
import NIOHTTP1
import Wire

/// A number as an image: its label on the left, the number on the right.
///
/// The browser's font is unknown here, so the widths are estimated and the text is fitted to them (`textLength`).
struct Badge {
    let response: Response

    private static let height = 20
    private static let padding = 6

    /// The image of a public number of `site`, in the words and digits of a language.
    init(_ metric: String, of site: SiteReport, in language: String, for backend: any Backend) throws(Problem) {
        guard let number = PublicNumber(rawValue: metric), backend.publicNumbers(of: site.name).contains(number),
            let value = site.headline(number)
        else {
            let names = PublicNumber.allCases.filter {
                backend.publicNumbers(of: site.name).contains($0) && site.headline($0) != nil
            }
            throw Problem(
                .notFound, "Of this site these can be shown: \(names.map(\.rawValue).joined(separator: ", ")).")
        }
        let label = Labels.label(of: number, totalOf: site.totalOf, in: language)
        response = Self.image(Self.svg(label, Labels.text(value, in: language)).utf8, "image/svg+xml; charset=utf-8")
    }

    /// One transparent pixel (GIF89a).
    static let pixel = image(
        [
            0x47, 0x49, 0x46, 0x38, 0x39, 0x61, 1, 0, 1, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0x21, 0xf9, 4, 1, 0, 0, 0, 0,
            0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 1, 0, 0x3b,
        ] as [UInt8], "image/gif")

    /// An image that no cache stores and every page may show.
    private static func image(_ bytes: some Collection<UInt8>, _ type: String) -> Response {
        var response = Response(.ok, body: ByteBuffer(bytes: bytes), type: type)
        response.add("Cache-Control", "no-cache, no-store, max-age=0, must-revalidate")
        response.add("Access-Control-Allow-Origin", "*")
        response.add("Cross-Origin-Resource-Policy", "cross-origin")
        return response
    }

    private static func svg(_ label: String, _ number: String) -> String {
        let (labelWidth, numberWidth) = (width(label), width(number))
        let (left, right) = (labelWidth + 2 * padding, numberWidth + 2 * padding)
        let (label, number) = (markup(label), markup(number))
        func text(_ text: String, _ x: Int, _ width: Int) -> String {
            #"<text x="\#(x)" y="14" textLength="\#(width)" lengthAdjust="spacingAndGlyphs">\#(text)</text>"#
        }
        return """
            <svg xmlns="http://www.w3.org/2000/svg" width="\(left + right)" height="\(height)" role="img" \
            aria-label="\(label): \(number)"><title>\(label): \(number)</title>\
            <rect width="\(left)" height="\(height)" fill="#555"/>\
            <rect x="\(left)" width="\(right)" height="\(height)" fill="#0a5"/>\
            <g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">\
            \(text(label, padding, labelWidth))\(text(number, left + padding, numberWidth))</g></svg>
            """
    }

    /// The width of a text in pixels, at font size 11. Wide scripts take a square, combining marks nothing.
    private static func width(_ text: String) -> Int {
        let width = text.unicodeScalars.reduce(0.0) { sum, scalar in
            switch scalar.value {
            case 0x20, 0x2c, 0x2e, 0x3a, 0x66, 0x69, 0x6a, 0x6c, 0x72, 0x74, 0xa0, 0x202f: sum + 3.9
            case 0x4d, 0x57, 0x6d, 0x77: sum + 10
            case 0x21...0x7e: sum + 7
            case 0x1100...0x115f, 0x2e80...0xd7a3, 0xf900...0xfaff, 0xff00...0xff60: sum + 11
            default:
                scalar.properties.canonicalCombiningClass != .notReordered
                    || scalar.properties.generalCategory == .nonspacingMark ? sum : sum + 7.4
            }
        }
        return Int(width.rounded(.up))
    }
}
