#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "CKernel.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

// memory: slots | mmsghdr[count] | payload[count][slot]
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

size_t ck_slots_size(unsigned count, unsigned slot) { return payload_at(count) + (size_t)count * slot; }

void ck_slots_init(void *memory, unsigned count, unsigned slot) {
    uint8_t *base = memory;
    struct layout *layout = memory;
    struct mmsghdr *headers = (void *)(base + headers_at());
    struct slot *slots = (void *)(base + slots_at(count));
    layout->count = count;
    layout->slot = slot;
    for (unsigned i = 0; i < count; i++) {
        slots[i].vector.iov_base = base + payload_at(count) + (size_t)i * slot;
        slots[i].vector.iov_len = slot;
        headers[i].msg_hdr.msg_iov = &slots[i].vector;
        headers[i].msg_hdr.msg_iovlen = 1;
        headers[i].msg_hdr.msg_name = &slots[i].sender;
        headers[i].msg_hdr.msg_control = slots[i].control.bytes;
    }
}

int ck_receive(int descriptor, void *memory, unsigned count) {
    struct mmsghdr *headers = (void *)((uint8_t *)memory + headers_at());
    for (unsigned i = 0; i < count; i++) {
        headers[i].msg_hdr.msg_namelen = sizeof(struct sockaddr_storage);
        headers[i].msg_hdr.msg_controllen = sizeof(((struct slot *)0)->control.bytes);
    }
    int received = recvmmsg(descriptor, headers, count, MSG_DONTWAIT, NULL);
    return received < 0 ? -errno : received;
}

struct ck_datagram ck_datagram_at(const void *memory, unsigned index) {
    const uint8_t *base = memory;
    const struct layout *layout = memory;
    const struct mmsghdr *header = (const struct mmsghdr *)(base + headers_at()) + index;
    const struct slot *slot = (const struct slot *)(base + slots_at(layout->count)) + index;
    struct ck_datagram datagram = {
        .bytes = slot->vector.iov_base,
        .length = header->msg_len,
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
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
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
