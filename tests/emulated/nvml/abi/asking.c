/* Asks the emulated driver on behalf of the library's functions. */
#include "asking.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { MOST_DEVICES = 64 };
static struct nvmlDevice_st devices[MOST_DEVICES];

int is_device(nvmlDevice_t device) {
    uintptr_t offset = (uintptr_t)device - (uintptr_t)devices;
    return offset < sizeof devices && offset % sizeof devices[0] == 0;
}

unsigned index_of(nvmlDevice_t device) { return (unsigned)(device - devices); }

nvmlDevice_t device_of(unsigned long long index) { return &devices[index % MOST_DEVICES]; }

nvmlReturn_t ask(Reply *reply, const char *function, nvmlDevice_t device, int count, const unsigned *arguments) {
    char text[64] = "";
    if (!is_device(device)) return NVML_ERROR_INVALID_ARGUMENT;
    for (int i = 0, length = 0; i < count; i++)
        length += snprintf(text + length, sizeof text - (size_t)length, "\t%u", arguments[i]);
    return connection_call(reply, "%s\t%u%s", function, index_of(device), text);
}

nvmlReturn_t tell(const char *function, nvmlDevice_t device, int count, const unsigned *arguments) {
    Reply reply;
    return ask(&reply, function, device, count, arguments);
}

nvmlReturn_t get_uints(const char *function, nvmlDevice_t device, int count, const unsigned *arguments,
                              unsigned *first, unsigned *second) {
    Reply reply;
    if (first == NULL) return NVML_ERROR_INVALID_ARGUMENT;
    nvmlReturn_t code = ask(&reply, function, device, count, arguments);
    if (code != NVML_SUCCESS) return code;
    *first = (unsigned)reply_number(&reply, 0);
    if (second != NULL) *second = (unsigned)reply_number(&reply, 1);
    return NVML_SUCCESS;
}

nvmlReturn_t copy_text(const Reply *reply, char *text, unsigned length) {
    const char *value = reply->count > 0 ? reply->fields[0] : "";
    if (text == NULL) return NVML_ERROR_INVALID_ARGUMENT;
    if (strlen(value) >= length) return NVML_ERROR_INSUFFICIENT_SIZE;
    strcpy(text, value);
    return NVML_SUCCESS;
}

nvmlReturn_t has_room(unsigned *count, unsigned needed, const void *room) {
    unsigned offered = *count;
    *count = needed;
    return room != NULL && offered >= needed ? NVML_SUCCESS : NVML_ERROR_INSUFFICIENT_SIZE;
}

nvmlReturn_t get_clocks(const char *function, nvmlDevice_t device, int arguments, const unsigned *values,
                               unsigned *count, unsigned *clocks_mhz) {
    Reply reply;
    if (count == NULL) return NVML_ERROR_INVALID_ARGUMENT;
    nvmlReturn_t code = ask(&reply, function, device, arguments, values);
    if (code != NVML_SUCCESS) return code;
    code = has_room(count, (unsigned)reply.count, clocks_mhz);
    for (int i = 0; code == NVML_SUCCESS && i < reply.count; i++) clocks_mhz[i] = (unsigned)reply_number(&reply, i);
    return code;
}
