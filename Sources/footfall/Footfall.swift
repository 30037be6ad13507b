import ArgumentParser
import Settings
import Zones

/// The one binary: a daemon, and the commands that talk to it or do its work on files.
@main
struct Footfall: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "footfall",
        abstract: "Counts who is online now and how many visits there have been, exactly.",
        version: version,
        subcommands: [
            Serve.self, Count.self, Hit.self, Stats.self, TopCommand.self, Sites.self, SiteCommand.self, Start.self,
            Correct.self, AuditCommand.self, Token.self, Key.self, Snippet.self, Send.self, Setup.self, Check.self,
            Doctor.self, Export.self, Import.self, Backup.self, Restore.self, Demo.self,
        ])

    static let version = "0.1.0"
}

/// Where the settings are, for every command that needs them.
struct SettingsOption: ParsableArguments {
    @Option(
        name: [.customShort("c"), .customLong("config")],
        help: ArgumentHelp(
            "The settings file; default /etc/footfall/footfall.toml, and for count none.", valueName: "file"))
    var config: String?

    /// They are those of the service, as far as this command can tell.
    var isTheService: Bool { config == nil || config == Settings.defaultFile }

    /// The settings, or everything that is wrong with them.
    func read() throws(SettingsError) -> Settings {
        let zones = TimeZones(machine: Zone.machine) { Zone(named: $0) != nil }
        return try Settings.load(file: config, environment: environment, zones: zones)
    }

    /// The settings, or every problem on standard error and exit status 78.
    func load() throws -> Settings {
        do {
            return try read()
        } catch {
            say("\(error)")
            throw Exit.configuration
        }
    }
}
