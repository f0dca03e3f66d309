// SPDX-License-Identifier: GPL-2.0
/* A board's own power and energy monitor: power1_input, energy1_input and what else such a chip has. */

#include <linux/hwmon.h>
#include <linux/platform_device.h>

#include "silicon.h"

#define SUPPLY_MV 12000

static struct platform_device *monitor;
static struct device *device;

static int monitor_read(struct device *dev, enum hwmon_sensor_types type, u32 attribute, int channel, long *value)
{
	int error = silicon_verdict(&silicon_hwmon);

	if (error)
		return error;
	switch (type) {
	case hwmon_power:
		*value = (long)silicon_power_uw(SILICON_ALL);
		return 0;
	case hwmon_energy:
		*value = (long)silicon_energy_uj(SILICON_ALL);
		return 0;
	case hwmon_in:
		*value = SUPPLY_MV;
		return 0;
	case hwmon_temp:
		*value = 45000;
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

static int monitor_read_string(struct device *dev, enum hwmon_sensor_types type, u32 attribute, int channel,
			       const char **text)
{
	*text = "board";
	return 0;
}

static umode_t monitor_is_visible(const void *data, enum hwmon_sensor_types type, u32 attribute, int channel)
{
	return 0444;
}

static const struct hwmon_channel_info *channels[] = {
	HWMON_CHANNEL_INFO(power, HWMON_P_INPUT | HWMON_P_LABEL),
	HWMON_CHANNEL_INFO(energy, HWMON_E_INPUT | HWMON_E_LABEL),
	HWMON_CHANNEL_INFO(in, HWMON_I_INPUT),
	HWMON_CHANNEL_INFO(temp, HWMON_T_INPUT),
	NULL,
};

static const struct hwmon_ops monitor_ops = {
	.is_visible = monitor_is_visible,
	.read = monitor_read,
	.read_string = monitor_read_string,
};

static const struct hwmon_chip_info chip = { .ops = &monitor_ops, .info = channels };

static int plug(void)
{
	monitor = platform_device_register_simple("board-monitor", PLATFORM_DEVID_NONE, NULL, 0);
	if (IS_ERR(monitor))
		return PTR_ERR(monitor);
	device = hwmon_device_register_with_info(&monitor->dev, "ltc2947", NULL, &chip, NULL);
	if (IS_ERR(device)) {
		platform_device_unregister(monitor);
		return PTR_ERR(device);
	}
	return 0;
}

static void unplug(void)
{
	hwmon_device_unregister(device);
	platform_device_unregister(monitor);
}

struct silicon_part silicon_hwmon = { .name = "hwmon", .plug = plug, .unplug = unplug };
