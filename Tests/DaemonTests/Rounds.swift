import Foundation
import Testing

/// Runs of known traffic, one after the other, as long as requested.
final class Rounds {
    private let machine: Machine
    private var current: KnownTraffic?
    private var seed = 0
    private var complaints: [String] = []
    private(set) var datagrams = 0, records = 0
    /// Visitors sent so far, by site.
    private(set) var visitors: [String: Int] = [:]
    private let visitorsOfRound = 200
    /// How long one round sends.
    static let seconds = 5.0

    init(to machine: Machine) { self.machine = machine }

    /// The most visitors that a site can have by now.
    var visitorsMax: Int { seed * visitorsOfRound }

    var description: String { "\(datagrams) datagrams, \(records) records" }

    /// Makes sure that traffic is being sent, or at least compared.
    func keepGoing() throws {
        if let current, current.isRunning { return }
        try end()
        seed += 1
        current = try KnownTraffic(to: machine, seed: seed, seconds: Self.seconds, visitors: visitorsOfRound)
    }

    /// Waits for the last round. Returns what was wrong in any of them.
    func finish() throws -> [String] {
        try end()
        return complaints
    }

    private func end() throws {
        guard let current else { return }
        let (summary, sentences) = try current.finish()
        complaints += sentences.map { "round \(seed): \($0)" }
        if let summary {
            datagrams += summary.datagrams
            records += summary.records
            for (site, sent) in summary.sent { visitors[site, default: 0] += sent.visitors }
        }
        self.current = nil
    }
}

/// Watches the numbers from start to start: no total falls, and no visitor appears from nothing.
final class Watch {
    private let machine: Machine
    private var last: [Int] = []

    init(_ machine: Machine) { self.machine = machine }

    func look(visitorsMax: Int) throws {
        let numbers = try machine.numbers()
        let totals = numbers.totals
        #expect(zip(totals, last).allSatisfy { $0 >= $1 }, "fell from \(last) to \(totals)")
        last = totals
        for (name, site) in numbers.sites { #expect(site.online <= visitorsMax, "\(name)") }
        #expect(try machine.scrape()["lost_frames"] == 0)
    }
}
