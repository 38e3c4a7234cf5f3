/* names.h: which field name is this?
 *
 * The names that the server itself reads or writes, and those that nearly every client sends. A known name has a
 * small number, its id: the rules switch on it, and the Python side keeps one bytes object for each, so that a
 * request allocates nothing for its common names.
 */
#ifndef FS_NAMES_H
#define FS_NAMES_H

#include <stddef.h>
#include <stdint.h>

#define FS_NAMES(X)                                             \
    X(HOST, "host")                                             \
    X(CONNECTION, "connection")                                 \
    X(CONTENT_LENGTH, "content-length")                         \
    X(TRANSFER_ENCODING, "transfer-encoding")                   \
    X(EXPECT, "expect")                                         \
    X(UPGRADE, "upgrade")                                       \
    X(DATE, "date")                                             \
    X(SERVER, "server")                                         \
    X(ACCEPT, "accept")                                         \
    X(ACCEPT_ENCODING, "accept-encoding")                       \
    X(ACCEPT_LANGUAGE, "accept-language")                       \
    X(USER_AGENT, "user-agent")                                 \
    X(CONTENT_TYPE, "content-type")                             \
    X(COOKIE, "cookie")                                         \
    X(AUTHORIZATION, "authorization")                           \
    X(REFERER, "referer")                                       \
    X(ORIGIN, "origin")                                         \
    X(CACHE_CONTROL, "cache-control")                           \
    X(PRAGMA, "pragma")                                         \
    X(KEEP_ALIVE, "keep-alive")                                 \
    X(TE, "te")                                                 \
    X(TRAILER, "trailer")                                       \
    X(VIA, "via")                                               \
    X(RANGE, "range")                                           \
    X(IF_RANGE, "if-range")                                     \
    X(IF_MATCH, "if-match")                                     \
    X(IF_NONE_MATCH, "if-none-match")                           \
    X(IF_MODIFIED_SINCE, "if-modified-since")                   \
    X(IF_UNMODIFIED_SINCE, "if-unmodified-since")               \
    X(FORWARDED, "forwarded")                                   \
    X(X_FORWARDED_FOR, "x-forwarded-for")                       \
    X(X_FORWARDED_PROTO, "x-forwarded-proto")                   \
    X(X_FORWARDED_HOST, "x-forwarded-host")                     \
    X(X_FORWARDED_PORT, "x-forwarded-port")                     \
    X(X_REAL_IP, "x-real-ip")                                   \
    X(X_REQUEST_ID, "x-request-id")                             \
    X(X_REQUESTED_WITH, "x-requested-with")                     \
    X(TRACEPARENT, "traceparent")                               \
    X(TRACESTATE, "tracestate")                                 \
    X(PRIORITY, "priority")                                     \
    X(DNT, "dnt")                                               \
    X(UPGRADE_INSECURE_REQUESTS, "upgrade-insecure-requests")   \
    X(SEC_FETCH_DEST, "sec-fetch-dest")                         \
    X(SEC_FETCH_MODE, "sec-fetch-mode")                         \
    X(SEC_FETCH_SITE, "sec-fetch-site")                         \
    X(SEC_FETCH_USER, "sec-fetch-user")                         \
    X(SEC_CH_UA, "sec-ch-ua")                                   \
    X(SEC_CH_UA_MOBILE, "sec-ch-ua-mobile")                     \
    X(SEC_CH_UA_PLATFORM, "sec-ch-ua-platform")                 \
    X(SEC_WEBSOCKET_KEY, "sec-websocket-key")                   \
    X(SEC_WEBSOCKET_VERSION, "sec-websocket-version")           \
    X(SEC_WEBSOCKET_PROTOCOL, "sec-websocket-protocol")         \
    X(SEC_WEBSOCKET_EXTENSIONS, "sec-websocket-extensions")     \
    X(ACCESS_CONTROL_REQUEST_METHOD, "access-control-request-method")   \
    X(ACCESS_CONTROL_REQUEST_HEADERS, "access-control-request-headers")

enum fs_name_id {
    FS_NAME_UNKNOWN = 0,
#define X(symbol, text) FS_NAME_##symbol,
    FS_NAMES(X)
#undef X
    FS_NAME_COUNT
};

typedef struct {
    const char *text; /* in lower case */
    size_t len;
} fs_name;

/* Indexed by id; the entry of FS_NAME_UNKNOWN is empty. */
extern const fs_name fs_names[FS_NAME_COUNT];

/* The id of a field name in any case, or FS_NAME_UNKNOWN. */
int fs_name_find(const char *name, size_t len);

/* Lower case of ASCII letters; every other byte unchanged. */
extern const uint8_t fs_lower[256];

/* Whether two strings of one length are equal but for the case of ASCII letters; `lower` is in lower case. */
int fs_equals_lower(const char *text, const char *lower, size_t len);

#endif
