import ArgumentParser
import CResources
import Settings
import Web

struct Snippet: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print what to paste into a page, a web server or a program so that a site is counted.",
        discussion: """
            Prints the lines for a page, or what the flag names; for example: footfall snippet portal --nginx. A web \
            server sends its log and needs no code; a program sends one datagram per page. A program on another machine \
            signs its datagrams: give it a key from footfall key create as --key.
            """)

    @Argument(help: "The site's name.", transform: siteName)
    var site: String
    @Flag(help: "Where to paste it.")
    var place = Place.page
    @Option(
        help: "In a page: the language of the numbers and of the image's label (default: the language of the page).")
    var lang: String?
    @Flag(help: "In a page: add the hash of the script, so that browsers run no other script.")
    var sri = false
    @Flag(help: "For a page: also print its Content-Security-Policy.")
    var csp = false
    @Option(help: "In a page: where it finds the daemon, as a path on its own site or a full URL.")
    var url = "/thong-ke/"
    @Option(
        help: ArgumentHelp(
            "The address that servers and programs send to (default: the first in [beacon] listen).",
            valueName: "host:port"))
    var to: String?
    @Option(help: "The key of the site, for code on other machines.")
    var key = ""
    @OptionGroup var settingsOption: SettingsOption

    /// The places to paste into.
    enum Place: String, EnumerableFlag {
        case page, nginx, haproxy, apache, caddy, lighttpd, rsyslog
        case php, python, node, go, csharp, java, ruby, perl, bash

        static func help(for place: Place) -> ArgumentHelp? {
            switch place {
            case .page: "The lines for a page: a script, the numbers, and an image for browsers without scripts."
            case .nginx: "Settings of nginx, which sends its log by syslog."
            case .haproxy: "The same for HAProxy."
            case .apache: "The same for Apache."
            case .caddy: "The same for Caddy."
            case .lighttpd: "The same for lighttpd."
            case .rsyslog: "Settings of rsyslog, which forwards the logs of web servers."
            case .php: "Code in PHP."
            case .python: "Code in Python."
            case .node: "Code in JavaScript, for Node.js."
            case .go: "Code in Go."
            case .csharp: "Code in C#."
            case .java: "Code in Java."
            case .ruby: "Code in Ruby."
            case .perl: "Code in Perl."
            case .bash: "Code for bash."
            }
        }

        /// The template, with marks for the site's values; nil for the page, which depends on more options.
        fileprivate var template: Resource? {
            switch self {
            case .page: nil
            case .nginx: .snippetNginx
            case .haproxy: .snippetHaproxy
            case .apache: .snippetApache
            case .caddy: .snippetCaddy
            case .lighttpd: .snippetLighttpd
            case .rsyslog: .snippetRsyslog
            case .php: .snippetPhp
            case .python: .snippetPython
            case .node: .snippetNode
            case .go: .snippetGo
            case .csharp: .snippetCsharp
            case .java: .snippetJava
            case .ruby: .snippetRuby
            case .perl: .snippetPerl
            case .bash: .snippetBash
            }
        }
    }

    func validate() throws {
        if lang?.wholeMatch(of: /[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*/) == nil, lang != nil {
            throw ValidationError("a language is a tag such as vi or pt-BR")
        }
        if url.wholeMatch(of: #/(https?:\/\/[A-Za-z0-9.:\[\]-]+)?\/([A-Za-z0-9._~-]+\/)*/#) == nil {
            throw ValidationError("--url begins with / or http and ends with /, such as /thong-ke/")
        }
        if place != .page, sri || csp || lang != nil || url != "/thong-ke/" {
            throw ValidationError("--sri, --csp, --lang and --url are about the lines of a page")
        }
        if key.wholeMatch(of: /[A-Za-z0-9_-]{0,64}/) == nil {
            throw ValidationError("--key takes what footfall key create printed")
        }
    }

    func run() throws {
        guard let template = place.template else { return print(page) }
        guard let address = try to.map(ListenAddress.init) ?? settingsOption.load().beacon.listen.first else {
            throw ValidationError("--to takes a numeric address and a port, such as 127.0.0.1:7373")
        }
        // nginx allows 32 letters, digits and underscores in a syslog tag.
        let tag = "ff_" + site.replacing(".", with: "_").replacing("-", with: "_")
        if place == .nginx, tag.utf8.count > 32 {
            throw ValidationError(
                "nginx takes tags of 32 letters at most, and \(tag) has more; name the site's host in hosts of the site, or the site in "
                    + "[beacon] site, and leave the tag out")
        }
        // An IPv6 address is in brackets before a port.
        let text = String(decoding: (0..<cr_size(template)).map { cr_byte(template, $0) }, as: UTF8.self)
        let host = address.isIPv6 && text.contains("@HOST@:") ? "[\(address.host)]" : address.host
        print(
            text.replacing("@SITE@", with: site).replacing("@TAG@", with: tag).replacing("@HOST@", with: host)
                .replacing("@PORT@", with: "\(address.port)").replacing("@KEY@", with: key),
            terminator: "")
    }

    private var page: String {
        let script = url + (sri ? Widget.pinnedName : "footfall.js")
        let integrity = sri ? #" integrity="\#(Widget.integrity)" crossorigin="anonymous""# : ""
        let lang = lang?.replacing("_", with: "-")
        let language = lang.map { #" data-lang="\#($0)""# } ?? ""
        let label = lang.map { "&amp;l=\($0)" } ?? ""
        let page = """
            <!-- Counts the page and fills in the numbers: -->
            <script async src="\(script)" data-site="\(site)"\(language)\(integrity)></script>
            <!-- Where the numbers shall stand; or each by its name, as in <b data-footfall="online">–</b>: -->
            <div data-footfall></div>
            <!-- For readers without script, counted by the image; hit.gif in place of hit.svg shows nothing: -->
            <noscript><img src="\(url)hit.svg?s=\(site)&amp;show=total\(label)" alt="\(site)" \
            referrerpolicy="no-referrer-when-downgrade"></noscript>
            <!-- Elsewhere, a number as an image that counts nothing: \(url)badge/\(site)/total.svg
                 In a theme made for busuanzi, only its script's address changes: \(url)busuanzi.js?site=\(site) -->
            """
        guard csp else { return page }
        // A source that ends with a slash allows everything below it.
        let source = url.hasPrefix("http") ? url : "'self'"
        return page + """

            <!-- What the page's policy has to allow:
            Content-Security-Policy: script-src \(source); connect-src \(source); img-src \(source)
            -->
            """
    }
}
