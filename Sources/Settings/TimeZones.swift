/// The time zones of a machine, as far as settings need them.
public struct TimeZones: Sendable {
    /// The machine's own zone: the default for sites.
    public var machine: String
    /// Tells whether the machine knows a zone.
    public var contains: @Sendable (String) -> Bool

    /// The zones of a machine.
    public init(machine: String, contains: @escaping @Sendable (String) -> Bool) {
        self.machine = machine
        self.contains = contains
    }
}
