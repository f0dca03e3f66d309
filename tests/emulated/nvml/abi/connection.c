/* The protocol: one line to the driver (uid, function, arguments), one line back (code, values), tabs between.
 *
 * The user id goes with every call because the real driver asks for the caller's privilege at every call.
 * A process that forks gets a connection of its own at its first call, as the parent's must not be shared.
 */
#define _GNU_SOURCE
#include "connection.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { LONGEST_REQUEST = 8192 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static unsigned users;
static int descriptor = -1;
static int broken;

static void before_fork(void) { pthread_mutex_lock(&lock); }

static void after_fork_in_parent(void) { pthread_mutex_unlock(&lock); }

static void disconnect(void) {
    if (descriptor >= 0) close(descriptor);
    descriptor = -1;
}

static void after_fork_in_child(void) {
    disconnect();
    pthread_mutex_unlock(&lock);
}

static void watch_forks(void) { pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child); }

static int connect_to_driver(void) {
    const char *path = getenv("FAKE_NVML_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (path == NULL || strlen(path) >= sizeof address.sun_path) return NVML_ERROR_DRIVER_NOT_LOADED;
    strcpy(address.sun_path, path);
    descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return NVML_ERROR_UNKNOWN;
    if (connect(descriptor, (struct sockaddr *)&address, sizeof address) == 0) return NVML_SUCCESS;
    disconnect();
    return NVML_ERROR_DRIVER_NOT_LOADED;
}

static int send_all(const char *text, size_t length) {
    while (length > 0) {
        ssize_t sent = send(descriptor, text, length, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return 0;
        text += sent;
        length -= (size_t)sent;
    }
    return 1;
}

static int receive_line(char *text, size_t size) {
    size_t length = 0;
    while (length < size) {
        ssize_t received = recv(descriptor, text + length, size - length, 0);
        if (received < 0 && errno == EINTR) continue;
        if (received <= 0) return 0;
        length += (size_t)received;
        if (text[length - 1] == '\n') {
            text[length - 1] = '\0';
            return 1;
        }
    }
    return 0;
}

static int split(Reply *reply) {
    char *rest = reply->text;
    char *code = strsep(&rest, "\t");
    reply->count = 0;
    while (rest != NULL && reply->count < MOST_FIELDS) reply->fields[reply->count++] = strsep(&rest, "\t");
    return atoi(code);
}

static const char *user_id(char *text, size_t size) {
    const char *pretended = getenv("FAKE_NVML_UID");
    if (pretended != NULL) return pretended;
    snprintf(text, size, "%u", (unsigned)geteuid());
    return text;
}

static int exchange(Reply *reply, const char *call) {
    char request[LONGEST_REQUEST], uid[16];
    int length = snprintf(request, sizeof request, "%s\t%s\n", user_id(uid, sizeof uid), call);
    if (length >= (int)sizeof request) return NVML_ERROR_INVALID_ARGUMENT;
    if (send_all(request, (size_t)length) && receive_line(reply->text, sizeof reply->text)) return split(reply);
    disconnect();
    broken = 1;
    return NVML_ERROR_UNKNOWN;
}

static int open_locked(unsigned flags) {
    Reply reply;
    char call[64];
    if (descriptor < 0) {
        int connected = connect_to_driver();
        if (connected != NVML_SUCCESS) return connected;
        broken = 0;
    }
    snprintf(call, sizeof call, "nvmlInitWithFlags\t%u", flags);
    int code = exchange(&reply, call);
    if (code == NVML_SUCCESS) users++;
    if (users == 0) disconnect();
    return code;
}

static int call_locked(Reply *reply, const char *call) {
    if (users == 0) return NVML_ERROR_UNINITIALIZED;
    if (broken) return NVML_ERROR_UNKNOWN;
    if (descriptor < 0) {
        int connected = connect_to_driver();
        if (connected != NVML_SUCCESS) return connected;
    }
    return exchange(reply, call);
}

int connection_open(unsigned flags) {
    pthread_once(&once, watch_forks);
    pthread_mutex_lock(&lock);
    int code = open_locked(flags);
    pthread_mutex_unlock(&lock);
    return code;
}

int connection_close(void) {
    Reply reply;
    pthread_mutex_lock(&lock);
    int code = users == 0 ? NVML_ERROR_UNINITIALIZED : NVML_SUCCESS;
    if (users > 0 && --users == 0) {
        if (descriptor >= 0) exchange(&reply, "nvmlShutdown");
        disconnect();
    }
    pthread_mutex_unlock(&lock);
    return code;
}

int connection_call(Reply *reply, const char *format, ...) {
    char call[LONGEST_REQUEST];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(call, sizeof call, format, arguments);
    va_end(arguments);
    reply->count = 0;
    if (length >= (int)sizeof call) return NVML_ERROR_INVALID_ARGUMENT;
    pthread_mutex_lock(&lock);
    int code = call_locked(reply, call);
    pthread_mutex_unlock(&lock);
    return code;
}

unsigned long long reply_number(const Reply *reply, int position) {
    return position < reply->count ? strtoull(reply->fields[position], NULL, 10) : 0;
}
