/* Certificates for tests, ECDSA P-256, made with Python's cryptography: another hand than ours. */
#ifndef GT_TESTS_UNIT_TEST_CERTS_PEM_H
#define GT_TESTS_UNIT_TEST_CERTS_PEM_H

#define NAME "gastown-webhook.gastown-system.svc"
#define YEAR(y) (((INT64_C(y) - 1970) * 365 + ((y)-1969) / 4) * 86400) /* its first second, 1970 to 2099 */

/* authority "one", 2026 to 2036 */
#define PEM_ONE                                                                                                        \
    "-----BEGIN CERTIFICATE-----\n"                                                                                    \
    "MIIBYjCCAQmgAwIBAgIUXeidxEM3PX9MYFIvIaUc7Y1Z8CAwCgYIKoZIzj0EAwIw\n"                                               \
    "DjEMMAoGA1UEAwwDb25lMB4XDTI2MDEwMTAwMDAwMFoXDTM2MDEwMTAwMDAwMFow\n"                                               \
    "DjEMMAoGA1UEAwwDb25lMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqfhJa1QH\n"                                               \
    "n44I7GdtM5OrnvxGSIjFDCuduQKa+vx53RUOdXuX1TeInA1e7XUI17jVZjWy1GSa\n"                                               \
    "V0fBx4OpLV7uh6NFMEMwEgYDVR0TAQH/BAgwBgEB/wIBADAOBgNVHQ8BAf8EBAMC\n"                                               \
    "AQYwHQYDVR0OBBYEFBl+RqRvizYP3cYB/OLut8SCMkK7MAoGCCqGSM49BAMCA0cA\n"                                               \
    "MEQCIBMntXmaUXH0ujVqyCZYc0rhf7R+h2xb24Om9zJl4nHaAiAIJTBHhYY6SnkQ\n"                                               \
    "19zlMZeso6q3o9VK37/Rr/71cYmtEw==\n"                                                                               \
    "-----END CERTIFICATE-----\n"

/* authority "two", 2030 to 2040 */
#define PEM_TWO                                                                                                        \
    "-----BEGIN CERTIFICATE-----\n"                                                                                    \
    "MIIBYzCCAQmgAwIBAgIURcPJMvGMOEAY4rv85AR4gMjH+OswCgYIKoZIzj0EAwIw\n"                                               \
    "DjEMMAoGA1UEAwwDdHdvMB4XDTMwMDEwMTAwMDAwMFoXDTQwMDEwMTAwMDAwMFow\n"                                               \
    "DjEMMAoGA1UEAwwDdHdvMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAErtwXV248\n"                                               \
    "lMMAWh2nXOil8mMpgmBnKARw+L4Ow8zPRsHf0B08mnpiC7k82BgH8YnE+3KPUn1p\n"                                               \
    "EFYIn2fpPojFtaNFMEMwEgYDVR0TAQH/BAgwBgEB/wIBADAOBgNVHQ8BAf8EBAMC\n"                                               \
    "AQYwHQYDVR0OBBYEFHgPP3g43Hur9XbNan0lHtQb+PMKMAoGCCqGSM49BAMCA0gA\n"                                               \
    "MEUCIF4LFjEAqhYCQGZyBUi0obalKQ6X8Crc3n0jxZevyEsnAiEAyagMMRP8GXqU\n"                                               \
    "5lAYCDrPFNWdExHY4b84oKcQiaORwWw=\n"                                                                               \
    "-----END CERTIFICATE-----\n"

/* by "one", 2026 to 2028, for NAME */
#define PEM_LEAF                                                                                                       \
    "-----BEGIN CERTIFICATE-----\n"                                                                                    \
    "MIIBgjCCASmgAwIBAgIUKVrYSPomo+I089EMdit/KyFRZDEwCgYIKoZIzj0EAwIw\n"                                               \
    "DjEMMAoGA1UEAwwDb25lMB4XDTI2MDEwMTAwMDAwMFoXDTI4MDEwMTAwMDAwMFow\n"                                               \
    "LTErMCkGA1UEAwwiZ2FzdG93bi13ZWJob29rLmdhc3Rvd24tc3lzdGVtLnN2YzBZ\n"                                               \
    "MBMGByqGSM49AgEGCCqGSM49AwEHA0IABHFDFn4eGa2ZqX9ZADJksQ2wUe0FYA6B\n"                                               \
    "RV+G86dt/b+e91/+dvbpSRX+LN93CS7Mlhw2H8awybcHJ/bQJAmYwxGjRjBEMBMG\n"                                               \
    "A1UdJQQMMAoGCCsGAQUFBwMBMC0GA1UdEQQmMCSCImdhc3Rvd24td2ViaG9vay5n\n"                                               \
    "YXN0b3duLXN5c3RlbS5zdmMwCgYIKoZIzj0EAwIDRwAwRAIgGLhVkc22jCmOm/31\n"                                               \
    "1lxlkMw04pLIAcuAAlWRIMB748QCIFzrdCbMmXDeSLF7UKdmdCc9SiKZofQ+v0D6\n"                                               \
    "4CK0y542\n"                                                                                                       \
    "-----END CERTIFICATE-----\n"

/* by "one", 2026 to 2050, for NAME */
#define PEM_LATE                                                                                                       \
    "-----BEGIN CERTIFICATE-----\n"                                                                                    \
    "MIIBhjCCASugAwIBAgIUW/uqC8fiYuStJnrvhcJh0b/w/2MwCgYIKoZIzj0EAwIw\n"                                               \
    "DjEMMAoGA1UEAwwDb25lMCAXDTI2MDEwMTAwMDAwMFoYDzIwNTAwMTAxMDAwMDAw\n"                                               \
    "WjAtMSswKQYDVQQDDCJnYXN0b3duLXdlYmhvb2suZ2FzdG93bi1zeXN0ZW0uc3Zj\n"                                               \
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYqNRDaaPMJL2RJF+2BChMLaJTZcu\n"                                               \
    "JAqrRQYkw8lC+ET5QFAb8TB1f87KFG1huqCvHis85swxa0DUA4uFhe6AG6NGMEQw\n"                                               \
    "EwYDVR0lBAwwCgYIKwYBBQUHAwEwLQYDVR0RBCYwJIIiZ2FzdG93bi13ZWJob29r\n"                                               \
    "Lmdhc3Rvd24tc3lzdGVtLnN2YzAKBggqhkjOPQQDAgNJADBGAiEAwhc7Sv11xzn6\n"                                               \
    "S/hE+0XE3kCXlJUCVDVxQWOnJeIWZHACIQCT2uBbb796oKIqWCBuiHRjf3XzhrE+\n"                                               \
    "IYxPP9jGTF9G2A==\n"                                                                                               \
    "-----END CERTIFICATE-----\n"

/* the same, of a client */
#define PEM_CLIENT                                                                                                     \
    "-----BEGIN CERTIFICATE-----\n"                                                                                    \
    "MIIBhDCCASmgAwIBAgIUc+RkknxNocMtKwCMA52ZtsRfx+IwCgYIKoZIzj0EAwIw\n"                                               \
    "DjEMMAoGA1UEAwwDb25lMB4XDTI2MDEwMTAwMDAwMFoXDTI4MDEwMTAwMDAwMFow\n"                                               \
    "LTErMCkGA1UEAwwiZ2FzdG93bi13ZWJob29rLmdhc3Rvd24tc3lzdGVtLnN2YzBZ\n"                                               \
    "MBMGByqGSM49AgEGCCqGSM49AwEHA0IABIc0RK7h2oZuPKb3zQuBpGCgGvuzyFKC\n"                                               \
    "KrO5LL+sO9haEk4G7lZL+z2sWNUTqo5o4rxgcxuGaf4NsWGsedVgVMKjRjBEMBMG\n"                                               \
    "A1UdJQQMMAoGCCsGAQUFBwMCMC0GA1UdEQQmMCSCImdhc3Rvd24td2ViaG9vay5n\n"                                               \
    "YXN0b3duLXN5c3RlbS5zdmMwCgYIKoZIzj0EAwIDSQAwRgIhAMlGXIewasT9Yw9i\n"                                               \
    "rBtCeKLjUPNw7AALufsIwawv2KDiAiEAvba2NhFWcwQeKXeiov4Txz8gtbjjEpxB\n"                                               \
    "O4x3sMod5KU=\n"                                                                                                   \
    "-----END CERTIFICATE-----\n"

/* the same, NAME its common name alone */
#define PEM_NAMELESS                                                                                                   \
    "-----BEGIN CERTIFICATE-----\n"                                                                                    \
    "MIIBUzCB+qADAgECAhRy/nyndP/0OXaVIuWwPRTD6qtL/zAKBggqhkjOPQQDAjAO\n"                                               \
    "MQwwCgYDVQQDDANvbmUwHhcNMjYwMTAxMDAwMDAwWhcNMjgwMTAxMDAwMDAwWjAt\n"                                               \
    "MSswKQYDVQQDDCJnYXN0b3duLXdlYmhvb2suZ2FzdG93bi1zeXN0ZW0uc3ZjMFkw\n"                                               \
    "EwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEuxICNsTv1gQuNxiErRM82bKqs+dzq88h\n"                                               \
    "HamywELZ/z6OlcCu8fFzQCIWg3lQCB23EaSx6hB4kyF5OZzYfmk09qMXMBUwEwYD\n"                                               \
    "VR0lBAwwCgYIKwYBBQUHAwEwCgYIKoZIzj0EAwIDSAAwRQIgWrAShX2ZtSFFLz3A\n"                                               \
    "sZWX36Ob1oYSpmkYZiNYy7SKT3wCIQDtgpc7d9k+9APM4emR6ZiRgAq1jjSe9biB\n"                                               \
    "IxnL9cjflg==\n"                                                                                                   \
    "-----END CERTIFICATE-----\n"

#endif
