import Counting
public import Wire

// The served sites and their settings.

extension IngestPipeline {
    /// Draws the salts that new sites need. Store the result of `dequeueDrawnSalts` before `serve`.
    mutating func prepare(_ profiles: [SiteProfile]) {
        let new = profiles.filter { sites.known($0.settings.name) == nil }
        for i in new.indices { salts.drawAhead(for: SiteIndex(sites.count + i)) }
    }

    /// Serves a site from now on: a new one, or a known one with possibly changed settings. False if `limits.sites` is
    /// reached or its salt is not stored.
    public mutating func serve(_ profile: SiteProfile) -> Bool {
        if let site = sites.known(profile.settings.name) {
            guard profile.settings != engine.settings(of: site) else {
                admission.sites.serve(site, by: profile, today: sites.today(of: site))
                return true
            }
            let today = calendar(profile.settings.timezone, now)
            admission.sites.serve(site, by: profile, today: today)
            begin()
            let rollover = DayRollover(day: today.day, begins: today.begins, salt: sites.salt(of: site))
            frame.append(.site(site, profile.settings, rollover, at: now))
            return true
        }
        let index = SiteIndex(sites.count)
        guard sites.count < engine.limits.sites, let salt = salts.dequeue(for: index) else { return false }
        begin()
        let today = calendar(profile.settings.timezone, now)
        let site = admission.sites.add(profile, today: today, salt: salt)
        let rollover = DayRollover(day: today.day, begins: today.begins, salt: salt.number)
        frame.append(.site(site, profile.settings, rollover, at: now))
        return true
    }

    /// The result of a reload.
    public enum Reloaded: Equatable, Sendable {
        /// The new settings are in force.
        case done
        /// The salts of new sites are being stored; try again.
        case waiting
        /// The journal cannot be written now, and nothing has changed.
        case unwritten
        /// There would be more sites than `limits.sites`, or more changed ones than fit in a frame. Nothing has
        /// changed.
        case tooMany
    }

    /// Accepts datagrams of a known site that are signed with one of these keys, and no other keys.
    public mutating func setKeys(_ keys: [String], ofSite name: String) {
        if let site = sites.known(name) { admission.setKeys(keys, of: site) }
    }

    /// Serves these sites and no others from now on, and reads beacons by these rules, all or nothing. The numbers of
    /// removed sites stay.
    public mutating func reload(_ profiles: [SiteProfile], rules: Admission.Rules) -> Reloaded {
        commit()
        let (isEmpty, length) = (isCommitted, frame.bytes.count)
        let new = profiles.count { sites.known($0.settings.name) == nil }
        let changed = profiles.count { profile in
            sites.known(profile.settings.name).map { engine.settings(of: $0) != profile.settings } ?? true
        }
        guard sites.count + new <= engine.limits.sites, changed <= Self.siteRecordsMax else { return .tooMany }
        prepare(profiles)
        let places = (sites.count..<sites.count + new).map(SiteIndex.init)
        guard places.allSatisfy(salts.hasReady) else { return .waiting }
        let before = (admission.sites, salts)
        admission.sites.serveNone()
        for profile in profiles { _ = serve(profile) }
        // If the frame holds only counts of refusals, it need not be written for this.
        if !isCommitted, isEmpty || frame.bytes.count > length, !commitOrRefuse() {
            (admission.sites, salts) = before
            isCommitted = isEmpty
            return .unwritten
        }
        admission.reload(rules)
        return .done
    }

    /// The most site records in a frame.
    public static let siteRecordsMax = 10_000
}
