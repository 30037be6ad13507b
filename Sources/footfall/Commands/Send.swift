import ArgumentParser
import Wire

struct Send: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Send each line of standard input as a datagram: beacons, or lines of an access log.",
        discussion: """
            tail -F access.log | footfall send --log --site portal has a log counted that no server sends by itself. A line \
            longer than a datagram may be is cut. A datagram is never answered: what becomes of the lines stands in the \
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
        let header = site.map { "<190>1 - - ff_\($0) - - - " } ?? ""
        while let line = readLine() {
            let datagram = Array((header + line).utf8.prefix(Beacons.bytesMax))
            guard !line.isEmpty else { continue }
            // Refused while nobody listens: the next line may find somebody.
            socket.send(datagram)
        }
    }
}
