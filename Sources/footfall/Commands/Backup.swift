import ArgumentParser
import Counting
import Foundation
import Platform
import Settings
import Storage
import Web

struct Backup: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Copy the state to a file; the daemon may be running.",
        discussion: """
            The copy contains everything that was counted before: numbers, history, tokens, keys of sites, and the \
            audit. The command reads it back before it reports success; an existing file is replaced only then. The \
            keys that hash visitors are not in it, because they must not outlive their day.
            """)

    @Argument(help: "The file to write.", completion: .file())
    var file: String
    @OptionGroup var settingsOption: SettingsOption

    func run() throws {
        let settings = try settingsOption.load()
        // First, a checkpoint moves what is only in the journal into the database.
        let client = try LocalClient(settingsOption)
        if try client.isAnswered() { _ = try client.ask("POST", "/api/v1/checkpoint", [String: String]()) }
        let directory = stateDirectory(settings, settingsOption)
        let contents = try orExit { () throws(StorageError) in try StateBackup.make(of: directory, to: file) }
        let size = try FileManager.default.attributesOfItem(atPath: file)[.size] as? Int ?? 0
        print(
            "\(file): \(counted(contents.sites.count, "site")) as of \(contents.moment.rfc3339), \(counted(size, "byte")), read back and right"
        )
    }
}

struct Restore: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Replace the state by a copy.",
        discussion: """
            The daemon must be stopped. The old state is moved to a directory beside it and never deleted. What was \
            counted after the copy was made is lost, and the audit says from when to when. Visitors of today are not \
            recognised again.
            """)

    @Argument(help: "A file from footfall backup.", completion: .file())
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
            print("\(site.name): \(counted(site.visits, "visit")), \(counted(site.views, "view"))")
        }
        print("\(directory) is as it was at \(contents.moment.rfc3339)")
        if let aside { print("what was there lies in \(aside)") }
    }
}

/// Prints an error of the state and ends the command.
private func orExit<T>(_ body: () throws(StorageError) -> T) throws -> T {
    do throws(StorageError) {
        return try body()
    } catch {
        say("\(error)")
        throw error.isPermission ? Exit.noPermission : error.isMissing ? Exit.noInput : Exit.unavailable
    }
}

/// The state directory of the settings. If they name none and are those of the service, the directory that systemd gives it.
func stateDirectory(_ settings: Settings, _ option: SettingsOption) -> String {
    let named = settings.state.directory
    let isService =
        option.isTheService && environment["STATE_DIRECTORY"] == nil
        && named == Settings(environment: environment).state.directory
    return isService && SystemdUnit.service != nil ? "/var/lib/footfall" : named
}
