#pragma once
#include <sys/timex.h>
#include <stddef.h>
#include <stdint.h>

/// Parts of the kernel's interface that Swift's Glibc module does not have: `recvmmsg`, `sendmmsg`, `mmsghdr` and the
/// control messages. Only calls and field access; Swift makes every decision.

/// One received datagram.
struct ck_datagram {
    const uint8_t *bytes;
    /// Bytes in the slot. Of a cut datagram only those that fit.
    uint32_t length;
    /// The datagram was longer than its slot.
    uint8_t is_truncated;
    /// 4, 6, or 0 if the sender has no network address.
    uint8_t family;
    /// In network order: IPv4 in the first four bytes.
    uint8_t address[16];
    /// The kernel's receive stamp in nanoseconds of the wall clock; 0 without one.
    int64_t stamp;
};

/// The distance between the payloads of two slots. Slots at a power of two would share the same few lines of a cache.
unsigned ck_stride(unsigned slot);
/// Bytes of memory that `count` slots of `slot` payload bytes need, headers included.
size_t ck_slots_size(unsigned count, unsigned slot);
/// Sets up the headers in `memory`, which must be aligned to a page, and wipes it.
void ck_slots_init(void *memory, unsigned count, unsigned slot);
/// Adopts slots that another process has filled, with payloads at this distance: points their headers at this mapping, and
/// keeps what was received. Returns the number of datagrams, or -1 if the memory has another layout.
int ck_slots_adopt(void *memory, unsigned count, unsigned slot, unsigned stride);
/// `recvmmsg` without waiting. Returns the number of datagrams, or -errno. Every length that it does not fill stays
/// impossible.
int ck_receive(int descriptor, void *memory, unsigned count);
/// The datagram in slot `index` of the last `ck_receive` or `ck_slots_adopt`. It lies inside the slot, whatever the
/// memory holds.
struct ck_datagram ck_datagram_at(const void *memory, unsigned index);
/// Wipes payload, sender, control and length of the first `count` slots.
void ck_slots_wipe(void *memory, unsigned count);

/// Waits until `descriptor` is readable, at most `nanoseconds`, fewer than a second.
void ck_wait(int descriptor, long nanoseconds);

/// CRC-32C (Castagnoli) of `count` bytes, continued from `crc`; 0 begins. Uses the processor's instruction if it has
/// one.
uint32_t ck_crc32c(uint32_t crc, const void *bytes, size_t count);
/// Writes two pieces one after the other at `offset` with one `pwritev`, and the rest of a short write with further
/// ones. Returns 0 or the error number.
int ck_write(int descriptor, const void *first, size_t first_count, const void *second, size_t second_count, int64_t offset);
/// True if the file is in memory: on a tmpfs.
int ck_is_in_memory(int descriptor);

/// `sendmmsg` of `count` datagrams on a connected socket. Returns the number of datagrams sent, or -errno.
int ck_send(int descriptor, const uint8_t *const *datagrams, const uint32_t *lengths, unsigned count);

/// A receive loop without senders and stamps, as a yardstick: memory for 64 datagrams of up to `slot` bytes.
size_t ck_plain_size(unsigned slot);
void ck_plain_init(void *memory, unsigned slot);
/// `recvmmsg` without waiting. Returns the number of datagrams, or -errno.
int ck_plain_receive(int descriptor, void *memory);
/// The length of datagram `index` of the last call.
uint32_t ck_plain_length(const void *memory, unsigned index);
