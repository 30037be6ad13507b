public import Counting
public import Storage
public import Wire

// How a pipeline continues from a recovered state.

extension IngestPipeline {
    /// Makes a checkpoint if the journal has no room for another start.
    ///
    /// Every start begins a segment. A process that is killed again and again before its first checkpoint would use up all
    /// segments.
    public mutating func makeRoom(after recovery: Recovery, _ checkpointer: Checkpointer) throws(StorageError) {
        guard checkpointer.journal.wantsCheckpoint else { return }
        let salts = saltsKept
        try checkpointer.saveNow(
            Checkpointer.Request(
                capture(), sequence: recovery.sequence, hits: recovery.hits, saltsKept: salts.numbers,
                saltsThrough: salts.through))
    }

    /// Serves sites, and finishes what a killed process had begun. Returns how many datagrams that process had received and
    /// not written, and whether all sites are served; `limits.sites` may be too low.
    ///
    /// - Throws: The salts of new sites cannot be stored.
    public mutating func start(
        serving profiles: [SiteProfile], keys: [SiteKey] = [], ring: ReceiveRing?, checkpointer: Checkpointer
    ) throws(StorageError) -> (unwritten: Int, areAllServed: Bool) {
        prepare(profiles)
        let known = profiles.filter { sites.known($0.settings.name) != nil }
        let new = profiles.filter { sites.known($0.settings.name) == nil }
        let salts = dequeueDrawnSalts()
        do throws(StorageError) {
            try checkpointer.storeNow(salts)
        } catch {
            // On a full disk, the salt of a future day can wait. A new site cannot be served without a salt.
            guard new.isEmpty else { throw error }
            checkpointer.store(salts)
        }
        saltsStored(through: checkpointer.saltsStored)
        // Datagrams that a killed process had received and not written keep their reserved sequence, so they are the first
        // frame. Known sites are served before it; a new site cannot be in it.
        for profile in known { _ = serve(profile) }
        for (site, keys) in Dictionary(grouping: keys, by: \.site) { setKeys(keys.map(\.key), ofSite: site) }
        let unwritten = ring.map { recoverUnwritten($0) } ?? 0
        for (i, profile) in new.enumerated() {
            // A frame holds a limited number of sites.
            if i % Self.siteRecordsMax == Self.siteRecordsMax - 1 { commit() }
            if !serve(profile) { return (unwritten, false) }
        }
        commit()
        return (unwritten, true)
    }
}
