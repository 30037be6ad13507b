import Foundation
import Settings

/// A machine whose own zone is Asia/Tokyo.
let zones = TimeZones(machine: "Asia/Tokyo") { ["UTC", "Asia/Tokyo", "Asia/Ho_Chi_Minh"].contains($0) }

/// The settings of one file.
func load(_ toml: String, _ environment: [String: String] = [:]) throws -> Settings {
    let folder = try SettingsFolder()
    try folder.write("footfall.toml", toml)
    return try folder.load(environment)
}

/// What is wrong with the settings of one file.
func problems(of toml: String, _ environment: [String: String] = [:]) throws -> String {
    let folder = try SettingsFolder()
    try folder.write("footfall.toml", toml)
    return folder.problems(environment)
}

/// A folder of settings files that is gone when the test is over.
struct SettingsFolder: ~Copyable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appending(path: "footfall-test-\(UUID())").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    /// Writes a file, and makes the folder that it lies in.
    func write(_ name: String, _ text: String) throws {
        let file = URL(filePath: path).appending(path: name)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
    }

    func load(
        _ environment: [String: String] = [:], file: String = "footfall.toml"
    ) throws(SettingsError) -> Settings {
        try Settings.load(file: path + "/" + file, environment: environment, zones: zones)
    }

    /// Every problem, a line each, with the names of files in this folder; empty where there is none.
    func problems(_ environment: [String: String] = [:], file: String = "footfall.toml") -> String {
        do throws(SettingsError) {
            _ = try load(environment, file: file)
            return ""
        } catch {
            return error.description.replacing(path + "/", with: "")
        }
    }

    deinit {
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch {
            print("left behind: \(path): \(error)")
        }
    }
}
