#pragma once
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
/// Lays the headers out in `memory`, which is zeroed and aligned to a page.
void ck_slots_init(void *memory, unsigned count, unsigned slot);
/// `recvmmsg` without waiting: datagrams received, or -errno.
int ck_receive(int descriptor, void *memory, unsigned count);
/// The datagram in slot `index` of the last `ck_receive`.
struct ck_datagram ck_datagram_at(const void *memory, unsigned index);

/// `sendmmsg` of `count` datagrams on a connected socket: datagrams sent, or -errno.
int ck_send(int descriptor, const uint8_t *const *datagrams, const uint32_t *lengths, unsigned count);
