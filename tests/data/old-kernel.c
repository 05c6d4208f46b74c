/* Stands between a program and the kernel, as an older kernel would: loaded before the C library, it changes what is
 * sent over rtnetlink. A message that makes alternative names (since 5.5) gets a type that no kernel knows, which
 * is answered as an unknown one was; the attribute with the protocol of an address (since 5.18) gets a number
 * that no kernel knows, and is passed over; nor do answers say it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>

#define NEW_LINK_PROPERTY 108
#define DELETE_LINK_PROPERTY 109
#define ADDRESS_PROTOCOL 11

static int is_route(int fd)
{
    int domain = 0, protocol = -1;
    socklen_t size = sizeof domain;

    getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size);
    size = sizeof protocol;
    getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size);
    return domain == AF_NETLINK && protocol == NETLINK_ROUTE;
}

static void make_old(int fd, void *bytes, size_t size)
{
    struct nlmsghdr *message = bytes;
    int left = size;

    if (!is_route(fd))
        return;
    for (; NLMSG_OK(message, left); message = NLMSG_NEXT(message, left)) {
        if (message->nlmsg_type == NEW_LINK_PROPERTY || message->nlmsg_type == DELETE_LINK_PROPERTY)
            message->nlmsg_type = 252;
        if (message->nlmsg_type == RTM_NEWADDR) {
            struct rtattr *attribute = IFA_RTA(NLMSG_DATA(message));
            int rest = IFA_PAYLOAD(message);

            for (; RTA_OK(attribute, rest); attribute = RTA_NEXT(attribute, rest))
                if (attribute->rta_type == ADDRESS_PROTOCOL)
                    attribute->rta_type = 250;
        }
    }
}

#define REAL(name) __typeof__(&name) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

/* The program's bytes may be read-only. */
#define CHANGED(bytes, size) \
    void *copy = malloc(size); \
    if (!copy) \
        abort(); \
    memcpy(copy, bytes, size); \
    make_old(fd, copy, size)

ssize_t send(int fd, const void *bytes, size_t size, int flags)
{
    REAL(send);
    CHANGED(bytes, size);
    ssize_t sent = real(fd, copy, size, flags);

    free(copy);
    return sent;
}

ssize_t sendto(int fd, const void *bytes, size_t size, int flags, const struct sockaddr *to, socklen_t length)
{
    REAL(sendto);
    CHANGED(bytes, size);
    ssize_t sent = real(fd, copy, size, flags, to, length);

    free(copy);
    return sent;
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    REAL(sendmsg);
    struct msghdr own = *message;
    struct iovec part;
    size_t size = 0, at = 0;

    for (size_t number = 0; number < message->msg_iovlen; number++)
        size += message->msg_iov[number].iov_len;
    char *copy = malloc(size + 1);
    if (!copy)
        abort();
    for (size_t number = 0; number < message->msg_iovlen; at += message->msg_iov[number++].iov_len)
        memcpy(copy + at, message->msg_iov[number].iov_base, message->msg_iov[number].iov_len);
    make_old(fd, copy, size);
    part.iov_base = copy;
    part.iov_len = size;
    own.msg_iov = &part;
    own.msg_iovlen = 1;
    ssize_t sent = real(fd, &own, flags);

    free(copy);
    return sent;
}

/* Answers, too: the kernel says of its own addresses who made them. */
ssize_t recvfrom(int fd, void *bytes, size_t size, int flags, struct sockaddr *from, socklen_t *length)
{
    REAL(recvfrom);
    ssize_t got = real(fd, bytes, size, flags, from, length);

    if (got > 0)
        make_old(fd, bytes, (size_t)got < size ? (size_t)got : size);
    return got;
}
