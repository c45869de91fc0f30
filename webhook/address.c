#include "webhook/address.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static bool resolve(const char *host, uint16_t port, int family, struct addrinfo **found)
{
    char service[8];
    snprintf(service, sizeof service, "%u", (unsigned)port);
    const struct addrinfo hints = {
        .ai_family = family,
        .ai_socktype = SOCK_STREAM,
        .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
    };
    return getaddrinfo(host[0] == '\0' ? NULL : host, service, &hints, found) == 0;
}

static bool is_address(const char *host)
{
    struct addrinfo *found;
    if (host[0] == '*' || !resolve(host, 0, AF_UNSPEC, &found)) /* glibc takes a star for no address at all */
        return false;
    freeaddrinfo(found);
    return true;
}

bool gt_address_parse(const char *text, gt_address *address, gt_err *err)
{
    *address = (gt_address){0};
    gt_str host = gt_str_of(text), port;
    const char *colon = strrchr(text, ':');
    bool bracketed = text[0] == '[';
    if (colon == NULL || (bracketed && (colon == text || colon[-1] != ']')))
        return gt_fail(err, GT_ERR_INPUT, "\"%s\" has no port: write ADDR:PORT, [IPV6]:PORT or :PORT", text);
    port = gt_str_of(colon + 1);
    host.len = (size_t)(colon - text);
    if (!bracketed && memchr(host.at, ':', host.len) != NULL)
        return gt_fail(err, GT_ERR_INPUT, "\"%s\": an IPv6 address stands in brackets, [IPV6]:PORT", text);
    if (bracketed)
        host = (gt_str){host.at + 1, host.len - 2};
    int64_t number;
    if (!gt_str_number(port, 0, UINT16_MAX, &number))
        return gt_fail(err, GT_ERR_INPUT, "\"%s\": the port is a number from 0 to 65535", text);
    if ((bracketed && host.len == 0) || host.len >= sizeof address->host)
        return gt_fail(err, GT_ERR_INPUT, "\"%s\" is no IP address with a port", text);
    if (host.len > 0)
        memcpy(address->host, host.at, host.len);
    address->port = (uint16_t)number;
    bool right_family = !bracketed == (strchr(address->host, ':') == NULL);
    if (host.len > 0 && (!right_family || !is_address(address->host)))
        return gt_fail(err, GT_ERR_INPUT, "\"%s\": \"%s\" is no IP address (names aren't looked up)", text,
                       address->host);
    return true;
}

static int listen_on(const struct addrinfo *where, bool dual)
{
    int fd = socket(where->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    int on = 1, off = 0;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (dual && where->ai_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (bind(fd, where->ai_addr, where->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0)
        return fd;
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

const char *gt_address_show(const struct sockaddr *address, socklen_t size, char text[GT_ADDRESS_TEXT])
{
    char host[64], service[8];
    if (getnameinfo(address, size, host, sizeof host, service, sizeof service, NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return "unknown";
    snprintf(text, GT_ADDRESS_TEXT, address->sa_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, service);
    return text;
}

static bool describe(int fd, uint16_t *port, char bound[GT_ADDRESS_TEXT])
{
    struct sockaddr_storage name = {0};
    socklen_t size = sizeof name;
    if (getsockname(fd, (struct sockaddr *)&name, &size) != 0 ||
        gt_address_show((struct sockaddr *)&name, size, bound) != bound)
        return false;
    int64_t number = 0;
    gt_str_number(gt_str_of(strrchr(bound, ':') + 1), 0, UINT16_MAX, &number);
    *port = (uint16_t)number;
    return true;
}

bool gt_address_listen(const gt_address *address, int *fd, uint16_t *port, char bound[GT_ADDRESS_TEXT], gt_err *err)
{
    bool all = address->host[0] == '\0';
    const int families[] = {all ? AF_INET6 : AF_UNSPEC, AF_INET};
    *fd = -1;
    for (int i = 0; i < (all ? 2 : 1) && *fd < 0; i++) { /* a machine without IPv6 serves IPv4 */
        struct addrinfo *where;
        if (!resolve(address->host, address->port, families[i], &where))
            continue;
        *fd = listen_on(where, all);
        int why = errno;
        freeaddrinfo(where);
        errno = why;
        if (*fd < 0 && errno != EAFNOSUPPORT && errno != EADDRNOTAVAIL)
            break;
    }
    if (*fd < 0)
        return gt_fail(err, GT_ERR_ENV, "can't listen on %s%s%s:%u: %s", strchr(address->host, ':') ? "[" : "",
                       address->host, strchr(address->host, ':') ? "]" : "", (unsigned)address->port, strerror(errno));
    if (describe(*fd, port, bound))
        return true;
    close(*fd);
    *fd = -1;
    return gt_fail(err, GT_ERR_ENV, "can't tell the address of a listening socket");
}
