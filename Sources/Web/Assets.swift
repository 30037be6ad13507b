import Crypto
import Foundation
import NIOHTTP1
import Synchronization

/// The script that pages load, as far as a page has to know it.
public enum Widget {
    private static let hash = SHA384.hash(data: Data(Assets.packed(PackageResources.footfall_js)))
    /// The file that never changes: its name holds a part of its hash.
    public static let pinnedName =
        "footfall-" + hash.prefix(6).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() + ".js"
    /// The value of the `integrity` attribute (W3C, Subresource Integrity).
    public static let integrity = "sha384-" + Data(hash).base64EncodedString()
}

/// The files that pages load: they stand in the program, so nothing has to be installed beside it.
enum Assets {
    /// The widget, without its comments and indentation.
    static let widget = Rendered(
        packed(PackageResources.footfall_js), type: "text/javascript; charset=utf-8", caching: "max-age=3600",
        isOpen: true)
    /// The same under a name that changes with its bytes: a page that names their hash may keep it for ever.
    static let pinnedWidget = Rendered(
        packed(PackageResources.footfall_js), type: "text/javascript; charset=utf-8",
        caching: "public, max-age=31536000, immutable", isOpen: true)
    /// The same for themes that know the counter busuanzi, which say their site in the script's URL.
    static let busuanzi = Rendered(
        packed(PackageResources.busuanzi_js + PackageResources.footfall_js), type: "text/javascript; charset=utf-8",
        caching: "max-age=3600", isOpen: true)
    /// What the dashboard is made of. Asked for anew each time, since it changes with the program.
    static let dashboard = Rendered(
        packed(
            PackageResources.dashboard_words_js + PackageResources.dashboard_overview_js
                + PackageResources.dashboard_chart_js + PackageResources.dashboard_site_js),
        type: "text/javascript; charset=utf-8", caching: "no-cache")
    static let dashboardStyle = Rendered(
        PackageResources.dashboard_css, type: "text/css; charset=utf-8", caching: "no-cache")

    /// Every route and shape, for programs. Written down when it is first asked for: a start or a reload should not wait for it.
    static func openAPI(version: String) -> Rendered {
        writtenAPI.withLock { written in
            if let written, written.version == version { return written.rendered }
            var bytes = PackageResources.openapi_json
            let mark = Array("@VERSION@".utf8)
            if let start = bytes.indices.first(where: { bytes[$0] == mark[0] && bytes[$0...].starts(with: mark) }) {
                bytes.replaceSubrange(start..<start + mark.count, with: version.utf8)
            }
            let rendered = Rendered(
                bytes, type: "application/json; charset=utf-8", caching: "max-age=300", isOpen: true)
            written = (version, rendered)
            return rendered
        }
    }
    private static let writtenAPI = Mutex<(version: String, rendered: Rendered)?>(nil)

    /// The script without comments, indentation, and the spaces beside its signs, as far as it is written here: no quotes but
    /// single ones.
    fileprivate static func packed(_ script: [UInt8]) -> [UInt8] {
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
