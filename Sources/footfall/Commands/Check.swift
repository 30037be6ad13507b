import ArgumentParser
import Settings

struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check the settings and print them with all defaults.",
        discussion: """
            Prints the settings as TOML, followed by comments on how much memory and disk they allow. Each mistake is \
            a line file:line:column: sentence, and the exit status is 78. If systemd has sockets for the service, a \
            difference between them and the settings is a warning.
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
