import Crypto
import Foundation
import NIOHTTP1

/// What a page has to know about the script that it loads.
public enum Widget {
    private static let hash = SHA384.hash(data: Data(MinifiedScript.bytes(Assets.widget)))
    /// The name of the file that never changes: it contains a part of the file's hash.
    public static let pinnedName =
        "footfall-" + hash.prefix(6).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() + ".js"
    /// The value of the `integrity` attribute (W3C, Subresource Integrity).
    public static let integrity = "sha384-" + Data(hash).base64EncodedString()
}

/// The scripts that pages of sites load. They are part of the program, so nothing has to be installed beside it.
struct WidgetRoutes: RouteGroup {
    var routes: [Route] {
        [
            Route(.GET, "/footfall.js", .anybody, { .now(Self.widget.response(to: $0)) }) {
                RouteDescription(
                    "getWidget", .pages, "The script that pages load",
                    "Counts a page view, fills in the numbers, and pings each minute while the page is visible.",
                    isStable: true,
                    [
                        .text("The script.", type: "text/javascript", caching: .hour)
                    ])
            },
            Route(.GET, "/busuanzi.js", .anybody, { .now(Self.busuanzi.response(to: $0)) }) {
                RouteDescription(
                    "getBusuanziWidget", .pages, "The same for themes that know the counter busuanzi",
                    """
                    The script that pages load, for themes whose elements have the ids of busuanzi. The site \
                    is `s` in the script's own URL; the script reads it, not the daemon.
                    """,
                    [
                        .text("The script.", type: "text/javascript", caching: .hour)
                    ])
            },
            Route(
                .GET, "/" + Widget.pinnedName, describedAs: "/footfall-{hash}.js", .anybody,
                { .now(Self.pinned.response(to: $0)) }
            ) {
                RouteDescription(
                    "getPinnedWidget", .pages, "The script that pages load, under a name that changes with its bytes",
                    """
                    For pages that name its hash (`integrity`): `footfall snippet --sri` writes the lines. \
                    Only the present script is served.
                    """,
                    isStable: true,
                    parameters: [
                        .pathPart(
                            "hash", "The first 48 bits of the script's SHA-384.",
                            ["type": "string", "pattern": "^[0-9a-f]{12}$"])
                    ],
                    [
                        .text("The script.", type: "text/javascript", caching: .forEver),
                        .problem(404, "The script has another hash."),
                    ])
            },
        ]
    }

    private static let widget = response(Assets.widget, caching: "max-age=3600")
    /// The same script, under a name that changes with its bytes. A page that names their hash may keep it for ever.
    private static let pinned = response(
        Assets.widget, caching: "public, max-age=31536000, immutable")
    /// The same script, for themes that know the counter busuanzi. They name the site in the script's URL.
    private static let busuanzi = response(
        Assets.busuanzi + Assets.widget, caching: "max-age=3600")

    private static func response(_ script: [UInt8], caching: String) -> CachedResponse {
        CachedResponse(
            MinifiedScript.bytes(script), type: "text/javascript; charset=utf-8", caching: caching, isOpen: true)
    }
}
