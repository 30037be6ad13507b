import CHooks
import Counting

/// A place in the order of writing where a test ends the process as `kill -9` would. In a build for use nothing happens
/// there.
///
/// With `FOOTFALL_CRASH=POINT:N` in the environment, the process dies when the point, given by its number in this list,
/// is reached for the Nth time.
public enum CrashPoint: Int32, Sendable {
    /// The slot is armed, nothing received.
    case armed
    /// Datagrams have left the socket.
    case received
    /// The frame is complete and not written.
    case beforeFrame
    /// The first half of the frame is written.
    case inFrame
    /// The frame is written, the slot not released, nothing counted.
    case afterFrame
    /// The slot is released.
    case released
    /// Salts are drawn and not stored.
    case saltDrawn
    /// Salts are stored and not used yet.
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

    /// Ends the process here if the test asks for it.
    @inline(__always)
    public static func reach(_ point: CrashPoint) {
        if ch_is_due(point.rawValue) { ch_die() }
    }

    /// Writes the first half of a frame's head and ends the process, if the test asks for it.
    static func reachHalfFrame(_ file: OpenFile, _ head: Span<UInt8>, at offset: Int) {
        guard ch_is_due(CrashPoint.inFrame.rawValue) else { return }
        do throws(StorageError) {
            try file.write([UInt8](copying: head.extracting(first: head.count / 2)), at: offset)
        } catch {}
        ch_die()
    }
}

/// What a test can set in a daemon that is built for tests.
public enum TestHooks {
    /// True in builds for tests.
    public static var areBuiltIn: Bool { ch_are_built_in() }

    /// The length of a day that a test has shortened to see many midnights; nil in a build for use.
    public static var daySeconds: Int64? {
        let seconds = ch_day_seconds()
        return seconds > 0 ? seconds : nil
    }
}
