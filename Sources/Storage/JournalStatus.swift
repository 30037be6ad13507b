public import Counting

extension Journal {
    /// The status of the journal, for monitoring.
    public struct Status: Sendable {
        /// The journal in numbers.
        public var numbers = JournalNumbers()
        /// Why the last frame could not be written and is buffered.
        public var failure: StorageError?
        /// Why a frame was last refused (its sender was told), and when, in milliseconds of a steady clock. Nil once a
        /// frame was written.
        public var refusal: (failure: StorageError, at: Int64)?
        /// Why the next segment could not be created in advance.
        public var spareFailure: StorageError?
        /// Why a sync failed. Nil once a checkpoint has made the counts durable.
        public var syncFailure: StorageError?
        /// Since when the oldest frame has waited for its sync, in milliseconds of a steady clock; nil if none waits.
        public var unsyncedSince: Int64?
    }
}
