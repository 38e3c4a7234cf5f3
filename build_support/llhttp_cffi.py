"""What does Python see of llhttp?

The module `fastserve.reference._llhttp`, made by cffi in its API mode: a C file with these declarations,
which the compiler checks against llhttp.h. `emit` writes that file.
"""

from __future__ import annotations

from pathlib import Path

MODULE = "fastserve.reference._llhttp"

DECLARATIONS = """
    typedef struct {
        void *data;
        uint64_t content_length;
        uint8_t method;
        uint8_t http_major;
        uint8_t http_minor;
        uint8_t upgrade;
        uint16_t flags;
        ...;
    } llhttp_t;

    typedef int (*llhttp_data_cb)(llhttp_t *, const char *at, size_t length);
    typedef int (*llhttp_cb)(llhttp_t *);

    typedef struct {
        llhttp_data_cb on_url;
        llhttp_data_cb on_header_field;
        llhttp_data_cb on_header_value;
        llhttp_data_cb on_chunk_extension_name;
        llhttp_data_cb on_chunk_extension_value;
        llhttp_data_cb on_body;
        llhttp_cb on_headers_complete;
        llhttp_cb on_header_field_complete;
        llhttp_cb on_header_value_complete;
        llhttp_cb on_chunk_header;
        llhttp_cb on_chunk_complete;
        llhttp_cb on_message_complete;
        ...;
    } llhttp_settings_t;

    enum { HTTP_REQUEST, F_CHUNKED, F_TRANSFER_ENCODING, ... };
    enum {
        HPE_OK, HPE_PAUSED, HPE_PAUSED_H2_UPGRADE,
        HPE_INVALID_METHOD, HPE_INVALID_URL, HPE_INVALID_VERSION, HPE_INVALID_HEADER_TOKEN, ...
    };
    enum { HTTP_PRI, ... };

    void llhttp_settings_init(llhttp_settings_t *);
    void llhttp_init(llhttp_t *, int type, const llhttp_settings_t *);
    int llhttp_execute(llhttp_t *, const char *data, size_t len);
    void llhttp_resume(llhttp_t *);
    const char *llhttp_get_error_reason(const llhttp_t *);
    const char *llhttp_get_error_pos(const llhttp_t *);
    void llhttp_set_lenient_keep_alive(llhttp_t *, int enabled);

    extern "Python" int fs_on_url(llhttp_t *, const char *, size_t);
    extern "Python" int fs_on_header_field(llhttp_t *, const char *, size_t);
    extern "Python" int fs_on_header_field_complete(llhttp_t *);
    extern "Python" int fs_on_header_value(llhttp_t *, const char *, size_t);
    extern "Python" int fs_on_header_value_complete(llhttp_t *);
    extern "Python" int fs_on_headers_complete(llhttp_t *);
    extern "Python" int fs_on_chunk_extension(llhttp_t *, const char *, size_t);
    extern "Python" int fs_on_chunk_header(llhttp_t *);
    extern "Python" int fs_on_chunk_complete(llhttp_t *);
    extern "Python" int fs_on_body(llhttp_t *, const char *, size_t);
    extern "Python" int fs_on_message_complete(llhttp_t *);
"""


def emit(path: Path) -> None:
    """Write the module's C file, unless it stands there already. Raises ImportError without cffi."""
    from cffi import FFI

    ffi = FFI()
    ffi.cdef(DECLARATIONS)
    ffi.set_source(MODULE, '#include "llhttp.h"')
    path.parent.mkdir(parents=True, exist_ok=True)
    ffi.emit_c_code(str(path))
