#include "webhook/address.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/support.h"

Test(webhook_address, parses)
{
    static const struct {
        const char *text, *host;
        uint16_t port;
    } rows[] = {
        {"127.0.0.1:8443", "127.0.0.1", 8443},
        {"[::1]:8443", "::1", 8443},
        {":8443", "", 8443},
        {"0.0.0.0:0", "0.0.0.0", 0},
        {"[::]:65535", "::", 65535},
        {":0", "", 0},
        {"[fe80::1%lo]:80", "fe80::1%lo", 80},
        {"[::ffff:1.2.3.4]:1", "::ffff:1.2.3.4", 1},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        gt_address address;
        gt_err err;
        cr_assert(gt_address_parse(rows[i].text, &address, &err), "%s", err.text);
        cr_expect_str_eq(address.host, rows[i].host);
        cr_expect_eq(address.port, rows[i].port, "%s", rows[i].text);
    }
}

Test(webhook_address, refuses)
{
    static const char *const rows[][2] = {
        {"", "no port"},
        {"8443", "no port"},
        {"127.0.0.1", "no port"},
        {"[::1]", "no port"},
        {"[::1]8443", "no port"},
        {"[::1:8443", "no port"},
        {"::1:8443", "brackets"},
        {"::", "brackets"},
        {"127.0.0.1:", "65535"},
        {"127.0.0.1:65536", "65535"},
        {"127.0.0.1:-1", "65535"},
        {"127.0.0.1:80 ", "65535"},
        {"127.0.0.1:0x50", "65535"},
        {"[]:80", "no IP address"},
        {"localhost:80", "names aren't looked up"},
        {"[127.0.0.1]:80", "no IP address"},
        {"1.2.3.4.5:80", "no IP address"},
        {"*:80", "no IP address"},
        {"[::1%a-very-long-name-of-a-network-interface-that-nobody-has-ever-seen]:80", "no IP address"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        gt_address address;
        gt_err err = {0};
        cr_expect(!gt_address_parse(rows[i][0], &address, &err), "%s", rows[i][0]);
        cr_expect_eq(err.kind, GT_ERR_INPUT);
        cr_expect_not_null(strstr(err.text, rows[i][1]), "%s: %s", rows[i][0], err.text);
    }
}

Test(webhook_address, listens_on_a_port_of_its_own_choice)
{
    gt_address address;
    gt_err err;
    int fd, second;
    uint16_t port = 0, other;
    char bound[GT_ADDRESS_TEXT], wanted[GT_ADDRESS_TEXT];
    cr_assert(gt_address_parse("127.0.0.1:0", &address, &err));
    cr_assert(gt_address_listen(&address, &fd, &port, bound, &err), "%s", err.text);
    cr_expect_neq(port, 0);
    snprintf(wanted, sizeof wanted, "127.0.0.1:%u", (unsigned)port);
    cr_expect_str_eq(bound, wanted);
    address.port = port;
    cr_expect(!gt_address_listen(&address, &second, &other, bound, &err));
    cr_expect_eq(err.kind, GT_ERR_ENV);
    cr_expect_not_null(strstr(err.text, "already in use"), "%s", err.text);
    cr_expect_eq(second, -1);
    close(fd);
}
