import Foundation
import Glibc

/// A disk of its own: ext4 in a file, mounted through a loop device. Needs root and e2fsprogs.
final class Disk {
    /// Where it is mounted.
    let path: String
    private let folder: TemporaryFolder
    private var image: String { folder.path + "/image" }
    private var isMounted = false

    /// Whether this process may have one: by root only, and not in every container.
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

    /// Somebody must have ended whoever uses it.
    func unmount() throws {
        guard isMounted else { return }
        // The kernel may hold on to it for a moment after the last user is gone.
        try eventually("the disk can be unmounted") { try shell("umount \(path)").status == 0 }
        isMounted = false
    }

    /// What a power cut does: from now on nothing more reaches the disk, and what had not reached it is gone.
    func cut() throws {
        let descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        defer { close(descriptor) }
        // linux/fs/ext4: EXT4_IOC_SHUTDOWN, with the flag that leaves even the log unwritten.
        var withoutLog: UInt32 = 2
        guard unsafe ioctl(descriptor, 0x8004_587d, &withoutLog) == 0 else {
            throw Daemon.Failure(description: "no power cut: error \(errno)")
        }
    }

    /// Takes all the room there is with one file.
    func fill() throws {
        _ = try shell("cat /dev/zero > \(path)/filler")
    }

    /// Gives it back.
    func clear() throws { try FileManager.default.removeItem(atPath: path + "/filler") }

    private func run(_ line: String) throws {
        let result = try shell(line)
        guard result.status == 0 else { throw Daemon.Failure(description: "\(line): \(result.errors)") }
    }

    deinit {
        do { try unmount() } catch { print("left mounted: \(path): \(error)") }
    }
}
