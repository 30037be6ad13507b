import ArgumentParser
import Foundation
import Glibc
import Settings

struct Hit: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Send one beacon.",
        discussion: "Datagrams are never answered. With --wait, the command asks the daemon until the view is counted.")

    @Argument(help: "The site's name.", transform: siteName)
    var site: String
    @Argument(help: "The path of the page.")
    var path = "/"
    @Option(
        help: ArgumentHelp("The address to send to (default: the first in [beacon] listen).", valueName: "host:port"))
    var to: String?
    @Flag(help: "Wait until the view is counted, and show the numbers.")
    var wait = false
    @OptionGroup var settingsOption: SettingsOption

    private static let waitSeconds = 5.0

    func run() throws {
        let settings = try settingsOption.load()
        guard let address = to.map(ListenAddress.init) ?? settings.beacon.listen.first else {
            throw ValidationError("--to takes a numeric address and a port, such as 127.0.0.1:7373")
        }
        let client = try LocalClient(settingsOption)
        let before = wait ? try snapshot(client).total.views : 0
        try send(to: address)
        guard wait else { return }
        let end = Date(timeIntervalSinceNow: Self.waitSeconds)
        while Date() < end {
            let now = try snapshot(client)
            if now.total.views != before {
                print(now.text)
                return
            }
            usleep(20_000)
        }
        say(
            "no view was counted within \(Int(Self.waitSeconds)) s; the same page within a second of the last view is a "
                + "duplicate, and beacons are trusted only from [beacon] trusted")
        throw Exit.tryAgain
    }

    private func snapshot(_ client: LocalClient) throws -> SiteSnapshot {
        try decode(SiteSnapshot.self, client.get("/api/v1/sites/" + site))
    }

    private func send(to address: ListenAddress) throws {
        let visitor = "footfall-hit-\(NSUserName())"
        let beacon = "f1 s=\(encoded(site))&v=\(encoded(visitor))&u=\(encoded(path))"
        guard try DatagramSocket(to: address).send(Array(beacon.utf8)) else {
            say("cannot send to \(address)")
            throw Exit.unavailable
        }
    }

    private func encoded(_ text: String) -> String {
        text.addingPercentEncoding(
            withAllowedCharacters: .urlPathAllowed.subtracting(CharacterSet(charactersIn: "&+=")))
            ?? text
    }
}
