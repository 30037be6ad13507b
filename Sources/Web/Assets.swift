import NIOHTTP1

/// The files that pages load: they stand in the program, so nothing has to be installed beside it.
enum Assets {
    /// The widget, without its comments and indentation.
    static let widget = Rendered(
        packed(PackageResources.footfall_js), type: "text/javascript; charset=utf-8", caching: "max-age=3600",
        isOpen: true)
    /// The style of the page of totals.
    static let totalsStyle = Rendered(
        PackageResources.totals_css, type: "text/css; charset=utf-8", caching: "max-age=3600")

    private static func packed(_ script: [UInt8]) -> [UInt8] {
        let lines = script.split(separator: UInt8(ascii: "\n")).map { $0.drop { $0 == UInt8(ascii: " ") } }
        return Array(lines.filter { !$0.isEmpty && !$0.starts(with: "//".utf8) }.joined(separator: "\n".utf8))
    }
}
