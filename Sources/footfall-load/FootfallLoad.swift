import ArgumentParser

@main
struct FootfallLoad: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "footfall-load",
        abstract: "Send known traffic to a daemon, or run one step of its work many times.",
        subcommands: [Run.self, Send.self, Drain.self, Repeat.self, Fill.self])
}
