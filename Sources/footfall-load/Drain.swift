import ArgumentParser
import CKernel
import Glibc
import Ingest
import Platform

/// Receives like the daemon and counts only datagrams and bytes: the lowest cost that a daemon on this machine could
/// have.
///
/// It uses the same receive buffer, stamps, batches, slots and waits as the counting thread. The difference between the
/// two, in nanoseconds a datagram, is the cost of the daemon itself.
struct Drain: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Receive datagrams like the daemon, do nothing with them, and print the cost.")

    @Option(help: "Port to bind on 127.0.0.1; 0 for any free one.")
    var port: UInt16 = 0
    @Option(help: "End after this many seconds without a datagram. There is no limit for the first one.")
    var seconds = 1.0

    static let batchMax: UInt32 = 64
    static let slotBytes: UInt32 = 8192
    private static let receiveBuffer = 64 << 20

    func validate() throws {
        guard seconds > 0, seconds <= 86_400 else { throw ValidationError("--seconds must be more than 0") }
    }

    func run() throws {
        let socket: BeaconSocket
        do {
            socket = try BeaconSocket(host: "127.0.0.1", port: port, receiveBuffer: Self.receiveBuffer)
        } catch {
            say("\(error)")
            throw ExitCode(69)
        }
        let port = socket.name.split(separator: ":").last ?? ""
        print("{\"port\":\(port),\"receive_buffer\":\(socket.receiveBuffer)}")
        fflush(nil)

        let size = ck_slots_size(Self.batchMax, Self.slotBytes)
        let memory = unsafe mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let slots = unsafe memory, unsafe slots != MAP_FAILED else {
            say("no memory for \(size) bytes of receive slots")
            throw ExitCode(75)
        }
        defer { unsafe munmap(slots, size) }
        unsafe ck_slots_init(slots, Self.batchMax, Self.slotBytes)

        var datagrams = 0
        var bytes = 0
        var coalescer = BatchCoalescer(receiveBuffer: socket.receiveBuffer)
        let begun = Clocks.processNanoseconds
        while true {
            let count = Int(unsafe ck_receive(socket.descriptor, slots, Self.batchMax))
            guard count > 0 else {
                var waiting = pollfd(fd: socket.descriptor, events: Int16(POLLIN), revents: 0)
                let isQuiet = unsafe poll(&waiting, 1, datagrams == 0 ? -1 : CInt(seconds * 1000)) == 0
                if isQuiet { break }
                continue
            }
            for i in 0..<count { unsafe bytes += Int(ck_datagram_at(slots, UInt32(i)).length) }
            datagrams += count
            let now = Clocks.steadyNanoseconds
            if let rest = coalescer.rest(after: count, isFull: count == Self.batchMax, at: now) {
                var time = timespec(tv_sec: 0, tv_nsec: Int(rest))
                _ = unsafe nanosleep(&time, nil)
            }
        }
        let processor = Clocks.processNanoseconds - begun
        let each = String(Double(processor * 10 / Int64(datagrams)) / 10)
        print(
            "{\"datagrams\":\(datagrams),\"bytes\":\(bytes),\"kernel_drops\":\(socket.memory.drops),"
                + "\"cpu_nanoseconds\":\(processor),\"cpu_nanoseconds_per_datagram\":\(each)}")
    }
}
