import ArgumentParser
import Settings
import Zones

/// The program: a daemon, and commands that talk to it or work on files.
@main
struct Footfall: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "footfall",
        abstract: "Counts who is online now and how many visits there have been, exactly.",
        version: version,
        groupedSubcommands: [
            CommandGroup(
                name: "Setup",
                subcommands: [
                    Serve.self, Demo.self, Setup.self, SiteCommand.self, Sites.self, Snippet.self, Check.self,
                    Doctor.self,
                ]),
            CommandGroup(name: "Counting", subcommands: [Hit.self, Send.self, Count.self]),
            CommandGroup(name: "Report", subcommands: [Stats.self, TopCommand.self, AuditCommand.self, Export.self]),
            CommandGroup(name: "Change", subcommands: [Start.self, Correct.self, Import.self]),
            CommandGroup(
                name: "Safety", subcommands: [Backup.self, Restore.self, Token.self, Key.self]),
        ])

    static let version = "0.1.0"
}

/// The option for the settings file, for every command that needs settings.
struct SettingsOption: ParsableArguments {
    @Option(
        name: [.customShort("c"), .customLong("config")],
        help: ArgumentHelp(
            "The settings file (default: /etc/footfall/footfall.toml; for count: none).", valueName: "file"))
    var config: String?

    /// Probably the settings of the systemd service.
    var isTheService: Bool { config == nil || config == Settings.defaultFile }

    /// The settings, or everything that is wrong with them.
    func read() throws(SettingsError) -> Settings {
        let zones = TimeZones(machine: Zone.machine) { Zone(named: $0) != nil }
        return try Settings.load(file: config, environment: environment, zones: zones)
    }

    /// The settings. Prints all problems to standard error and exits with status 78 if there are any.
    func load() throws -> Settings {
        do {
            return try read()
        } catch {
            say("\(error)")
            throw Exit.configuration
        }
    }
}
