// SPDX-License-Identifier: GPL-2.0
/*
 * A laptop's battery, BAT0, which everything draws from. Its controller brings
 * its values up to date only every update_ms; with mains power it charges.
 */

#include <linux/ktime.h>
#include <linux/platform_device.h>
#include <linux/power_supply.h>

#include "silicon.h"

#define FULL_UWH	52000000
#define UJ_PER_UWH	3600
#define VOLTAGE_UV	11520000

static struct platform_device *bay;
static struct power_supply *battery;
static bool on_mains;
static u32 update_ms = 1000;

/* What the controller has last measured. */
static struct {
	ktime_t when;
	int uwh;
	int uw;
} measured;

static void measure(void)
{
	ktime_t now = ktime_get();

	if (measured.when && ktime_ms_delta(now, measured.when) < READ_ONCE(update_ms))
		return;
	measured.when = now;
	measured.uwh = FULL_UWH - (int)div_u64(silicon_energy_uj(SILICON_ALL), UJ_PER_UWH);
	measured.uw = (int)silicon_power_uw(SILICON_ALL);
}

static int get_property(struct power_supply *supply, enum power_supply_property property,
			union power_supply_propval *value)
{
	int error = silicon_verdict(&silicon_battery);

	if (error)
		return error;
	measure();
	switch (property) {
	case POWER_SUPPLY_PROP_STATUS:
		value->intval = READ_ONCE(on_mains) ? POWER_SUPPLY_STATUS_CHARGING : POWER_SUPPLY_STATUS_DISCHARGING;
		return 0;
	case POWER_SUPPLY_PROP_PRESENT:
		value->intval = 1;
		return 0;
	case POWER_SUPPLY_PROP_ENERGY_FULL:
		value->intval = FULL_UWH;
		return 0;
	case POWER_SUPPLY_PROP_ENERGY_NOW:
		value->intval = measured.uwh;
		return 0;
	case POWER_SUPPLY_PROP_POWER_NOW:
		value->intval = measured.uw;
		return 0;
	case POWER_SUPPLY_PROP_VOLTAGE_NOW:
		value->intval = VOLTAGE_UV;
		return 0;
	default:
		return -EINVAL;
	}
}

static const enum power_supply_property properties[] = {
	POWER_SUPPLY_PROP_STATUS,     POWER_SUPPLY_PROP_PRESENT,   POWER_SUPPLY_PROP_ENERGY_FULL,
	POWER_SUPPLY_PROP_ENERGY_NOW, POWER_SUPPLY_PROP_POWER_NOW, POWER_SUPPLY_PROP_VOLTAGE_NOW,
};

static const struct power_supply_desc description = {
	.name = "BAT0",
	.type = POWER_SUPPLY_TYPE_BATTERY,
	.properties = properties,
	.num_properties = ARRAY_SIZE(properties),
	.get_property = get_property,
};

static int plug(void)
{
	bay = platform_device_register_simple("battery-bay", PLATFORM_DEVID_NONE, NULL, 0);
	if (IS_ERR(bay))
		return PTR_ERR(bay);
	battery = power_supply_register(&bay->dev, &description, NULL);
	if (IS_ERR(battery)) {
		platform_device_unregister(bay);
		return PTR_ERR(battery);
	}
	return 0;
}

static void unplug(void)
{
	power_supply_unregister(battery);
	platform_device_unregister(bay);
}

static void knobs(struct dentry *folder)
{
	debugfs_create_bool("on_mains", 0600, folder, &on_mains);
	debugfs_create_u32("update_ms", 0600, folder, &update_ms);
}

struct silicon_part silicon_battery = { .name = "battery", .plug = plug, .unplug = unplug, .knobs = knobs };
