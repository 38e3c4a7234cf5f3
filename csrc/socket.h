/* socket.h: how much of this does the kernel take at once?
 */
#ifndef FS_SOCKET_H
#define FS_SOCKET_H

#include <errno.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 /* macOS: Python ignores SIGPIPE */
#endif

/* Returns how many bytes of `data` the kernel has taken, without waiting; 0 if none, for whatever reason. */
static inline size_t fs_send(int fd, const char *data, size_t size)
{
    ssize_t sent;
    do
        sent = send(fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? 0 : (size_t)sent;
}

#endif
