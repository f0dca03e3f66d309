/* One connection to the emulated driver: what an open /dev/nvidia* descriptor is to the real library. */
#ifndef CONNECTION_H
#define CONNECTION_H

enum {
    NVML_SUCCESS = 0,
    NVML_ERROR_UNINITIALIZED = 1,
    NVML_ERROR_INVALID_ARGUMENT = 2,
    NVML_ERROR_INSUFFICIENT_SIZE = 7,
    NVML_ERROR_DRIVER_NOT_LOADED = 9,
    NVML_ERROR_ARGUMENT_VERSION_MISMATCH = 25,
    NVML_ERROR_UNKNOWN = 999,
};

enum { LONGEST_REPLY = 32768, MOST_FIELDS = 4096 };

/* The values that came back with the return code: text, split at the tabs. */
typedef struct {
    int count;
    char *fields[MOST_FIELDS];
    char text[LONGEST_REPLY];
} Reply;

/* Counts one more user of the library and connects the first. */
int connection_open(unsigned flags);

/* Counts one user less; the last one disconnects, and the driver has seen it when this returns. */
int connection_close(void);

/* Sends one call, written like printf with tabs between function and arguments, and returns its code. */
int connection_call(Reply *reply, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The value at a position; 0 where the driver sent none. */
unsigned long long reply_number(const Reply *reply, int position);

#endif
