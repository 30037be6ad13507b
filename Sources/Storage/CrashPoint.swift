import CHooks
import Counting

/// A place in the order of writing at which a test ends the process as `kill -9` would. In a build for use nothing happens
/// there.
///
/// `FOOTFALL_CRASH=POINT:N` in the environment dies when a point, by its number in this list, is reached for the Nth time.
public enum CrashPoint: Int32, Sendable {
    /// The slot is armed, nothing received.
    case armed
    /// Datagrams have left the socket.
    case received
    /// The frame is made and not written.
    case beforeFrame
    /// The first half of the frame is written.
    case inFrame
    /// The frame is written, the slot not released, nothing counted.
    case afterFrame
    /// The slot is released.
    case released
    /// Salts are drawn and not stored.
    case saltDrawn
    /// Salts are stored and not yet used.
    case saltStored
    /// A segment is full, the next one not begun.
    case segmentFull
    /// The next segment is begun and empty.
    case segmentBegun
    /// The file of visitors is written, the transaction not begun.
    case visitorsWritten
    /// Everything is in the transaction, which is not committed.
    case beforeCommit
    /// The transaction is committed, nothing reclaimed.
    case committed
    /// The first of several segments is deleted.
    case reclaiming

    /// Dies here if the test wants it so.
    @inline(__always)
    public static func reach(_ point: CrashPoint) {
        if ch_is_due(point.rawValue) { ch_die() }
    }

    /// Writes the first half of a frame's head and dies, if the test wants that.
    static func reachHalfFrame(_ file: OpenFile, _ head: Span<UInt8>, at offset: Int) {
        guard ch_is_due(CrashPoint.inFrame.rawValue) else { return }
        do throws(StorageError) {
            try file.write([UInt8](copying: head.extracting(first: head.count / 2)), at: offset)
        } catch {}
        ch_die()
    }
}

/// What tests can tell a daemon that is built for them.
public enum TestHooks {
    /// True in builds for tests.
    public static var areBuiltIn: Bool { ch_are_built_in() }

    /// How long days are that tests have shortened to see many midnights; nil in a build for use.
    public static var daySeconds: Int64? {
        let seconds = ch_day_seconds()
        return seconds > 0 ? seconds : nil
    }
}
