#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "CKernel.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <linux/magic.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

// memory: slots | mmsghdr[count] | payload, `stride` bytes for each slot
struct slot {
    struct iovec vector;
    struct sockaddr_storage sender;
    union {
        struct cmsghdr align;
        uint8_t bytes[64];
    } control;
};

struct layout {
    uint32_t count;
    uint32_t slot;
};

static size_t align(size_t n) { return (n + 63) & ~(size_t)63; }
static size_t headers_at(void) { return align(sizeof(struct layout)); }
static size_t slots_at(unsigned count) { return headers_at() + align(count * sizeof(struct mmsghdr)); }
static size_t payload_at(unsigned count) { return (slots_at(count) + count * sizeof(struct slot) + 4095) & ~(size_t)4095; }

unsigned ck_stride(unsigned slot) { return slot + 192; }

size_t ck_slots_size(unsigned count, unsigned slot) { return payload_at(count) + (size_t)count * ck_stride(slot); }

// A length no datagram has: an empty one is legal.
static const unsigned none = UINT32_MAX;

static struct mmsghdr *headers_of(const void *memory) { return (void *)((uint8_t *)memory + headers_at()); }
static struct slot *slots_of(const void *memory, unsigned count) { return (void *)((uint8_t *)memory + slots_at(count)); }

static void point(void *memory, unsigned count, unsigned slot, unsigned stride) {
    struct mmsghdr *headers = headers_of(memory);
    struct slot *slots = slots_of(memory, count);
    for (unsigned i = 0; i < count; i++) {
        slots[i].vector.iov_base = (uint8_t *)memory + payload_at(count) + (size_t)i * stride;
        slots[i].vector.iov_len = slot;
        headers[i].msg_hdr.msg_iov = &slots[i].vector;
        headers[i].msg_hdr.msg_iovlen = 1;
        headers[i].msg_hdr.msg_name = &slots[i].sender;
        headers[i].msg_hdr.msg_control = slots[i].control.bytes;
    }
}

void ck_slots_init(void *memory, unsigned count, unsigned slot) {
    struct layout *layout = memory;
    memset(memory, 0, ck_slots_size(count, slot));
    layout->count = count;
    layout->slot = slot;
    for (unsigned i = 0; i < count; i++) headers_of(memory)[i].msg_len = none;
    point(memory, count, slot, ck_stride(slot));
}

int ck_slots_adopt(void *memory, unsigned count, unsigned slot, unsigned stride) {
    struct layout *layout = memory;
    if (layout->count != count || layout->slot != slot) return -1;
    point(memory, count, slot, stride);
    unsigned received = 0;
    while (received < count && headers_of(memory)[received].msg_len <= slot) received++;
    return (int)received;
}

int ck_receive(int descriptor, void *memory, unsigned count) {
    struct mmsghdr *headers = headers_of(memory);
    for (unsigned i = 0; i < count; i++) {
        headers[i].msg_hdr.msg_namelen = sizeof(struct sockaddr_storage);
        headers[i].msg_hdr.msg_controllen = sizeof(((struct slot *)0)->control.bytes);
    }
    int received = recvmmsg(descriptor, headers, count, MSG_DONTWAIT, NULL);
    return received < 0 ? -errno : received;
}

void ck_slots_wipe(void *memory, unsigned count) {
    const struct layout *layout = memory;
    struct mmsghdr *headers = headers_of(memory);
    struct slot *slots = slots_of(memory, layout->count);
    for (unsigned i = 0; i < count; i++) {
        if (headers[i].msg_len <= layout->slot) memset(slots[i].vector.iov_base, 0, headers[i].msg_len);
        memset(&slots[i].sender, 0, sizeof(struct sockaddr_in6));
        memset(slots[i].control.bytes, 0, sizeof slots[i].control.bytes);
        headers[i].msg_len = none;
    }
}

struct ck_datagram ck_datagram_at(const void *memory, unsigned index) {
    const struct layout *layout = memory;
    const struct mmsghdr *header = headers_of(memory) + index;
    const struct slot *slot = slots_of(memory, layout->count) + index;
    struct ck_datagram datagram = {
        .bytes = slot->vector.iov_base,
        .length = header->msg_len <= layout->slot ? header->msg_len : 0,
        .is_truncated = (header->msg_hdr.msg_flags & MSG_TRUNC) != 0,
    };
    if (header->msg_hdr.msg_namelen >= sizeof(struct sockaddr_in) && slot->sender.ss_family == AF_INET) {
        datagram.family = 4;
        memcpy(datagram.address, &((const struct sockaddr_in *)&slot->sender)->sin_addr, 4);
    } else if (header->msg_hdr.msg_namelen >= sizeof(struct sockaddr_in6) && slot->sender.ss_family == AF_INET6) {
        datagram.family = 6;
        memcpy(datagram.address, &((const struct sockaddr_in6 *)&slot->sender)->sin6_addr, 16);
    }
    struct msghdr *message = (struct msghdr *)&header->msg_hdr;
    if (message->msg_controllen > sizeof slot->control.bytes) return datagram;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS &&
            c->cmsg_len >= CMSG_LEN(sizeof(struct timespec))) {
            struct timespec stamp;
            memcpy(&stamp, CMSG_DATA(c), sizeof stamp);
            datagram.stamp = (int64_t)stamp.tv_sec * 1000000000 + stamp.tv_nsec;
        }
    }
    return datagram;
}

int ck_send(int descriptor, const uint8_t *const *datagrams, const uint32_t *lengths, unsigned count) {
    struct mmsghdr headers[64];
    struct iovec vectors[64];
    if (count > 64) count = 64;
    memset(headers, 0, sizeof headers);
    for (unsigned i = 0; i < count; i++) {
        vectors[i] = (struct iovec){.iov_base = (void *)datagrams[i], .iov_len = lengths[i]};
        headers[i].msg_hdr.msg_iov = &vectors[i];
        headers[i].msg_hdr.msg_iovlen = 1;
    }
    int sent = sendmmsg(descriptor, headers, count, 0);
    return sent < 0 ? -errno : sent;
}

void ck_wait(int descriptor, long nanoseconds) {
    struct pollfd waiting = {.fd = descriptor, .events = POLLIN};
    struct timespec time = {.tv_nsec = nanoseconds};
    ppoll(&waiting, 1, &time, NULL);
}

static uint32_t crc_by_bits(uint32_t crc, const uint8_t *bytes, size_t count) {
    while (count-- > 0) {
        crc ^= *bytes++;
        for (int k = 0; k < 8; k++) crc = crc >> 1 ^ (0x82f63b78 & -(crc & 1));
    }
    return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t crc_by_instruction(uint32_t crc, const uint8_t *bytes, size_t count) {
    uint64_t wide = crc;
    for (; count >= 8; count -= 8, bytes += 8) {
        uint64_t word;
        memcpy(&word, bytes, 8);
        wide = _mm_crc32_u64(wide, word);
    }
    crc = (uint32_t)wide;
    while (count-- > 0) crc = _mm_crc32_u8(crc, *bytes++);
    return crc;
}
#endif

uint32_t ck_crc32c(uint32_t crc, const void *bytes, size_t count) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2")) return ~crc_by_instruction(~crc, bytes, count);
#endif
    return ~crc_by_bits(~crc, bytes, count);
}

int ck_write(int descriptor, const void *first, size_t first_count, const void *second, size_t second_count, int64_t offset) {
    while (first_count + second_count > 0) {
        struct iovec pieces[2] = {{(void *)first, first_count}, {(void *)second, second_count}};
        ssize_t written = pwritev(descriptor, pieces, 2, offset);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return errno;
        if (written == 0) return ENOSPC;
        offset += written;
        size_t of_first = (size_t)written < first_count ? (size_t)written : first_count;
        first = (const uint8_t *)first + of_first;
        first_count -= of_first;
        second = (const uint8_t *)second + ((size_t)written - of_first);
        second_count -= (size_t)written - of_first;
    }
    return 0;
}

int ck_is_in_memory(int descriptor) {
    struct statfs system;
    return fstatfs(descriptor, &system) == 0 && (system.f_type == TMPFS_MAGIC || system.f_type == RAMFS_MAGIC);
}

// memory: plain | payload, ck_stride bytes for each slot
struct plain {
    struct mmsghdr headers[64];
    struct iovec vectors[64];
};

size_t ck_plain_size(unsigned slot) { return sizeof(struct plain) + 64 * (size_t)ck_stride(slot); }

void ck_plain_init(void *memory, unsigned slot) {
    struct plain *plain = memory;
    memset(memory, 0, ck_plain_size(slot));
    for (unsigned i = 0; i < 64; i++) {
        plain->vectors[i].iov_base = (uint8_t *)(plain + 1) + i * (size_t)ck_stride(slot);
        plain->vectors[i].iov_len = slot;
        plain->headers[i].msg_hdr.msg_iov = &plain->vectors[i];
        plain->headers[i].msg_hdr.msg_iovlen = 1;
    }
}

int ck_plain_receive(int descriptor, void *memory) {
    int received = recvmmsg(descriptor, ((struct plain *)memory)->headers, 64, MSG_DONTWAIT, NULL);
    return received < 0 ? -errno : received;
}

uint32_t ck_plain_length(const void *memory, unsigned index) {
    return ((const struct plain *)memory)->headers[index].msg_len;
}
