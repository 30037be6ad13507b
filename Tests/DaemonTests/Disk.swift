import Foundation
import Glibc

/// A separate disk: ext4 in a file, mounted through a loop device. Needs root and e2fsprogs.
final class Disk {
    /// Its mount point.
    let path: String
    private let folder: TemporaryFolder
    private var image: String { folder.path + "/image" }
    private var isMounted = false

    /// True if this process may mount one: only as root, and not in every container.
    static let isToBeHad: Bool = {
        guard getuid() == 0 else { return false }
        do {
            return try Disk(megabytes: 8).isMounted
        } catch {
            print("no disks of our own here: \(error)")
            return false
        }
    }()

    init(megabytes: Int) throws {
        folder = try TemporaryFolder()
        path = folder.path + "/disk"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try run("truncate -s \(megabytes)M \(image) && mkfs.ext4 -q -F -m 0 \(image)")
        try mount()
    }

    func mount() throws {
        try run("mount -o loop \(image) \(path)")
        isMounted = true
    }

    /// All its users must have ended.
    func unmount() throws {
        guard isMounted else { return }
        // The kernel may still use it for a moment after the last user has ended.
        try eventually("the disk can be unmounted") { try shell("umount \(path)").status == 0 }
        isMounted = false
    }

    /// A power cut: from now on nothing more reaches the disk, and everything that had not reached it is lost.
    func cut() throws {
        let descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        defer { close(descriptor) }
        // EXT4_IOC_SHUTDOWN of linux/fs/ext4, with the flag that leaves even the log unwritten.
        var withoutLog: UInt32 = 2
        guard unsafe ioctl(descriptor, 0x8004_587d, &withoutLog) == 0 else {
            throw Daemon.Failure(description: "no power cut: error \(errno)")
        }
    }

    /// Uses all the space with one file.
    func fill() throws {
        _ = try shell("cat /dev/zero > \(path)/filler")
    }

    /// Frees that space.
    func clear() throws { try FileManager.default.removeItem(atPath: path + "/filler") }

    private func run(_ line: String) throws {
        let result = try shell(line)
        guard result.status == 0 else { throw Daemon.Failure(description: "\(line): \(result.errors)") }
    }

    deinit {
        do { try unmount() } catch { print("left mounted: \(path): \(error)") }
    }
}
