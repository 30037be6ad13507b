import Foundation

/// The file of one site in `sites.d`, beside a main settings file.
public struct SiteFile {
    /// The main settings file.
    public let main: String
    /// The file of the site.
    public let path: String
    private let folder: String
    /// Files whose names begin with a dot are never read.
    private let hidden: String
    private var files: FileManager { .default }

    /// The file of a site, whose name is legal.
    public init(_ site: String, main: String) {
        self.main = main
        folder = Settings.sitesFolder(beside: main)
        path = folder + "/\(site).toml"
        hidden = folder + "/.\(site).toml.removed"
    }

    /// The file is there.
    public var exists: Bool { files.fileExists(atPath: path) }

    /// Why the file cannot be changed.
    public struct Failure: Error, CustomStringConvertible {
        /// One sentence.
        public let description: String
    }

    /// Writes the file atomically, and a main settings file if there is none. Returns how to undo that.
    public func write(_ text: String) throws(Failure) -> () -> Void {
        let isFolderNew = !files.fileExists(atPath: folder)
        let isMainNew = try attempt("write") {
            try files.createDirectory(atPath: folder, withIntermediateDirectories: true)
            let isMainNew = try beginMain()
            try Data(text.utf8).write(to: URL(filePath: path), options: .atomic)
            return isMainNew
        }
        return {
            for made in [path] + (isFolderNew ? [folder] : []) + (isMainNew ? [main] : []) {
                try? files.removeItem(atPath: made)
            }
        }
    }

    /// Hides the file. Returns how to undo that.
    public func hide() throws(Failure) -> () -> Void {
        guard exists else { return {} }
        let isMainNew = try attempt("remove") {
            // Without any file, the daemon would serve the demo.
            let isMainNew = try beginMain()
            if files.fileExists(atPath: hidden) { try files.removeItem(atPath: hidden) }
            try files.moveItem(atPath: path, toPath: hidden)
            return isMainNew
        }
        return {
            try? files.moveItem(atPath: hidden, toPath: path)
            if isMainNew { try? files.removeItem(atPath: main) }
        }
    }

    /// Deletes the hidden file.
    public func removeHidden() throws(Failure) { try attempt("remove") { try files.removeItem(atPath: hidden) } }

    private func beginMain() throws -> Bool {
        guard !files.fileExists(atPath: main) else { return false }
        try Data("# footfall check shows every key and its default. Sites are in sites.d.\n".utf8)
            .write(to: URL(filePath: main))
        return true
    }

    private func attempt<T>(_ what: String, _ body: () throws -> T) throws(Failure) -> T {
        do {
            return try body()
        } catch {
            throw Failure(description: "cannot \(what) \(path): \(Self.reason(error))")
        }
    }

    private static func reason(_ error: any Error) -> String {
        switch (error as? CocoaError)?.code {
        case .fileWriteNoPermission?, .fileReadNoPermission?: "this user may not do that; run the command as root"
        case .fileWriteVolumeReadOnly?: "the file system is read-only"
        case .fileWriteOutOfSpace?: "the disk is full"
        default: error.localizedDescription
        }
    }
}
