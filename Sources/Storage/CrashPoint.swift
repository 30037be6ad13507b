import Counting
import Glibc

/// A place in the order of writing at which a test ends the process as `kill -9` would. A build for use has none.
///
/// `FOOTFALL_CRASH=NAME:N` in the environment dies when NAME is reached for the Nth time.
public enum CrashPoint: String, CaseIterable, Sendable {
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
        #if CRASH_POINTS
            reach(point) {}
        #endif
    }

    #if CRASH_POINTS
        /// True in builds that can be made to die.
        public static let isBuiltIn = true
        private static let wanted: (name: String, countdown: Int)? = {
            guard let value = unsafe getenv("FOOTFALL_CRASH") else { return nil }
            let parts = unsafe String(cString: value).split(separator: ":")
            return parts.count == 2 ? Int(parts[1]).map { (String(parts[0]), $0) } : nil
        }()
        private static let reached = Mutex(0)

        /// Dies here after `last`, if the test wants it so.
        static func reach(_ point: CrashPoint, _ last: () -> Void) {
            guard let (name, countdown) = wanted, name == point.rawValue else { return }
            let times = reached.withLock { reached in
                reached += 1
                return reached
            }
            guard times == countdown else { return }
            last()
            kill(getpid(), SIGKILL)
        }
    #else
        /// True in builds that can be made to die.
        public static let isBuiltIn = false
    #endif
}

#if CRASH_POINTS
    import Synchronization
#endif

extension CrashPoint {
    /// Writes the first half of a frame's head and dies, if the test wants that.
    static func reachHalfFrame(_ file: OpenFile, _ head: Span<UInt8>, at offset: Int) {
        #if CRASH_POINTS
            reach(.inFrame) {
                do throws(StorageError) {
                    try file.write([UInt8](copying: head.extracting(first: head.count / 2)), at: offset)
                } catch {}
            }
        #endif
    }
}
