/* libnvidia-ml.so.1 for a machine without NVIDIA: the binary interface of NVML 13, and nothing behind it.
 *
 * Names, argument order and layouts are those of nvml.h as the official Python binding resolves them. Every
 * call goes to the emulated driver, which knows the GPUs. Here are the functions about text and numbers; those
 * that fill structures are in structures.c.
 */
#include "asking.h"

#include <stdio.h>

/* ---- the library itself --------------------------------------------------------------------------------- */

EXPORT nvmlReturn_t nvmlInitWithFlags(unsigned flags) { return connection_open(flags); }
EXPORT nvmlReturn_t nvmlInit_v2(void) { return connection_open(0); }
EXPORT nvmlReturn_t nvmlInit(void) { return connection_open(0); }
EXPORT nvmlReturn_t nvmlShutdown(void) { return connection_close(); }

EXPORT const char *nvmlErrorString(nvmlReturn_t result) {
    static const char *const texts[] = {
        "Success", "Uninitialized", "Invalid Argument", "Not Supported", "Insufficient Permissions",
        "Already Initialized", "Not Found", "Insufficient Size", "Insufficient External Power", "Driver Not Loaded",
        "Timeout", "Interrupt Request Issue", "NVML Shared Library Not Found", "Function Not Found",
        "Corrupted infoROM", "GPU is lost", "GPU requires reset", "The operating system has blocked the request.",
        "RM has detected an NVML/RM version mismatch.", "In use by another client", "Insufficient Memory", "No data",
        "The requested vgpu operation is not available on target device, becasue ECC is enabled",
        "Insufficient Resources", "Frequency not supported", "Argument version mismatch",
        "Requested functionality has been deprecated", "Not Ready", "GPU not found", "Invalid state",
    };
    return result >= 0 && result < (int)(sizeof texts / sizeof texts[0]) ? texts[result] : "Unknown Error";
}

static nvmlReturn_t system_text(const char *function, char *text, unsigned length) {
    Reply reply;
    nvmlReturn_t code = connection_call(&reply, "%s", function);
    return code == NVML_SUCCESS ? copy_text(&reply, text, length) : code;
}

EXPORT nvmlReturn_t nvmlSystemGetDriverVersion(char *version, unsigned length) {
    return system_text(__func__, version, length);
}
EXPORT nvmlReturn_t nvmlSystemGetNVMLVersion(char *version, unsigned length) {
    return system_text(__func__, version, length);
}

static nvmlReturn_t system_number(const char *function, unsigned *value) {
    Reply reply;
    if (value == NULL) return NVML_ERROR_INVALID_ARGUMENT;
    nvmlReturn_t code = connection_call(&reply, "%s", function);
    if (code == NVML_SUCCESS) *value = (unsigned)reply_number(&reply, 0);
    return code;
}

EXPORT nvmlReturn_t nvmlSystemGetCudaDriverVersion(unsigned *version) { return system_number(__func__, version); }
EXPORT nvmlReturn_t nvmlSystemGetCudaDriverVersion_v2(unsigned *version) { return system_number(__func__, version); }
EXPORT nvmlReturn_t nvmlDeviceGetCount_v2(unsigned *count) { return system_number(__func__, count); }

EXPORT nvmlReturn_t nvmlSystemGetProcessName(unsigned pid, char *name, unsigned length) {
    Reply reply;
    nvmlReturn_t code = connection_call(&reply, "%s\t%u", __func__, pid);
    return code == NVML_SUCCESS ? copy_text(&reply, name, length) : code;
}

/* ---- handles -------------------------------------------------------------------------------------------- */

static nvmlReturn_t handle(const char *function, const char *key, nvmlDevice_t *device) {
    Reply reply;
    if (key == NULL || device == NULL) return NVML_ERROR_INVALID_ARGUMENT;
    nvmlReturn_t code = connection_call(&reply, "%s\t%s", function, key);
    if (code == NVML_SUCCESS) *device = device_of(reply_number(&reply, 0));
    return code;
}

EXPORT nvmlReturn_t nvmlDeviceGetHandleByIndex_v2(unsigned index, nvmlDevice_t *device) {
    char key[16];
    snprintf(key, sizeof key, "%u", index);
    return handle(__func__, key, device);
}
EXPORT nvmlReturn_t nvmlDeviceGetHandleByUUID(const char *uuid, nvmlDevice_t *device) {
    return handle(__func__, uuid, device);
}
EXPORT nvmlReturn_t nvmlDeviceGetHandleByPciBusId_v2(const char *bus_id, nvmlDevice_t *device) {
    return handle(__func__, bus_id, device);
}

/* ---- device: text, numbers, commands -------------------------------------------------------------------- */

#define DEVICE_TEXT(function)                                                       \
    EXPORT nvmlReturn_t function(nvmlDevice_t device, char *text, unsigned length) { \
        Reply reply;                                                                \
        nvmlReturn_t code = ask(&reply, #function, device, NO_ARGUMENTS);           \
        return code == NVML_SUCCESS ? copy_text(&reply, text, length) : code;       \
    }
DEVICE_TEXT(nvmlDeviceGetName)
DEVICE_TEXT(nvmlDeviceGetUUID)
DEVICE_TEXT(nvmlDeviceGetSerial)

#define DEVICE_UINT(function)                                               \
    EXPORT nvmlReturn_t function(nvmlDevice_t device, unsigned *value) {    \
        return get_uints(#function, device, NO_ARGUMENTS, value, NULL);     \
    }
DEVICE_UINT(nvmlDeviceGetIndex)
DEVICE_UINT(nvmlDeviceGetArchitecture)
DEVICE_UINT(nvmlDeviceGetPerformanceState)
DEVICE_UINT(nvmlDeviceGetPersistenceMode)
DEVICE_UINT(nvmlDeviceGetPowerUsage)
DEVICE_UINT(nvmlDeviceGetPowerManagementMode)
DEVICE_UINT(nvmlDeviceGetPowerManagementLimit)
DEVICE_UINT(nvmlDeviceGetPowerManagementDefaultLimit)
DEVICE_UINT(nvmlDeviceGetEnforcedPowerLimit)

#define DEVICE_UINT_OF(function)                                                            \
    EXPORT nvmlReturn_t function(nvmlDevice_t device, unsigned which, unsigned *value) {    \
        return get_uints(#function, device, ARGUMENTS(which), value, NULL);                 \
    }
DEVICE_UINT_OF(nvmlDeviceGetClockInfo)
DEVICE_UINT_OF(nvmlDeviceGetMaxClockInfo)
DEVICE_UINT_OF(nvmlDeviceGetApplicationsClock)
DEVICE_UINT_OF(nvmlDeviceGetDefaultApplicationsClock)
DEVICE_UINT_OF(nvmlDeviceGetTemperature)
DEVICE_UINT_OF(nvmlDeviceGetTemperatureThreshold)

EXPORT nvmlReturn_t nvmlDeviceGetClock(nvmlDevice_t device, unsigned type, unsigned id, unsigned *clock_mhz) {
    return get_uints(__func__, device, ARGUMENTS(type, id), clock_mhz, NULL);
}
EXPORT nvmlReturn_t nvmlDeviceGetMinMaxClockOfPState(nvmlDevice_t device, unsigned type, unsigned state,
                                                     unsigned *least_mhz, unsigned *most_mhz) {
    return get_uints(__func__, device, ARGUMENTS(type, state), least_mhz, most_mhz);
}

#define DEVICE_TWO_UINTS(function)                                                              \
    EXPORT nvmlReturn_t function(nvmlDevice_t device, unsigned *first, unsigned *second) {      \
        return get_uints(#function, device, NO_ARGUMENTS, first, second);                       \
    }
DEVICE_TWO_UINTS(nvmlDeviceGetCudaComputeCapability)
DEVICE_TWO_UINTS(nvmlDeviceGetPowerManagementLimitConstraints)
DEVICE_TWO_UINTS(nvmlDeviceGetMigMode)

#define DEVICE_ULONGLONG(function)                                                      \
    EXPORT nvmlReturn_t function(nvmlDevice_t device, unsigned long long *value) {      \
        Reply reply;                                                                    \
        if (value == NULL) return NVML_ERROR_INVALID_ARGUMENT;                          \
        nvmlReturn_t code = ask(&reply, #function, device, NO_ARGUMENTS);               \
        if (code == NVML_SUCCESS) *value = reply_number(&reply, 0);                     \
        return code;                                                                    \
    }
DEVICE_ULONGLONG(nvmlDeviceGetTotalEnergyConsumption)
DEVICE_ULONGLONG(nvmlDeviceGetCurrentClocksThrottleReasons)
DEVICE_ULONGLONG(nvmlDeviceGetCurrentClocksEventReasons)
DEVICE_ULONGLONG(nvmlDeviceGetSupportedClocksThrottleReasons)
DEVICE_ULONGLONG(nvmlDeviceGetSupportedClocksEventReasons)

#define DEVICE_COMMAND(function) \
    EXPORT nvmlReturn_t function(nvmlDevice_t device) { return tell(#function, device, NO_ARGUMENTS); }
DEVICE_COMMAND(nvmlDeviceResetGpuLockedClocks)
DEVICE_COMMAND(nvmlDeviceResetMemoryLockedClocks)
DEVICE_COMMAND(nvmlDeviceResetApplicationsClocks)

#define DEVICE_COMMAND_OF(function) \
    EXPORT nvmlReturn_t function(nvmlDevice_t device, unsigned value) { return tell(#function, device, ARGUMENTS(value)); }
DEVICE_COMMAND_OF(nvmlDeviceSetPersistenceMode)
DEVICE_COMMAND_OF(nvmlDeviceSetPowerManagementLimit)

#define DEVICE_COMMAND_OF_TWO(function)                                                      \
    EXPORT nvmlReturn_t function(nvmlDevice_t device, unsigned first, unsigned second) {     \
        return tell(#function, device, ARGUMENTS(first, second));                            \
    }
DEVICE_COMMAND_OF_TWO(nvmlDeviceSetGpuLockedClocks)
DEVICE_COMMAND_OF_TWO(nvmlDeviceSetMemoryLockedClocks)
DEVICE_COMMAND_OF_TWO(nvmlDeviceSetApplicationsClocks)

EXPORT nvmlReturn_t nvmlDeviceGetSupportedMemoryClocks(nvmlDevice_t device, unsigned *count, unsigned *clocks_mhz) {
    return get_clocks(__func__, device, NO_ARGUMENTS, count, clocks_mhz);
}
EXPORT nvmlReturn_t nvmlDeviceGetSupportedGraphicsClocks(nvmlDevice_t device, unsigned memory_mhz, unsigned *count,
                                                         unsigned *clocks_mhz) {
    return get_clocks(__func__, device, ARGUMENTS(memory_mhz), count, clocks_mhz);
}
