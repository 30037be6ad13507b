#pragma once
#include <sys/timex.h>
#include <stddef.h>
#include <stdint.h>

/// What Swift's Glibc module cannot see: `recvmmsg`, `sendmmsg`, `mmsghdr` and the control messages.
/// Only calls and field access; every decision is made in Swift.

/// One received datagram.
struct ck_datagram {
    const uint8_t *bytes;
    /// Bytes in the slot; of a cut datagram only those that fit.
    uint32_t length;
    /// The datagram was longer than its slot.
    uint8_t is_truncated;
    /// 4, 6, or 0 where the sender has no network address.
    uint8_t family;
    /// In network order: IPv4 in the first four bytes.
    uint8_t address[16];
    /// The kernel's receive stamp in nanoseconds of the wall clock, 0 without one.
    int64_t stamp;
};

/// Bytes of memory that `count` slots of `slot` payload bytes take, headers included.
size_t ck_slots_size(unsigned count, unsigned slot);
/// Lays the headers out in `memory`, which is aligned to a page, and wipes it.
void ck_slots_init(void *memory, unsigned count, unsigned slot);
/// Points the headers of slots that another process has filled at this mapping, and leaves what was received: how many
/// datagrams there are, or -1 where the memory was laid out otherwise.
int ck_slots_adopt(void *memory, unsigned count, unsigned slot);
/// `recvmmsg` without waiting: datagrams received, or -errno. Every length that it does not fill stays impossible.
int ck_receive(int descriptor, void *memory, unsigned count);
/// The datagram in slot `index` of the last `ck_receive` or `ck_slots_adopt`; whatever the memory holds, it lies inside.
struct ck_datagram ck_datagram_at(const void *memory, unsigned index);
/// Wipes payload, sender, control and length of the first `count` slots.
void ck_slots_wipe(void *memory, unsigned count);

/// CRC-32C (Castagnoli) of `count` bytes, going on from `crc`; 0 begins. By the processor's instruction where it has one.
uint32_t ck_crc32c(uint32_t crc, const void *bytes, size_t count);
/// Writes two pieces one behind the other at `offset` with one `pwritev`, and what it left over with further ones: 0, or
/// the error number.
int ck_write(int descriptor, const void *first, size_t first_count, const void *second, size_t second_count, int64_t offset);
/// Whether the file lies in memory: on a tmpfs.
int ck_is_in_memory(int descriptor);

/// `sendmmsg` of `count` datagrams on a connected socket: datagrams sent, or -errno.
int ck_send(int descriptor, const uint8_t *const *datagrams, const uint32_t *lengths, unsigned count);
