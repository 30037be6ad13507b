import ArgumentParser
import Settings

struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Validate the settings and print them with every default.",
        discussion: """
            Prints the settings in force as TOML, then as comments how much memory and disk they allow. \
            An error is a line file:line:column: sentence, and exit status 78. Where systemd has sockets for the service, \
            a difference between them and the settings is a warning.
            """)

    @OptionGroup var settingsOption: SettingsOption

    func run() throws {
        let settings = try settingsOption.load()
        print(settings.effectiveTOML())
        print(settings.budgetTOML(), terminator: "")
        for warning in settings.warnings { say("warning: \(warning)") }
        if settingsOption.isTheService { for note in SystemdUnit.differences(settings) { say("warning: \(note)") } }
    }
}
