import Foundation
import Settings

/// A systemd unit of Footfall on this machine.
struct SystemdUnit {
    let name: String
    private let properties: [String: [String]]

    /// Nil if there is no systemd, or if it does not know the unit.
    init?(_ name: String) {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/systemctl")
        process.arguments = ["show", name]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        do {
            try process.run()
        } catch {
            return nil
        }
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        self.name = name
        properties = text.split(separator: "\n").reduce(into: [:]) { properties, line in
            let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            if parts.count == 2 { properties[parts[0], default: []].append(parts[1]) }
        }
        guard !["", "not-found"].contains(self["LoadState"]) else { return nil }
    }

    static var service: SystemdUnit? { SystemdUnit("footfall.service") }
    static var beacons: SystemdUnit? { SystemdUnit("footfall-beacon.socket") }
    static var http: SystemdUnit? { SystemdUnit("footfall-http.socket") }

    subscript(_ property: String) -> String { properties[property]?.first ?? "" }

    /// The operator has disabled it for good.
    var isMasked: Bool { self["LoadState"] == "masked" }
    var isActive: Bool { self["ActiveState"] == "active" }

    /// Where a socket unit listens: `Listen=127.0.0.1:7373 (Datagram)`.
    var addresses: [String] { (properties["Listen"] ?? []).map { String($0.prefix { $0 != " " }) } }

    /// Addresses in the settings that differ from those of the units, a sentence each.
    static func differences(_ settings: Settings) -> [String] {
        settings.differences(beacons: beacons?.addresses ?? [], http: http?.addresses.first ?? "")
    }
}
