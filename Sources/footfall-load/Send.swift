import ArgumentParser
import Counting

struct Send: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Send datagrams with the same number of views each, then print what was sent.")

    @OptionGroup var outgoing: Outgoing
    @Option(help: "The site's name.")
    var site = "demo"

    func run() throws {
        var plan = outgoing.plan
        plan.sites = [site]
        plan.isRecordCountFixed = true
        var traffic = Traffic(plan)
        let delivery = try outgoing.deliver(&traffic)
        let records = Int(traffic.truth.counters[.records])
        print(
            object([
                ("datagrams", "\(delivery.datagrams)"), ("records", "\(records)"),
                ("milliseconds", "\(delivery.milliseconds)"),
                ("records_per_second", "\(delivery.perSecond(records))"),
            ]))
    }
}
