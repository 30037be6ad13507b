public import Counting

extension Journal {
    /// What is known of the journal, for those who watch.
    public struct Status: Sendable {
        /// The journal in numbers.
        public var numbers = JournalNumbers()
        /// Why the last frame could not be written and is held.
        public var failure: StorageError?
        /// Why a frame was last refused whose sender was told so, and when by a steady clock in milliseconds; nil once one
        /// was written.
        public var refusal: (failure: StorageError, at: Int64)?
        /// Why the next segment could not be made ahead of need.
        public var spareFailure: StorageError?
        /// Why a sync failed, until a checkpoint has made up for it.
        public var syncFailure: StorageError?
        /// Since when the oldest frame has been waiting for its sync, in milliseconds of a steady clock; nil where none is.
        public var unsyncedSince: Int64?
    }
}
