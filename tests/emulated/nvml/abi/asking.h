/* What the functions of the library have in common: handles, buffers, and the shapes of questions. */
#ifndef ASKING_H
#define ASKING_H

#include "connection.h"

#include <stddef.h>

#define EXPORT __attribute__((visibility("default")))

typedef int nvmlReturn_t;
typedef struct nvmlDevice_st {
    char place; /* the address is all that counts */
} *nvmlDevice_t;

/* The unsigned arguments of a call: how many, and which. */
#define ARGUMENTS(...) (int)(sizeof((unsigned[]){__VA_ARGS__}) / sizeof(unsigned)), (unsigned[]){__VA_ARGS__}
#define NO_ARGUMENTS 0, NULL

/* A handle is the address of one of a fixed number of devices. */
int is_device(nvmlDevice_t device);
unsigned index_of(nvmlDevice_t device);
nvmlDevice_t device_of(unsigned long long index);

/* Calls a function about a device; values come back in the reply. */
nvmlReturn_t ask(Reply *reply, const char *function, nvmlDevice_t device, int count, const unsigned *arguments);

/* The same for a function that gives nothing back. */
nvmlReturn_t tell(const char *function, nvmlDevice_t device, int count, const unsigned *arguments);

/* The same for a function that gives one or two numbers back; no second where the pointer is NULL. */
nvmlReturn_t get_uints(const char *function, nvmlDevice_t device, int count, const unsigned *arguments, unsigned *first,
                       unsigned *second);

/* The same for a list of clocks, in two calls. */
nvmlReturn_t get_clocks(const char *function, nvmlDevice_t device, int arguments, const unsigned *values, unsigned *count,
                        unsigned *clocks_mhz);

/* Copies the first value of a reply into a caller's buffer. */
nvmlReturn_t copy_text(const Reply *reply, char *text, unsigned length);

/* The two-call protocol: a caller without room learns how much it takes. */
nvmlReturn_t has_room(unsigned *count, unsigned needed, const void *room);

#endif
