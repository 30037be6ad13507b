import ArgumentParser
import Counting
import Foundation
import Platform
import Settings
import Storage
import Web

struct Backup: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Copy the state to a file, also while the daemon runs.",
        discussion: """
            The copy has everything that was counted before: numbers, history, tokens, keys of sites, and the audit. It is read back \
            before the command says that it is done; a file that is there is replaced then and not before. Keys that visitors are hashed \
            with are not in it, since they must not outlive their day.
            """)

    @Argument(help: "The file to write.", completion: .file())
    var file: String
    @OptionGroup var settingsOption: SettingsOption

    func run() throws {
        let settings = try settingsOption.load()
        // What is in the journal only goes into the database first.
        let client = try LocalClient(settingsOption)
        if try client.isAnswered() { _ = try client.ask("POST", "/api/v1/checkpoint", [String: String]()) }
        let directory = stateDirectory(settings, settingsOption)
        let contents = try orExit { () throws(StorageError) in try StateBackup.make(of: directory, to: file) }
        let size = try FileManager.default.attributesOfItem(atPath: file)[.size] as? Int ?? 0
        print(
            "\(file): \(contents.sites.count) sites as of \(contents.moment.rfc3339), \(grouped(size)) bytes, read back and right"
        )
    }
}

struct Restore: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Put a copy in the place of the state.",
        discussion: """
            The daemon must be stopped. What was there is moved into a directory beside it and never deleted. What was counted after the \
            copy was made is missing, and the audit says from when to when; today's visitors are not recognised again.
            """)

    @Argument(help: "The file that footfall backup wrote.", completion: .file())
    var file: String
    @OptionGroup var settingsOption: SettingsOption

    func run() throws {
        let settings = try settingsOption.load()
        let now = Moment(milliseconds: Clocks.wall)
        let directory = stateDirectory(settings, settingsOption)
        let (contents, aside) = try orExit { () throws(StorageError) in
            try StateBackup.restore(file, into: directory, limits: settings.limits.counting, now: now)
        }
        for site in contents.sites {
            print("\(site.name): \(grouped(site.visits)) visits, \(grouped(site.views)) views")
        }
        print("\(directory) is as it was at \(contents.moment.rfc3339)")
        if let aside { print("what was there lies in \(aside)") }
    }
}

/// Says what a state cannot do and ends the command.
private func orExit<T>(_ body: () throws(StorageError) -> T) throws -> T {
    do throws(StorageError) {
        return try body()
    } catch {
        say("\(error)")
        throw error.isPermission ? Exit.noPermission : error.isMissing ? Exit.noInput : Exit.unavailable
    }
}

/// The state that the settings name; for the service's own, where they name none, the one that systemd gives it.
func stateDirectory(_ settings: Settings, _ option: SettingsOption) -> String {
    let named = settings.state.directory
    let isService =
        option.isTheService && environment["STATE_DIRECTORY"] == nil
        && named == Settings(environment: environment).state.directory
    return isService && SystemdUnit.service != nil ? "/var/lib/footfall" : named
}
