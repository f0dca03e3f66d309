// SPDX-License-Identifier: GPL-2.0
/*
 * The three-channel power monitor of a Jetson Orin Nano: INA3221 at address
 * 0x40 of I2C bus 1. Files, units and rounding are those of the kernel's
 * drivers/hwmon/ina3221.c: 8 mV a step of bus voltage, 40 uV a step of shunt
 * voltage, which are 8 mA at 5 mOhm; no value from a channel that is off.
 */

#include <linux/hwmon.h>
#include <linux/hwmon-sysfs.h>
#include <linux/i2c.h>

#include "silicon.h"

#define ADDRESS		0x40
#define BUS		1
#define CHANNELS	3
#define SUM_CHANNEL	7
#define BUS_STEP_MV	8
#define CURRENT_STEP_MA	8
#define SHUNT_UOHM	5000
#define SUPPLY_MV	5000

static const char *const rails[CHANNELS] = { "VDD_IN", "VDD_CPU_GPU_CV", "VDD_SOC" };
static const unsigned long consumers[CHANNELS] = {
	SILICON_ALL,
	SILICON_CPUS | BIT(SILICON_GPU),
	BIT(SILICON_MEMORY),
};

static struct i2c_adapter adapter;
static struct i2c_client *client;
static bool enabled[CHANNELS] = { true, true, true };

static long current_ma(int channel)
{
	u64 uw = silicon_power_uw(consumers[channel]);

	return (long)div_u64(uw, SUPPLY_MV) / CURRENT_STEP_MA * CURRENT_STEP_MA;
}

static long sum_ma(void)
{
	long sum = 0;
	int channel;

	for (channel = 0; channel < CHANNELS; channel++)
		if (enabled[channel])
			sum += current_ma(channel);
	return sum;
}

/* Channels 1 to 3 are bus voltages, 4 to 6 the shunt voltages of the same, 7 the sum of these. */
static int read_in(u32 attribute, int channel, long *value)
{
	int of = (channel - 1) % CHANNELS;

	if (attribute == hwmon_in_enable) {
		*value = enabled[of];
		return 0;
	}
	if (channel == SUM_CHANNEL) {
		*value = sum_ma() * SHUNT_UOHM / 1000000;
		return 0;
	}
	if (!enabled[of])
		return -ENODATA;
	*value = channel > CHANNELS ? current_ma(of) * SHUNT_UOHM / 1000000 : SUPPLY_MV / BUS_STEP_MV * BUS_STEP_MV;
	return 0;
}

static int read_curr(int channel, long *value)
{
	if (channel == CHANNELS) {
		*value = sum_ma();
		return 0;
	}
	if (!enabled[channel])
		return -ENODATA;
	*value = current_ma(channel);
	return 0;
}

static int ina_read(struct device *device, enum hwmon_sensor_types type, u32 attribute, int channel, long *value)
{
	int error = silicon_verdict(&silicon_ina3221);

	if (error)
		return error;
	switch (type) {
	case hwmon_chip:
		*value = CHANNELS * 2; /* ms: each of both voltages takes 1.1 ms by default */
		return 0;
	case hwmon_in:
		return read_in(attribute, channel, value);
	default:
		return read_curr(channel, value);
	}
}

static int ina_read_string(struct device *device, enum hwmon_sensor_types type, u32 attribute, int channel,
			   const char **text)
{
	*text = channel == SUM_CHANNEL ? "sum of shunt voltages" : rails[channel - 1];
	return 0;
}

static int ina_write(struct device *device, enum hwmon_sensor_types type, u32 attribute, int channel, long value)
{
	if (type == hwmon_in)
		enabled[channel - 1] = value;
	return silicon_verdict(&silicon_ina3221);
}

static umode_t ina_is_visible(const void *data, enum hwmon_sensor_types type, u32 attribute, int channel)
{
	bool writable = (type == hwmon_chip) || (type == hwmon_in && attribute == hwmon_in_enable);

	if (type == hwmon_in && channel == 0)
		return 0;
	return writable ? 0644 : 0444;
}

static const struct hwmon_channel_info *channels[] = {
	HWMON_CHANNEL_INFO(chip, HWMON_C_UPDATE_INTERVAL),
	HWMON_CHANNEL_INFO(in,
			   HWMON_I_INPUT, /* channel 0, which is not shown: a 0 here would end the list */
			   HWMON_I_INPUT | HWMON_I_ENABLE | HWMON_I_LABEL,
			   HWMON_I_INPUT | HWMON_I_ENABLE | HWMON_I_LABEL,
			   HWMON_I_INPUT | HWMON_I_ENABLE | HWMON_I_LABEL,
			   HWMON_I_INPUT, HWMON_I_INPUT, HWMON_I_INPUT,
			   HWMON_I_INPUT | HWMON_I_LABEL),
	HWMON_CHANNEL_INFO(curr, HWMON_C_INPUT, HWMON_C_INPUT, HWMON_C_INPUT, HWMON_C_INPUT),
	NULL,
};

static const struct hwmon_ops ina_ops = {
	.is_visible = ina_is_visible,
	.read = ina_read,
	.read_string = ina_read_string,
	.write = ina_write,
};

static const struct hwmon_chip_info chip = { .ops = &ina_ops, .info = channels };

static ssize_t shunt_show(struct device *device, struct device_attribute *attribute, char *buffer)
{
	return sysfs_emit(buffer, "%d\n", SHUNT_UOHM);
}

static SENSOR_DEVICE_ATTR_RO(shunt1_resistor, shunt, 0);
static SENSOR_DEVICE_ATTR_RO(shunt2_resistor, shunt, 1);
static SENSOR_DEVICE_ATTR_RO(shunt3_resistor, shunt, 2);

static struct attribute *ina_attrs[] = {
	&sensor_dev_attr_shunt1_resistor.dev_attr.attr,
	&sensor_dev_attr_shunt2_resistor.dev_attr.attr,
	&sensor_dev_attr_shunt3_resistor.dev_attr.attr,
	NULL,
};
ATTRIBUTE_GROUPS(ina);

static int ina_probe(struct i2c_client *found)
{
	struct device *device =
		devm_hwmon_device_register_with_info(&found->dev, "ina3221", NULL, &chip, ina_groups);

	return PTR_ERR_OR_ZERO(device);
}

static const struct i2c_device_id ids[] = { { "ina3221" }, {} };

static struct i2c_driver ina_driver = {
	.driver = { .name = "ina3221" },
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
	.probe = ina_probe,
#else
	.probe_new = ina_probe,
#endif
	.id_table = ids,
};

/* The bus itself carries nothing: the chip's registers are in this file. */
static u32 bus_functionality(struct i2c_adapter *bus)
{
	return I2C_FUNC_SMBUS_BYTE_DATA;
}

static int bus_xfer(struct i2c_adapter *bus, u16 address, unsigned short flags, char read_write, u8 command, int size,
		    union i2c_smbus_data *data)
{
	return -ENXIO;
}

static const struct i2c_algorithm bus_algorithm = { .smbus_xfer = bus_xfer, .functionality = bus_functionality };

static int add_chip(void)
{
	struct i2c_board_info info = { I2C_BOARD_INFO("ina3221", ADDRESS) };

	client = i2c_new_client_device(&adapter, &info);
	return PTR_ERR_OR_ZERO(client);
}

static int plug(void)
{
	int error;

	adapter = (struct i2c_adapter){ .owner = THIS_MODULE, .algo = &bus_algorithm, .nr = BUS };
	strscpy(adapter.name, "silicon", sizeof(adapter.name));
	error = i2c_add_numbered_adapter(&adapter);
	if (error)
		return error;
	error = i2c_add_driver(&ina_driver);
	if (error)
		goto remove_adapter;
	error = add_chip();
	if (error)
		goto remove_driver;
	return 0;

remove_driver:
	i2c_del_driver(&ina_driver);
remove_adapter:
	i2c_del_adapter(&adapter);
	return error;
}

static void unplug(void)
{
	i2c_unregister_device(client);
	i2c_del_driver(&ina_driver);
	i2c_del_adapter(&adapter);
}

struct silicon_part silicon_ina3221 = { .name = "ina3221", .plug = plug, .unplug = unplug };
