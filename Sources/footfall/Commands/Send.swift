import ArgumentParser
import Counting
import Settings
import Wire

struct Send: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Send each line of standard input as a datagram: beacons, or lines of an access log.",
        discussion: """
            Use it for a log that no server sends by itself: tail -F access.log | footfall send --log --site portal. A \
            line that is longer than a datagram is cut, and the daemon notices it. Datagrams are never answered; see \
            the numbers of the site for the result, and its rejected lines for the reasons.
            """)

    @Flag(help: "The lines are from an access log; they are not beacons.")
    var log = false
    @Option(help: "The site of the log lines (default: the site of their host, or [beacon] site).")
    var site: String?
    @Option(
        help: ArgumentHelp("The address to send to (default: the first in [beacon] listen).", valueName: "host:port"))
    var to: String?
    @OptionGroup var settingsOption: SettingsOption

    func validate() throws {
        if let site { _ = try siteName(site) }
        if site != nil, !log { throw ValidationError("--site goes with --log: a beacon names its site itself") }
    }

    func run() throws {
        guard let address = try to.map(ListenAddress.init) ?? settingsOption.load().beacon.listen.first else {
            throw ValidationError("--to takes a numeric address and a port, such as 127.0.0.1:7373")
        }
        let socket = try DatagramSocket(to: address)
        // A header of RFC 5424 with nothing but the tag.
        let header = Array((site.map { "<190>1 - - ff_\($0) - - - " } ?? "").utf8)
        let lines = try Recording.standardInput.lines()
        while lines.advance() {
            // One byte too many, so that the daemon notices the cut.
            let room = Beacons.bytesMax + 1 - header.count
            let datagram = header + lines.withLine { [UInt8](copying: $0.extracting(first: max(0, room))) }
            // An error of the last datagram is reported here in place of sending this one.
            if !socket.send(datagram) { socket.send(datagram) }
        }
    }
}
