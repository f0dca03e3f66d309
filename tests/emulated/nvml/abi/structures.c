/* The functions of the library that fill structures; layouts as in nvml.h. */
#define _GNU_SOURCE
#include "asking.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

typedef struct {
    char bus_id_legacy[16];
    unsigned domain, bus, device, pci_device_id, pci_subsystem_id;
    char bus_id[32];
} nvmlPciInfo_t;
_Static_assert(sizeof(nvmlPciInfo_t) == 68, "nvmlPciInfo_t of _v3");

EXPORT nvmlReturn_t nvmlDeviceGetPciInfo_v3(nvmlDevice_t device, nvmlPciInfo_t *pci) {
    Reply reply;
    if (pci == NULL) return NVML_ERROR_INVALID_ARGUMENT;
    nvmlReturn_t code = ask(&reply, __func__, device, NO_ARGUMENTS);
    if (code != NVML_SUCCESS) return code;
    memset(pci, 0, sizeof *pci);
    pci->domain = (unsigned)reply_number(&reply, 0);
    pci->bus = (unsigned)reply_number(&reply, 1);
    pci->device = (unsigned)reply_number(&reply, 2);
    pci->pci_device_id = (unsigned)reply_number(&reply, 3);
    pci->pci_subsystem_id = (unsigned)reply_number(&reply, 4);
    snprintf(pci->bus_id_legacy, sizeof pci->bus_id_legacy, "%04X:%02X:%02X.0", pci->domain & 0xffffu, pci->bus & 0xffu,
             pci->device & 0xffu);
    snprintf(pci->bus_id, sizeof pci->bus_id, "%08X:%02X:%02X.0", pci->domain, pci->bus & 0xffu, pci->device & 0xffu);
    return NVML_SUCCESS;
}

typedef struct {
    unsigned gpu, memory;
} nvmlUtilization_t;

EXPORT nvmlReturn_t nvmlDeviceGetUtilizationRates(nvmlDevice_t device, nvmlUtilization_t *rates) {
    if (rates == NULL) return NVML_ERROR_INVALID_ARGUMENT;
    return get_uints(__func__, device, NO_ARGUMENTS, &rates->gpu, &rates->memory);
}

typedef struct {
    unsigned long long reference_time, violation_time;
} nvmlViolationTime_t;

EXPORT nvmlReturn_t nvmlDeviceGetViolationStatus(nvmlDevice_t device, unsigned policy, nvmlViolationTime_t *violation) {
    Reply reply;
    if (violation == NULL) return NVML_ERROR_INVALID_ARGUMENT;
    nvmlReturn_t code = ask(&reply, __func__, device, ARGUMENTS(policy));
    if (code != NVML_SUCCESS) return code;
    *violation = (nvmlViolationTime_t){reply_number(&reply, 0), reply_number(&reply, 1)};
    return NVML_SUCCESS;
}

typedef struct {
    unsigned long long total, free, used;
} nvmlMemory_t;
typedef struct {
    unsigned version;
    unsigned long long total, reserved, free, used;
} nvmlMemory_v2_t;

EXPORT nvmlReturn_t nvmlDeviceGetMemoryInfo(nvmlDevice_t device, nvmlMemory_t *memory) {
    Reply reply;
    if (memory == NULL) return NVML_ERROR_INVALID_ARGUMENT;
    nvmlReturn_t code = ask(&reply, __func__, device, NO_ARGUMENTS);
    if (code != NVML_SUCCESS) return code;
    /* The first version of the call counts what is reserved as used. */
    unsigned long long reserved = reply_number(&reply, 1);
    *memory = (nvmlMemory_t){reply_number(&reply, 0), reply_number(&reply, 2), reply_number(&reply, 3) + reserved};
    return NVML_SUCCESS;
}

#define VERSION_OF(type, number) ((unsigned)sizeof(type) | (number##u << 24))

EXPORT nvmlReturn_t nvmlDeviceGetMemoryInfo_v2(nvmlDevice_t device, nvmlMemory_v2_t *memory) {
    Reply reply;
    if (memory == NULL) return NVML_ERROR_INVALID_ARGUMENT;
    if (memory->version != VERSION_OF(nvmlMemory_v2_t, 2)) return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
    nvmlReturn_t code = ask(&reply, __func__, device, NO_ARGUMENTS);
    if (code != NVML_SUCCESS) return code;
    memory->total = reply_number(&reply, 0);
    memory->reserved = reply_number(&reply, 1);
    memory->free = reply_number(&reply, 2);
    memory->used = reply_number(&reply, 3);
    return NVML_SUCCESS;
}

typedef struct {
    unsigned version;
    int sensor, temperature_c;
} nvmlTemperature_v1_t;

EXPORT nvmlReturn_t nvmlDeviceGetTemperatureV(nvmlDevice_t device, nvmlTemperature_v1_t *temperature) {
    if (temperature == NULL) return NVML_ERROR_INVALID_ARGUMENT;
    if (temperature->version != VERSION_OF(nvmlTemperature_v1_t, 1)) return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
    unsigned value = 0;
    nvmlReturn_t code = get_uints(__func__, device, ARGUMENTS((unsigned)temperature->sensor), &value, NULL);
    if (code == NVML_SUCCESS) temperature->temperature_c = (int)value;
    return code;
}

typedef struct {
    unsigned pid;
    unsigned long long used_memory;
    unsigned gpu_instance, compute_instance;
} nvmlProcessInfo_t;
_Static_assert(sizeof(nvmlProcessInfo_t) == 24, "nvmlProcessInfo_t of _v2 and _v3");

static nvmlReturn_t get_processes(const char *function, nvmlDevice_t device, unsigned *count, nvmlProcessInfo_t *list) {
    Reply reply;
    if (count == NULL) return NVML_ERROR_INVALID_ARGUMENT;
    nvmlReturn_t code = ask(&reply, function, device, NO_ARGUMENTS);
    if (code != NVML_SUCCESS) return code;
    unsigned found = (unsigned)reply.count / 2;
    if (found == 0) {
        *count = 0;
        return NVML_SUCCESS;
    }
    code = has_room(count, found, list);
    for (unsigned i = 0; code == NVML_SUCCESS && i < found; i++)
        list[i] = (nvmlProcessInfo_t){(unsigned)reply_number(&reply, (int)(2 * i)), reply_number(&reply, (int)(2 * i + 1)),
                                      UINT32_MAX, UINT32_MAX};
    return code;
}

#define DEVICE_PROCESSES(function)                                                                  \
    EXPORT nvmlReturn_t function(nvmlDevice_t device, unsigned *count, nvmlProcessInfo_t *list) {   \
        return get_processes(#function, device, count, list);                                       \
    }
DEVICE_PROCESSES(nvmlDeviceGetComputeRunningProcesses_v2)
DEVICE_PROCESSES(nvmlDeviceGetComputeRunningProcesses_v3)
DEVICE_PROCESSES(nvmlDeviceGetGraphicsRunningProcesses_v2)
DEVICE_PROCESSES(nvmlDeviceGetGraphicsRunningProcesses_v3)
DEVICE_PROCESSES(nvmlDeviceGetMPSComputeRunningProcesses_v2)
DEVICE_PROCESSES(nvmlDeviceGetMPSComputeRunningProcesses_v3)

/* ---- device: fields ------------------------------------------------------------------------------------- */

enum { VALUE_UNSIGNED_INT = 1, MOST_FIELD_VALUES = 256 };

typedef struct {
    unsigned field_id, scope_id;
    long long timestamp, latency_us;
    unsigned value_type;
    nvmlReturn_t result;
    union {
        unsigned ui;
        unsigned long long ull;
    } value;
} nvmlFieldValue_t;
_Static_assert(sizeof(nvmlFieldValue_t) == 40, "nvmlFieldValue_t");

static long long microseconds_since_1970(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * 1000000ll + now.tv_nsec / 1000;
}

static void take_field(const Reply *reply, int entry, nvmlFieldValue_t *field, long long asked_us) {
    unsigned long long value = reply_number(reply, 3 * entry + 2);
    field->timestamp = microseconds_since_1970();
    field->latency_us = field->timestamp - asked_us;
    field->result = (nvmlReturn_t)reply_number(reply, 3 * entry);
    field->value_type = (unsigned)reply_number(reply, 3 * entry + 1);
    field->value.ull = 0;
    if (field->value_type == VALUE_UNSIGNED_INT)
        field->value.ui = (unsigned)value;
    else
        field->value.ull = value;
}

EXPORT nvmlReturn_t nvmlDeviceGetFieldValues(nvmlDevice_t device, int count, nvmlFieldValue_t *fields) {
    Reply reply;
    char wanted[MOST_FIELD_VALUES * 24] = "";
    long long asked_us = microseconds_since_1970();
    if (!is_device(device) || fields == NULL || count < 1 || count > MOST_FIELD_VALUES) return NVML_ERROR_INVALID_ARGUMENT;
    for (int i = 0, length = 0; i < count; i++)
        length += snprintf(wanted + length, sizeof wanted - (size_t)length, "\t%u\t%u", fields[i].field_id, fields[i].scope_id);
    nvmlReturn_t code = connection_call(&reply, "%s\t%u%s", __func__, index_of(device), wanted);
    for (int i = 0; code == NVML_SUCCESS && i < count; i++) take_field(&reply, i, &fields[i], asked_us);
    return code;
}
