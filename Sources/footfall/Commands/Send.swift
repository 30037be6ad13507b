import ArgumentParser
import Counting
import Settings
import Wire

struct Send: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Send each line of standard input as a datagram: beacons, or lines of an access log.",
        discussion: """
            tail -F access.log | footfall send --log --site portal has a log counted that no server sends by itself. A line \
            longer than a datagram may be is cut, and the daemon sees that it was. A datagram is never answered: what becomes of the lines stands in the \
            numbers of the site, and why in its rejected ones.
            """)

    @Flag(help: "The lines are of an access log, not beacons.")
    var log = false
    @Option(help: "The site of the lines of a log; else they name it by their host, or [beacon] site does.")
    var site: String?
    @Option(help: ArgumentHelp("Where to send them; default the first [beacon] listen.", valueName: "host:port"))
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
        // A header of RFC 5424 that says nothing but the tag.
        let header = Array((site.map { "<190>1 - - ff_\($0) - - - " } ?? "").utf8)
        let lines = try Recording.standardInput.lines()
        while lines.advance() {
            // One byte more than may be: so the other end knows what it does not see.
            let room = Beacons.bytesMax + 1 - header.count
            let datagram = header + lines.withLine { [UInt8](copying: $0.extracting(first: max(0, room))) }
            // The answer that nobody listens comes with the next datagram, which it takes the place of.
            if !socket.send(datagram) { socket.send(datagram) }
        }
    }
}
