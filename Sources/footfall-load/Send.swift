import ArgumentParser
import Counting

struct Send: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Send datagrams with the same number of views each, then print what was sent.")

    @OptionGroup var outgoing: Outgoing
    @Option(help: "The site's name.")
    var site = "demo"
    @Option(help: "Send views as websites do, with the agents of this file: a percentage and an agent in each line.")
    var agents: String?
    @Flag(help: "Send two metrics for a statsd instead of each view.")
    var statsd = false

    func run() throws {
        var plan = outgoing.plan
        plan.sites = [site]
        plan.isRecordCountFixed = true
        if statsd { plan.form = .statsd }
        if let agents { plan.form = .browsers(try Browsers(file: agents)) }
        var traffic = Traffic(plan)
        let delivery = try outgoing.deliver(&traffic)
        let records = Int(traffic.truth.counters[.records])
        print(
            object([
                ("datagrams", "\(delivery.datagrams)"), ("records", "\(records)"),
                ("milliseconds", "\(delivery.milliseconds)"),
                ("datagrams_per_second", "\(delivery.speed)"),
                ("records_per_second", "\(delivery.perSecond(records))"),
                ("datagrams_by_second", "\(delivery.bySecond)"), ("socket_errors", "\(delivery.refusals)"),
            ]))
    }
}
