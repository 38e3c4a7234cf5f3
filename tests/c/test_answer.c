/* What does a field that the application gives say of its answer? */
#include "answer.h"

#include "check.h"

static const fs_said nothing;

static const struct {
    const char *label;
    int status;
    const char *fields; /* "name: value" each, one a line */
    fs_answer_result result; /* of the last */
    const char *lines;
    fs_said said;
} rows[] = {
    {"as they are", 200, "X-A: 1\nx-b:  2 \n", FS_ANSWER_OK, "X-A: 1\r\nx-b: 2\r\n", {0}},
    {"a name of a length that is read", 200, "ETag: 1\nRetry-: 2\nX-Trace-12: 3\n", FS_ANSWER_OK,
     "ETag: 1\r\nRetry-: 2\r\nX-Trace-12: 3\r\n", {0}},
    {"a length", 200, "Content-Length: 12\n", FS_ANSWER_OK, "Content-Length: 12\r\n", {.has_length = 1, .length = 12}},
    {"with white space", 200, "content-length: \t 12\t\n", FS_ANSWER_OK, "content-length: 12\r\n",
     {.has_length = 1, .length = 12}},
    {"twice the same", 200, "Content-Length: 12\nCONTENT-LENGTH: 12\n", FS_ANSWER_OK, "Content-Length: 12\r\n",
     {.has_length = 1, .length = 12}},
    {"two of them", 200, "Content-Length: 12\nContent-Length: 13\n", FS_ANSWER_TWO_LENGTHS, "Content-Length: 12\r\n",
     {.has_length = 1, .length = 12}},
    {"no number", 200, "Content-Length: 0x12\n", FS_ANSWER_BAD_LENGTH, "", {0}},
    {"below nothing", 200, "Content-Length: -1\n", FS_ANSWER_BAD_LENGTH, "", {0}},
    {"no value", 200, "Content-Length: \n", FS_ANSWER_BAD_LENGTH, "", {0}},
    {"a length in a 204", 204, "Content-Length: 0\n", FS_ANSWER_OK, "", {.has_length = 1}},
    {"a length in a 304", 304, "Content-Length: 7\n", FS_ANSWER_OK, "Content-Length: 7\r\n",
     {.has_length = 1, .length = 7}},
    {"a length in a 103", 103, "Content-Length: x\nLink: </a>\n", FS_ANSWER_OK, "Link: </a>\r\n", {0}},
    {"close", 200, "Connection: close\n", FS_ANSWER_OK, "", {.closes = 1}},
    {"close among others", 200, "connection: keep-alive ,  CLOSE\n", FS_ANSWER_OK, "", {.closes = 1}},
    {"keep-alive", 200, "Connection: keep-alive\n", FS_ANSWER_OK, "", {0}},
    {"a longer word", 200, "Connection: closed, not-close, clos\n", FS_ANSWER_OK, "", {0}},
    {"close stays said", 200, "Connection: close\nConnection: keep-alive\n", FS_ANSWER_OK, "", {.closes = 1}},
    {"chunked", 200, "Transfer-Encoding: Chunked\n", FS_ANSWER_OK, "", {0}},
    {"another coding", 200, "Transfer-Encoding: gzip, chunked\n", FS_ANSWER_BAD_CODING, "", {0}},
    {"no coding", 200, "Transfer-Encoding: \n", FS_ANSWER_BAD_CODING, "", {0}},
    {"date", 200, "Date: then\n", FS_ANSWER_OK, "Date: then\r\n", {.has_date = 1}},
    {"server", 200, "SERVER: me\n", FS_ANSWER_OK, "SERVER: me\r\n", {.has_server = 1}},
    {"a bad name", 200, "X: 1\nX Y: 1\n", FS_ANSWER_BAD_NAME, "X: 1\r\n", {0}},
    {"a bad value", 200, "X: 1\nDate: a\rb\n", FS_ANSWER_BAD_VALUE, "X: 1\r\n", {0}},
    {"a bad value that would be read", 200, "Connection: close\v\n", FS_ANSWER_BAD_VALUE, "", {0}},
};

static void test_rows(void)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fs_buf buf = {0};
        fs_said said = nothing;
        fs_answer_result result = FS_ANSWER_OK;
        const char *field = rows[i].fields;
        check_case = rows[i].label;
        while (*field != '\0') {
            const char *colon = strchr(field, ':'), *end = strchr(field, '\n');
            CHECK_INT(FS_ANSWER_OK, result); /* only the last one fails */
            result = fs_put_answer_field(&buf, &said, rows[i].status, field, (size_t)(colon - field), colon + 1,
                                         (size_t)(end - colon - 1));
            field = end + 1;
        }
        CHECK_INT(rows[i].result, result);
        CHECK_BYTES(rows[i].lines, strlen(rows[i].lines), buf.data, buf.len);
        CHECK_INT(rows[i].said.has_length, said.has_length);
        CHECK_INT(rows[i].said.length, said.length);
        CHECK_INT(rows[i].said.closes, said.closes);
        CHECK_INT(rows[i].said.has_date, said.has_date);
        CHECK_INT(rows[i].said.has_server, said.has_server);
        fs_buf_free(&buf);
    }
}

int main(void)
{
    test_rows();
    return check_end("test_answer");
}
