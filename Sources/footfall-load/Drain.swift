import ArgumentParser
import CKernel
import Glibc
import Ingest
import Platform

/// The yardstick: the plainest loop that receives datagrams, and counts only them and their bytes.
///
/// `poll`, one `recvmmsg` of up to 64, and a nap of 50 µs after a batch that is not full. It asks for no senders and no
/// stamps, adapts to nothing and stores nothing. A daemon that does more per datagram can still cost less, if it waits
/// more cleverly.
struct Drain: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Receive datagrams in the plainest way, do nothing with them, and print the cost.")

    @Option(help: "Port to bind on 127.0.0.1; 0 for any free one.")
    var port: UInt16 = 0
    @Option(help: "End after this many seconds without a datagram. There is no limit for the first one.")
    var seconds = 1.0

    private static let batchMax = 64
    private static let slotBytes: UInt32 = 8192
    private static let receiveBuffer = 64 << 20
    private static let napNanoseconds = 50_000

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
        var isStamped: CInt = 0
        _ = unsafe setsockopt(
            socket.descriptor, SOL_SOCKET, SO_TIMESTAMPNS, &isStamped, socklen_t(MemoryLayout<CInt>.size))
        let port = socket.name.split(separator: ":").last ?? ""
        print("{\"port\":\(port),\"receive_buffer\":\(socket.receiveBuffer)}")
        fflush(nil)

        let size = ck_plain_size(Self.slotBytes)
        let memory = unsafe mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let slots = unsafe memory, unsafe slots != MAP_FAILED else {
            say("no memory for \(size) bytes of receive slots")
            throw ExitCode(75)
        }
        defer { unsafe munmap(slots, size) }
        unsafe ck_plain_init(slots, Self.slotBytes)

        var datagrams = 0
        var bytes = 0
        let begun = Clocks.processNanoseconds
        while true {
            var waiting = pollfd(fd: socket.descriptor, events: Int16(POLLIN), revents: 0)
            let isQuiet = unsafe poll(&waiting, 1, datagrams == 0 ? -1 : CInt(seconds * 1000)) == 0
            if isQuiet { break }
            let count = Int(unsafe ck_plain_receive(socket.descriptor, slots))
            guard count > 0 else { continue }
            for i in 0..<count { unsafe bytes += Int(ck_plain_length(slots, UInt32(i))) }
            datagrams += count
            if count < Self.batchMax {
                var nap = timespec(tv_sec: 0, tv_nsec: Self.napNanoseconds)
                _ = unsafe nanosleep(&nap, nil)
            }
        }
        let processor = Clocks.processNanoseconds - begun
        let each = String(Double(processor * 10 / Int64(datagrams)) / 10)
        print(
            "{\"datagrams\":\(datagrams),\"bytes\":\(bytes),\"kernel_drops\":\(socket.memory.drops),"
                + "\"cpu_nanoseconds\":\(processor),\"cpu_nanoseconds_per_datagram\":\(each)}")
    }
}
